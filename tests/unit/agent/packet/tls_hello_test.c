/* The client hello: the name it calls, the versions it offers, and a number that is the client's, not the server's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include "agent/packet/tls_hello.h"

struct bytes {
    char bytes[20000];
    size_t length;
};

static void put(struct bytes *to, const void *bytes, size_t length)
{
    assert_true(to->length + length <= sizeof to->bytes);
    memcpy(to->bytes + to->length, bytes, length);
    to->length += length;
}

static void put_number(struct bytes *to, uint32_t number, unsigned size)
{
    while (size-- > 0)
        put(to, &(char){(char)(number >> 8 * size)}, 1);
}

static void put_extension(struct bytes *to, uint16_t type, const void *data, size_t length)
{
    put_number(to, type, 2);
    put_number(to, (uint32_t)length, 2);
    put(to, data, length);
}

enum trait {
    PLAIN = 0,
    GREASE = 1,       /* random values where RFC 8701 allows them */
    RESUMED = 2,      /* with a session to take up and padding */
    OTHER_CIPHER = 4, /* another client */
    OTHER_GROUP = 8,
    OTHER_ALPN = 16,
    TLS_1_2 = 32,
    NO_EXTENSIONS = 64,
};

/* A hello in records of at most `most` bytes. */
static void make_hello(struct bytes *result, const char *name, unsigned traits, size_t most)
{
    struct bytes extensions = {.length = 0}, hello = {.length = 0};
    if (traits & GREASE)
        put_extension(&extensions, 0x3a3a, "", 0);
    if (name) {
        struct bytes list = {.length = 0};
        put_number(&list, (uint32_t)strlen(name) + 3, 2);
        put_number(&list, 0, 1);
        put_number(&list, (uint32_t)strlen(name), 2);
        put(&list, name, strlen(name));
        put_extension(&extensions, 0, list.bytes, list.length);
    }
    if (traits & GREASE)
        put_extension(&extensions, 10, "\x00\x06\xda\xda\x00\x1d\x00\x17", 8);
    else
        put_extension(&extensions, 10, traits & OTHER_GROUP ? "\x00\x04\x00\x1d\x00\x18" : "\x00\x04\x00\x1d\x00\x17",
                      6);
    put_extension(&extensions, 11, "\x01\x00", 2);
    put_extension(&extensions, 16, traits & OTHER_ALPN ? "\x00\x05\x04http" : "\x00\x05\x04smtp", 7);
    if (!(traits & TLS_1_2))
        put_extension(&extensions, 43, traits & GREASE ? "\x06\x8a\x8a\x03\x04\x03\x03" : "\x04\x03\x04\x03\x03",
                      traits & GREASE ? 7 : 5);
    if (traits & RESUMED) {
        put_extension(&extensions, 21, "\0\0\0\0", 4);
        put_extension(&extensions, 41, "\0\1\2\3\4\5", 6);
    }
    put_number(&hello, 0x0303, 2);
    put(&hello, "0123456789abcdef0123456789abcdef", 32);
    put_number(&hello, traits & RESUMED ? 2 : 0, 1);
    put(&hello, "id", traits & RESUMED ? 2 : 0);
    put_number(&hello, traits & GREASE ? 6 : 4, 2);
    if (traits & GREASE)
        put_number(&hello, 0x1a1a, 2);
    put_number(&hello, 0x1301, 2);
    put_number(&hello, traits & OTHER_CIPHER ? 0x1303 : 0x1302, 2);
    put_number(&hello, 0x0100, 2);
    if (!(traits & NO_EXTENSIONS)) {
        put_number(&hello, (uint32_t)extensions.length, 2);
        put(&hello, extensions.bytes, extensions.length);
    }
    struct bytes message = {.length = 0};
    put_number(&message, 1, 1);
    put_number(&message, (uint32_t)hello.length, 3);
    put(&message, hello.bytes, hello.length);
    result->length = 0;
    for (size_t at = 0; at < message.length; at += most) {
        size_t length = most < message.length - at ? most : message.length - at;
        put_number(result, 0x160301, 3);
        put_number(result, (uint32_t)length, 2);
        put(result, message.bytes + at, length);
    }
}

static struct text text(const struct bytes *bytes)
{
    return (struct text){bytes->bytes, bytes->length};
}

