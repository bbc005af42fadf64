/* See packing.h. Sealed bytes are: 1 (the form), 8 bytes that tell which key, 24 of the nonce, what is sealed, its
 * mark.
 */
#include "collector/quarantine/packing.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>
#include "common/cleanup.h"

#define FORM      1
#define KEY_BYTES crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define NONCE     crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define MARK      crypto_aead_xchacha20poly1305_ietf_ABYTES
#define WHICH     8
#define HEAD      (1 + WHICH + NONCE)
#define LEVEL     3
#define FILE_MOST 8192

struct packing_keys {
    size_t count;
    struct {
        unsigned char key[KEY_BYTES], which[WHICH];
    } items[PACKING_KEYS_MOST];
};

/* --- the file of keys --- */

static int add_key(struct packing_keys *keys, struct text digits, const char *file, int line, struct error *error)
{
    size_t length = 0;
    unsigned char hash[32];
    if (keys->count == PACKING_KEYS_MOST)
        return error_set(error, EINVAL, "%s:%d: more than %d keys", file, line, PACKING_KEYS_MOST);
    unsigned char *key = keys->items[keys->count].key;
    if (digits.length != 2 * KEY_BYTES ||
        sodium_hex2bin(key, KEY_BYTES, digits.bytes, digits.length, NULL, &length, NULL) != 0 || length != KEY_BYTES)
        return error_set(error, EINVAL, "%s:%d: this is no key; 64 hexadecimal digits are one", file, line);
    crypto_generichash(hash, sizeof hash, key, KEY_BYTES, (const unsigned char *)"which", 5);
    memcpy(keys->items[keys->count++].which, hash, WHICH);
    return 0;
}

static int parse(struct packing_keys *keys, struct text rest, const char *file, struct error *error)
{
    for (int line = 1; rest.length > 0; line++) {
        struct text word = text_trim(text_split(&rest, '\n'));
        if (word.length == 0 || word.bytes[0] == '#')
            continue;
        int status = add_key(keys, word, file, line, error);
        if (status < 0)
            return status;
    }
    return keys->count > 0 ? 0 : error_set(error, EINVAL, "%s: there is no key in it", file);
}

static void close_file(const int *descriptor)
{
    if (*descriptor >= 0)
        close(*descriptor);
}

/* Not file_read(): its memory would not be wiped, and who may read the file is to be known of the one that is open. */
static int read_keys(struct packing_keys *keys, const char *file, struct error *error)
{
    char bytes[FILE_MOST];
    struct stat about;
    size_t length = 0;
    CLEANUP(close_file) int descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0 || fstat(descriptor, &about) != 0)
        return error_set(error, errno, "cannot read %s: %s", file, strerror(errno));
    if (!S_ISREG(about.st_mode))
        return error_set(error, EINVAL, "%s: it is no file", file);
    if (about.st_mode & (S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH))
        return error_set(error, EPERM, "%s: others may read or write it; chmod 600 makes it its owner's alone", file);
    for (ssize_t got = 1; got > 0 && length<sizeof bytes; length += got> 0 ? (size_t)got : 0) {
        got = read(descriptor, bytes + length, sizeof bytes - length);
        if (got < 0)
            return error_set(error, errno, "cannot read %s: %s", file, strerror(errno));
    }
    int status = length == sizeof bytes ? error_set(error, EFBIG, "%s: it is too long", file)
                                        : parse(keys, (struct text){bytes, length}, file, error);
    sodium_memzero(bytes, sizeof bytes);
    return status;
}

int packing_keys_read(const char *file, struct packing_keys **result, struct error *error)
{
    CLEANUP(packing_keys_destroy) struct packing_keys *keys = NULL;
    if (sodium_init() < 0 || (keys = sodium_malloc(sizeof *keys)) == NULL)
        return error_set(error, ENOMEM, "no memory for keys");
    keys->count = 0;
    int status = read_keys(keys, file, error);
    if (status == 0) {
        sodium_mprotect_readonly(keys);
        *result = TAKE(keys);
    }
    return status;
}

void packing_keys_destroy(struct packing_keys **keys)
{
    sodium_free(*keys);
    *keys = NULL;
}

size_t packing_keys_count(const struct packing_keys *keys)
{
    return keys ? keys->count : 0;
}

/* --- packing --- */

static int compress(struct text plain, struct buffer *out, struct error *error)
{
    size_t most = ZSTD_compressBound(plain.length);
    if (!buffer_reserve(out, most))
        return error_set(error, ENOMEM, "no memory to compress %zu bytes", plain.length);
    size_t length = ZSTD_compress(out->bytes + out->length, most, plain.bytes, plain.length, LEVEL);
    if (ZSTD_isError(length))
        return error_set(error, ENOMEM, "cannot compress: %s", ZSTD_getErrorName(length));
    out->length += length;
    return 0;
}

