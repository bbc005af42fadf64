/* The client hello, out of one or more TLS records:
 *
 *     record:     type 22 | version 2 | length 2 | fragment
 *     handshake:  type 1 | length 3 | version 2 | random 32 | session id <1> | cipher suites <2> | compression <1> |
 *                 extensions <2>
 *
 * <n>: a vector whose length takes n bytes. A hello split over records is joined first; more records than any client
 * makes of one are taken for noise. */
#include "agent/packet/tls_hello.h"

#include "common/cursor.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { RECORD_HANDSHAKE = 22, HANDSHAKE_CLIENT_HELLO = 1, HELLO_MOST = 16384, RECORDS_MOST = 64 };

enum extension {
    EXTENSION_SERVER_NAME = 0,
    EXTENSION_GROUPS = 10,
    EXTENSION_FORMATS = 11,
    EXTENSION_ALPN = 16,
    EXTENSION_PADDING = 21,
    EXTENSION_PRE_SHARED_KEY = 41,
    EXTENSION_EARLY_DATA = 42,
    EXTENSION_VERSIONS = 43,
    EXTENSION_COOKIE = 44
};

/* The handshake message, where it lies in one record borrowed from the input, else joined in `joined`. */
static enum tls_hello_outcome join_records(struct text bytes, uint8_t joined[HELLO_MOST], struct cursor *message)
{
    struct cursor input = cursor_of(bytes.bytes, bytes.length);
    size_t have = 0, need = 4;
    for (unsigned record = 0; record < RECORDS_MOST; record++) {
        uint8_t type = cursor_u8(&input);
        if (!cursor_failed(&input) && type != RECORD_HANDSHAKE)
            return TLS_HELLO_NONE;
        uint8_t major = cursor_u8(&input);
        if (!cursor_failed(&input) && major != 3)
            return TLS_HELLO_NONE;
        cursor_u8(&input);
        uint16_t length = cursor_u16(&input);
        if (cursor_failed(&input))
            return TLS_HELLO_PARTIAL;
        if (length == 0 || length > HELLO_MOST)
            return TLS_HELLO_NONE;
        struct cursor fragment = cursor_cut_most(&input, length);
        size_t got = cursor_left(&fragment);
        if (got > HELLO_MOST - have)
            return TLS_HELLO_NONE;
        if (have == 0 && got >= 4) { /* all in the first record: no copy */
            struct cursor head = fragment;
            uint8_t kind = cursor_u8(&head);
            size_t body = cursor_u24(&head);
            if (kind != HANDSHAKE_CLIENT_HELLO || body > HELLO_MOST - 4)
                return TLS_HELLO_NONE;
            need = 4 + body;
            if (got >= need) {
                *message = cursor_cut(&head, body);
                return TLS_HELLO_WHOLE;
            }
        }
        memcpy(joined + have, cursor_bytes(&fragment, got), got);
        have += got;
        if (have >= 4) {
            need = 4 + ((size_t)joined[1] << 16 | (size_t)joined[2] << 8 | joined[3]);
            if (joined[0] != HANDSHAKE_CLIENT_HELLO || need > HELLO_MOST)
                return TLS_HELLO_NONE;
        }
        if (have >= need) {
            *message = cursor_of(joined + 4, need - 4);
            return TLS_HELLO_WHOLE;
        }
        if (got < length)
            return TLS_HELLO_PARTIAL;
    }
    return TLS_HELLO_NONE;
}