static uint64_t fingerprint(const char *name, unsigned traits, size_t most)
{
    struct bytes bytes;
    struct tls_hello hello;
    make_hello(&bytes, name, traits, most);
    assert_int_equal(tls_hello_decode(text(&bytes), &hello), TLS_HELLO_WHOLE);
    return hello.fingerprint;
}

static void name_and_version_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned traits;
        uint16_t version;
    } hellos[] = {
        {"mx.example.org", PLAIN, 0x0304},
        {"mx.example.org", GREASE, 0x0304},
        {"mx.example.org", TLS_1_2, 0x0303},
        {NULL, PLAIN, 0x0304},
        {"x", RESUMED, 0x0304},
        {NULL, NO_EXTENSIONS, 0x0303},
    };
    for (size_t i = 0; i < sizeof hellos / sizeof hellos[0]; i++) {
        struct bytes bytes;
        struct tls_hello hello;
        make_hello(&bytes, hellos[i].name, hellos[i].traits, 16384);
        assert_int_equal(tls_hello_decode(text(&bytes), &hello), TLS_HELLO_WHOLE);
        assert_int_equal(hello.version, hellos[i].version);
        assert_true(text_equals(hello.server_name, text_of(hellos[i].name ? hellos[i].name : "")));
    }
}

static void the_number_is_the_clients(void **state)
{
    (void)state;
    uint64_t plain = fingerprint("mx.example.org", PLAIN, 16384);
    assert_true(plain == fingerprint("other.example.net", PLAIN, 16384));
    assert_true(plain == fingerprint(NULL, PLAIN, 16384));
    assert_true(plain == fingerprint("mx.example.org", GREASE, 16384));
    assert_true(plain == fingerprint("mx.example.org", RESUMED, 16384));
    assert_true(plain == fingerprint("mx.example.org", PLAIN, 40));
    assert_true(plain != fingerprint("mx.example.org", OTHER_CIPHER, 16384));
    assert_true(plain != fingerprint("mx.example.org", OTHER_GROUP, 16384));
    assert_true(plain != fingerprint("mx.example.org", OTHER_ALPN, 16384));
    assert_true(plain != fingerprint("mx.example.org", TLS_1_2, 16384));
}

static void every_beginning_is_partial(void **state)
{
    (void)state;
    static const size_t most[] = {16384, 100, 40, 5};
    for (size_t i = 0; i < sizeof most / sizeof most[0]; i++) {
        struct bytes bytes;
        struct tls_hello hello;
        make_hello(&bytes, "mx.example.org", PLAIN, most[i]);
        for (size_t length = 0; length < bytes.length; length++) {
            char *copy = malloc(length + 1); /* what is read beyond it, a sanitizer sees */
            assert_non_null(copy);
            memcpy(copy, bytes.bytes, length);
            assert_int_equal(tls_hello_decode((struct text){copy, length}, &hello), TLS_HELLO_PARTIAL);
            free(copy);
        }
        put(&bytes, "\x17\x03\x03", 3); /* what follows does not matter */
        assert_int_equal(tls_hello_decode(text(&bytes), &hello), TLS_HELLO_WHOLE);
    }
}

static void other_things_are_none(void **state)
{
    (void)state;
    static const struct text others[] = {
        {"EHLO me.org\r\n", 13},
        {"\x17\x03\x03\x00\x01x", 6},
        {"\x16\x04\x01\x00\x05\x01", 6},
        {"\x16\x03\x01\x00\x00\x01", 6},
        {"\x16\x03\x01\x00\x04\x02\x00\x00\x00", 9},          /* a server's hello */
        {"\x16\x03\x01\x00\x04\x01\x00\x00\x00", 9},          /* nothing in it */
        {"\x16\x03\x01\x00\x04\x01\xff\xff\xff", 9},          /* longer than any */
        {"\x16\x03\x01\x00\x06\x01\x00\x00\x02\x03\x03", 11}, /* cut inside */
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct tls_hello hello;
        assert_int_equal(tls_hello_decode(others[i], &hello), TLS_HELLO_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_and_version_are_read),
        cmocka_unit_test(the_number_is_the_clients),
        cmocka_unit_test(every_beginning_is_partial),
        cmocka_unit_test(other_things_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
