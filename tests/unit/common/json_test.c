/* JSON records, one a line: the bytes are the contract. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>
#include "common/cleanup.h"
#include "common/json.h"

static void assert_written(const struct buffer *buffer, const char *want)
{
    struct text got = buffer_text(buffer);
    if (!text_equals(got, text_of(want)))
        fail_msg("%.*s instead of %s", (int)got.length, got.bytes, want);
}

static void writes_a_record_of_every_kind_of_value(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer buffer;
    buffer_init(&buffer, 10000);
    uint8_t bytes[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    struct address address = address_from_ipv6(bytes), none = {0};
    struct json json = json_begin(&buffer);
    json_string(&json, "record", "session");
    json_string(&json, "user", NULL);
    json_text(&json, "from", TEXT(""));
    json_integer(&json, "least", INT64_MIN);
    json_unsigned(&json, "most", UINT64_MAX);
    json_integer(&json, "zero", 0);
    json_bool(&json, "yes", true);
    json_bool(&json, "no", false);
    json_moment(&json, "time", 1795420800 * SECOND + 5 * MICROSECOND);
    json_moment(&json, "never", 0);
    json_address(&json, "client", &address);
    json_address(&json, "nobody", &none);
    assert_true(json_end(&json));
    assert_written(&buffer, "{\"record\":\"session\",\"user\":null,\"from\":\"\",\"least\":-9223372036854775808,"
                            "\"most\":18446744073709551615,\"zero\":0,\"yes\":true,\"no\":false,"
                            "\"time\":\"2026-11-23T08:00:00.000005Z\",\"never\":null,\"client\":\"2001:db8::1\","
                            "\"nobody\":null}\n");
}

static void nests_with_commas_where_they_belong(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer buffer;
    buffer_init(&buffer, 10000);
    for (int record = 0; record < 2; record++) {
        struct json json = json_begin(&buffer);
        json_array_open(&json, "a");
        json_array_close(&json);
        json_array_open(&json, "b");
        json_integer(&json, NULL, 1);
        json_object_open(&json, NULL);
        json_integer(&json, "c", 2);
        json_object_open(&json, "d");
        json_object_close(&json);
        json_object_close(&json);
        json_object_open(&json, NULL);
        json_object_close(&json);
        json_array_close(&json);
        json_integer(&json, "e", 3);
        assert_true(json_end(&json));
    }
#define RECORD "{\"a\":[],\"b\":[1,{\"c\":2,\"d\":{}},{}],\"e\":3}\n"
    assert_written(&buffer, RECORD RECORD);
    buffer_drop_front(&buffer, SIZE_MAX);
    struct json json = json_begin(&buffer);
    assert_true(json_end(&json));
    assert_written(&buffer, "{}\n");
}

static void hundredths_have_two_decimals(void **state)
{
    (void)state;
    static const struct {
        int64_t given;
        const char *want;
    } rows[] = {
        {0, "{\"x\":0.00}\n"},       {5, "{\"x\":0.05}\n"},
        {-5, "{\"x\":-0.05}\n"},     {1234, "{\"x\":12.34}\n"},
        {-1234, "{\"x\":-12.34}\n"}, {700, "{\"x\":7.00}\n"},
        {-100, "{\"x\":-1.00}\n"},   {INT64_MIN, "{\"x\":-92233720368547758.08}\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CLEANUP(buffer_clear) struct buffer buffer;
        buffer_init(&buffer, 100);
        struct json json = json_begin(&buffer);
        json_hundredths(&json, "x", rows[i].given);
        assert_true(json_end(&json));
        assert_written(&buffer, rows[i].want);
    }
}

static void strings_are_escaped_and_made_utf8(void **state)
{
    (void)state;
    static const struct {
        struct text given;
        const char *want;
    } rows[] = {
        {{"plain", 5}, "{\"x\":\"plain\"}\n"},
        {{"\"\\/", 3}, "{\"x\":\"\\\"\\\\/\"}\n"},
        {{"\b\f\n\r\t", 5}, "{\"x\":\"\\b\\f\\n\\r\\t\"}\n"},
        {{"a\0b\x1f\x7f", 5}, "{\"x\":\"a\\u0000b\\u001f\\u007f\"}\n"},
        {{"\xc3\xa4\xe2\x82\xac\xf0\x9f\x93\xa7", 9}, "{\"x\":\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x93\xa7\"}\n"},
        {{"\xff\xc3", 2}, "{\"x\":\"\xef\xbf\xbd\xef\xbf\xbd\"}\n"},
        {{"a\xe2\x82z", 4}, "{\"x\":\"a\xef\xbf\xbd\xef\xbf\xbdz\"}\n"},
        {{"\xed\xa0\x80", 3}, "{\"x\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CLEANUP(buffer_clear) struct buffer buffer;
        buffer_init(&buffer, 100);
        struct json json = json_begin(&buffer);
        json_text(&json, "x", rows[i].given);
        assert_true(json_end(&json));
        assert_written(&buffer, rows[i].want);
    }
}

static void a_record_that_does_not_fit_leaves_nothing(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer buffer;
    static const char record[] = "{\"x\":\"1234\"}\n";
    for (size_t most = 0; most < 2 * sizeof record; most++) {
        buffer_init(&buffer, most);
        size_t whole = 0;
        for (int i = 0; i < 3; i++) {
            struct json json = json_begin(&buffer);
            json_string(&json, "x", "1234");
            if (json_end(&json))
                whole++;
        }
        assert_int_equal(whole, most / (sizeof record - 1));
        assert_int_equal(buffer_text(&buffer).length, whole * (sizeof record - 1));
        buffer_clear(&buffer);
    }
}

static void whatever_the_bytes_a_reader_can_read_it(void **state)
{
    (void)state;
    srandom(8);
    CLEANUP(buffer_clear) struct buffer buffer;
    buffer_init(&buffer, 10000);
    for (int round = 0; round < 20000; round++) {
        char bytes[24];
        size_t length = (size_t)random() % sizeof bytes;
        for (size_t i = 0; i < length; i++)
            bytes[i] = (char)(random() % 3 ? random() % 256 : "\xe2\x82\xac\xc3\"\\"[random() % 6]);
        struct json json = json_begin(&buffer);
        json_text(&json, "x", (struct text){bytes, length});
        assert_true(json_end(&json));
        json_error_t error;
        json_t *read = json_loadb(buffer.bytes, buffer.length, JSON_ALLOW_NUL, &error);
        if (!read)
            fail_msg("%s", error.text);
        json_decref(read);
        buffer_drop_front(&buffer, SIZE_MAX);
    }
}

/* A text of any length, plain or with one byte that is not, wherever it stands. */
static void texts_of_every_length(void **state)
{
    (void)state;
    for (size_t length = 0; length <= 40; length++) {
        for (size_t odd = 0; odd <= length; odd++) {
            char given[41], want[128];
            memset(given, 'x', sizeof given);
            if (odd < length)
                given[odd] = '"';
            snprintf(want, sizeof want, "{\"t\":\"%.*s%s%.*s\"}\n", (int)odd,
                     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", odd < length ? "\\\"" : "",
                     (int)(odd < length ? length - odd - 1 : 0), "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
            CLEANUP(buffer_clear) struct buffer out;
            buffer_init(&out, 1000);
            struct json json = json_begin(&out);
            json_text(&json, "t", (struct text){given, length});
            assert_true(json_end(&json));
            assert_int_equal(out.length, strlen(want));
            assert_memory_equal(out.bytes, want, out.length);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_of_every_length),
        cmocka_unit_test(writes_a_record_of_every_kind_of_value),
        cmocka_unit_test(nests_with_commas_where_they_belong),
        cmocka_unit_test(hundredths_have_two_decimals),
        cmocka_unit_test(strings_are_escaped_and_made_utf8),
        cmocka_unit_test(a_record_that_does_not_fit_leaves_nothing),
        cmocka_unit_test(whatever_the_bytes_a_reader_can_read_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