/* RFC 8701: values thrown in at random so that servers learn to ignore the unknown. */
static bool is_grease(uint16_t value)
{
    return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

struct fingerprint {
    XXH3_state_t state;
};

static void add_value(struct fingerprint *fingerprint, uint16_t value)
{
    uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    if (!is_grease(value))
        XXH3_64bits_update(&fingerprint->state, bytes, 2);
}

/* A list of 16-bit values, GREASE left out, with a mark behind it that keeps lists apart. */
static void add_list(struct fingerprint *fingerprint, struct cursor list)
{
    while (cursor_left(&list) >= 2)
        add_value(fingerprint, cursor_u16(&list));
    XXH3_64bits_update(&fingerprint->state, "\n", 1);
}

static void add_bytes(struct fingerprint *fingerprint, struct cursor bytes)
{
    size_t length = cursor_left(&bytes);
    if (length > 0)
        XXH3_64bits_update(&fingerprint->state, cursor_bytes(&bytes, length), length);
    XXH3_64bits_update(&fingerprint->state, "\n", 1);
}

/* RFC 6066 3: a list of (type, name); type 0 is the host's name. */
static struct text server_name(struct cursor data)
{
    struct cursor list = cursor_cut(&data, cursor_u16(&data));
    while (cursor_left(&list) > 0) {
        uint8_t type = cursor_u8(&list);
        struct text name = cursor_text(&list, cursor_u16(&list));
        if (!cursor_failed(&list) && type == 0)
            return name;
    }
    return (struct text){"", 0};
}

static uint16_t highest_version(struct cursor data, uint16_t highest)
{
    struct cursor list = cursor_cut(&data, cursor_u8(&data));
    while (cursor_left(&list) >= 2) {
        uint16_t version = cursor_u16(&list);
        if (!is_grease(version) && version > highest && version >> 8 == 3)
            highest = version;
    }
    return highest;
}

/* What one client sends on some connections only: the name it calls, padding, the marks of a session taken up again. */
static bool varies(uint16_t type)
{
    return type == EXTENSION_SERVER_NAME || type == EXTENSION_PADDING || type == EXTENSION_PRE_SHARED_KEY ||
           type == EXTENSION_EARLY_DATA || type == EXTENSION_COOKIE;
}

/* Extensions: their types in order first, then the lists inside some of them, so that neither can be taken for the
 * other. */
static void read_extensions(struct cursor extensions, struct tls_hello *hello, struct fingerprint *fingerprint)
{
    struct cursor groups = cursor_of("", 0), formats = groups, names = groups;
    while (cursor_left(&extensions) > 0) {
        uint16_t type = cursor_u16(&extensions);
        struct cursor data = cursor_cut(&extensions, cursor_u16(&extensions));
        if (cursor_failed(&extensions))
            break;
        if (!varies(type))
            add_value(fingerprint, type);
        if (type == EXTENSION_SERVER_NAME)
            hello->server_name = server_name(data);
        else if (type == EXTENSION_VERSIONS)
            hello->version = highest_version(data, hello->version);
        else if (type == EXTENSION_GROUPS)
            groups = cursor_cut(&data, cursor_u16(&data));
        else if (type == EXTENSION_FORMATS)
            formats = cursor_cut(&data, cursor_u8(&data));
        else if (type == EXTENSION_ALPN)
            names = cursor_cut(&data, cursor_u16(&data));
    }
    XXH3_64bits_update(&fingerprint->state, "\n", 1);
    add_list(fingerprint, groups);
    add_bytes(fingerprint, formats);
    add_bytes(fingerprint, names);
}

/* A name may stand in the joined copy, which does not outlive the call: find it in the input again. */
static struct text name_in_input(struct text name, struct text bytes)
{
    const char *found = name.length ? memmem(bytes.bytes, bytes.length, name.bytes, name.length) : NULL;
    return found ? (struct text){found, name.length} : (struct text){"", 0};
}

enum tls_hello_outcome tls_hello_decode(struct text bytes, struct tls_hello *result)
{
    uint8_t joined[HELLO_MOST];
    struct cursor message = cursor_of("", 0);
    enum tls_hello_outcome outcome = join_records(bytes, joined, &message);
    if (outcome != TLS_HELLO_WHOLE)
        return outcome;
    struct tls_hello hello = {.server_name = {"", 0}};
    struct fingerprint fingerprint;
    XXH3_64bits_reset(&fingerprint.state);
    hello.version = cursor_u16(&message);
    cursor_skip(&message, 32);
    cursor_skip(&message, cursor_u8(&message));
    struct cursor ciphers = cursor_cut(&message, cursor_u16(&message));
    cursor_skip(&message, cursor_u8(&message));
    if (cursor_failed(&message) || cursor_left(&ciphers) < 2)
        return TLS_HELLO_NONE;
    add_list(&fingerprint, ciphers);
    struct cursor extensions = cursor_cut_most(&message, cursor_u16(&message));
    read_extensions(extensions, &hello, &fingerprint);
    add_value(&fingerprint, hello.version);
    hello.fingerprint = XXH3_64bits_digest(&fingerprint.state);
    hello.server_name = name_in_input(hello.server_name, bytes);
    *result = hello;
    return TLS_HELLO_WHOLE;
}