/* What is sealed is what stands behind `head` bytes at the end of `out`, in place. */
static void seal(const struct packing_keys *keys, const char *name, struct buffer *out, size_t start)
{
    unsigned char *at = (unsigned char *)out->bytes + start;
    size_t length = out->length - start - HEAD;
    unsigned long long sealed = 0;
    at[0] = FORM;
    memcpy(at + 1, keys->items[0].which, WHICH);
    randombytes_buf(at + 1 + WHICH, NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(at + HEAD, &sealed, at + HEAD, length, (const unsigned char *)name,
                                               strlen(name), NULL, at + 1 + WHICH, keys->items[0].key);
    out->length = start + HEAD + sealed;
}

int packing_pack(const struct packing_keys *keys, const char *name, struct text plain, struct buffer *out,
                 enum store_packing *result, struct error *error)
{
    size_t start = out->length;
    if (plain.length > PACKING_PLAIN_MOST)
        return error_set(error, EMSGSIZE, "%zu bytes; at most %zu are kept", plain.length, PACKING_PLAIN_MOST);
    if (keys && !buffer_reserve(out, HEAD + MARK))
        return error_set(error, ENOMEM, "no memory to seal a message");
    out->length += keys ? HEAD : 0;
    int status = compress(plain, out, error);
    if (status == 0 && keys && !buffer_reserve(out, MARK))
        status = error_set(error, ENOMEM, "no memory to seal a message");
    if (status < 0) {
        out->length = start;
        return status;
    }
    if (keys)
        seal(keys, name, out, start);
    *result = keys ? PACKING_SEALED : PACKING_ZSTD;
    return 0;
}

/* --- and back --- */

static int decompress(struct text packed, struct buffer *out, struct error *error)
{
    unsigned long long length = ZSTD_getFrameContentSize(packed.bytes, packed.length);
    if (length == ZSTD_CONTENTSIZE_ERROR || length == ZSTD_CONTENTSIZE_UNKNOWN)
        return error_set(error, EBADMSG, "what is kept is damaged");
    if (length > PACKING_PLAIN_MOST || length > out->most - out->length)
        return error_set(error, EMSGSIZE, "it becomes more than %zu bytes", PACKING_PLAIN_MOST);
    if (!buffer_reserve(out, (size_t)length + 1))
        return error_set(error, ENOMEM, "no memory for a message of %llu bytes", length);
    size_t got = ZSTD_decompress(out->bytes + out->length, (size_t)length, packed.bytes, packed.length);
    if (ZSTD_isError(got) || got != length)
        return error_set(error, EBADMSG, "what is kept is damaged");
    out->length += got;
    return 0;
}

static const unsigned char *key_of(const struct packing_keys *keys, const unsigned char *which)
{
    for (size_t i = 0; keys && i < keys->count; i++)
        if (memcmp(keys->items[i].which, which, WHICH) == 0)
            return keys->items[i].key;
    return NULL;
}

static int open_seal(const struct packing_keys *keys, const char *name, struct text packed, struct buffer *out,
                     struct error *error)
{
    const unsigned char *at = (const unsigned char *)packed.bytes;
    unsigned long long length = 0;
    if (packed.length < HEAD + MARK || at[0] != FORM)
        return error_set(error, EBADMSG, "what is kept is damaged");
    const unsigned char *key = key_of(keys, at + 1);
    if (key == NULL)
        return error_set(error, ENOKEY, "it is sealed with a key that this collector does not have");
    if (!buffer_reserve(out, packed.length))
        return error_set(error, ENOMEM, "no memory for a message");
    if (crypto_aead_xchacha20poly1305_ietf_decrypt((unsigned char *)out->bytes, &length, NULL, at + HEAD,
                                                   packed.length - HEAD, (const unsigned char *)name, strlen(name),
                                                   at + 1 + WHICH, key) != 0)
        return error_set(error, EBADMSG, "its seal is broken: what is kept was changed, or belongs to another message");
    out->length = (size_t)length;
    return 0;
}

int packing_unpack(const struct packing_keys *keys, const char *name, enum store_packing packing, struct text packed,
                   struct buffer *out, struct error *error)
{
    CLEANUP(buffer_clear) struct buffer opened;
    buffer_init(&opened, PACKING_MOST);
    if (packing == PACKING_ZSTD)
        return decompress(packed, out, error);
    if (packing != PACKING_SEALED)
        return error_set(error, EBADMSG, "it is kept in a form that this collector does not know");
    int status = open_seal(keys, name, packed, &opened, error);
    return status < 0 ? status : decompress(buffer_text(&opened), out, error);
}
