/* See content.h. */
#include "collector/quarantine/content.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

/* --- digest --- */

struct digesting {
    crypto_generichash_state state;
    size_t empty; /* line ends that count only where something follows */
};

static void add(struct digesting *digesting, struct text bytes)
{
    static const unsigned char ends[64] = "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"
                                          "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n";
    while (digesting->empty > 0) {
        size_t some = digesting->empty < 63 ? digesting->empty : 63;
        crypto_generichash_update(&digesting->state, ends, some);
        digesting->empty -= some;
    }
    crypto_generichash_update(&digesting->state, (const unsigned char *)bytes.bytes, bytes.length);
}

void content_digest(struct text content, char result[STORE_DIGEST])
{
    unsigned char hash[(STORE_DIGEST - 1) / 2];
    struct digesting digesting = {.empty = 0};
    crypto_generichash_init(&digesting.state, NULL, 0, sizeof hash);
    while (content.length > 0) {
        struct text line = text_split(&content, '\n');
        if (line.length > 0 && line.bytes[line.length - 1] == '\r')
            line.length--;
        if (line.length > 0)
            add(&digesting, line);
        digesting.empty++;
    }
    crypto_generichash_final(&digesting.state, hash, sizeof hash);
    sodium_bin2hex(result, STORE_DIGEST, hash, sizeof hash);
}

/* --- what is kept --- */

struct opening {
    const struct packing_keys *keys;
    const char *name;
    struct buffer *plain;
    struct error *error;
    int status;
};

static void open_one(void *context, enum store_packing packing, struct text packed)
{
    struct opening *opening = context;
    opening->status = packing_unpack(opening->keys, opening->name, packing, packed, opening->plain, opening->error);
}

static struct opening begin(const struct packing_keys *keys, const char *name, struct buffer *plain,
                            struct error *error)
{
    buffer_clear(plain);
    return (struct opening){keys, name, plain, error, 0};
}

int content_open(struct store *store, const struct packing_keys *keys, const char *name, struct buffer *plain,
                 struct error *error)
{
    struct opening opening = begin(keys, name, plain, error);
    int found = store_message_content(store, name, open_one, &opening, error);
    return found <= 0 ? found : opening.status < 0 ? opening.status : 1;
}

int content_of_lesson(struct store *store, const struct packing_keys *keys, const char *name, const char *digest,
                      struct buffer *plain, struct error *error)
{
    int found = name[0] ? content_open(store, keys, name, plain, error) : 0;
    if (found != 0)
        return found;
    struct opening opening = begin(keys, digest, plain, error);
    found = store_lesson_content(store, digest, open_one, &opening, error);
    return found <= 0 ? found : opening.status < 0 ? opening.status : 1;
}
