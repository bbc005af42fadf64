/* The line before the content: sound JSON whatever strangers wrote, and what servers call the message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <string.h>
#include "agent/sample/envelope.h"
#include "common/cleanup.h"

struct list {
    const struct text *items;
    size_t count, at;
    unsigned copies; /* of the whole list */
};

static bool next(void *context, struct text *address)
{
    struct list *list = context;
    if (list->at == list->count) {
        if (list->copies == 0)
            return false;
        list->copies--;
        list->at = 0;
    }
    *address = list->items[list->at++];
    return true;
}

static json_t *line_of(const struct envelope *envelope, const char *sender, const char *customer)
{
    CLEANUP(buffer_clear) struct buffer members, line;
    buffer_init(&members, ENVELOPE_MOST);
    buffer_init(&line, ENVELOPE_MOST);
    assert_true(envelope_members(envelope, &members));
    assert_true(envelope_line(buffer_text(&members), sender, customer, &line));
    assert_int_equal(line.bytes[line.length - 1], '\n');
    assert_ptr_equal(memchr(line.bytes, '\n', line.length), line.bytes + line.length - 1);
    json_t *json = json_loadb(line.bytes, line.length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    assert_non_null(json);
    return json;
}

static const char *text_in(const json_t *json, const char *key)
{
    return json_string_value(json_object_get(json, key));
}

static void all_that_is_known_stands_in_it(void **unused)
{
    static const struct text addresses[] = {TEXT("b@y.example"), TEXT("c@z.example")};
    struct list list = {addresses, 2, 0, 0};
    struct envelope envelope = {
        .number = 7,
        .time = INT64_C(1795420800) * SECOND,
        .helo = TEXT("me.example"),
        .user = TEXT("alice"),
        .from = TEXT("a@x.example"),
        .client_port = 4321,
        .phrase = TEXT("2.0.0 Ok: queued as 4Zq1xW2Kz9z"),
        .why = SAMPLE_SCORE,
        .complete = true,
        .code = 250,
        .bytes = 1234,
        .digest = {0x1122334455667788, 0xaabbccddeeff0011},
        .likeness = {{1, 2, 3}},
        .recipients_left_out = 5,
        .recipient = next,
        .context = &list,
    };
    (void)unused;
    assert_true(address_parse(TEXT("192.0.2.1"), &envelope.client));
    assert_true(address_parse(TEXT("2001:db8::25"), &envelope.server));
    json_t *json = line_of(&envelope, "port:vnet1", "vm101");
    assert_string_equal(text_in(json, "record"), "message");
    assert_string_equal(text_in(json, "sender"), "port:vnet1");
    assert_string_equal(text_in(json, "customer"), "vm101");
    assert_non_null(text_in(json, "time"));
    assert_string_equal(text_in(json, "address"), "192.0.2.1");
    assert_int_equal(json_integer_value(json_object_get(json, "client_port")), 4321);
    assert_string_equal(text_in(json, "server"), "2001:db8::25");
    assert_string_equal(text_in(json, "helo"), "me.example");
    assert_string_equal(text_in(json, "user"), "alice");
    assert_string_equal(text_in(json, "queue"), "4Zq1xW2Kz9z");
    assert_string_equal(text_in(json, "from"), "a@x.example");
    assert_int_equal(json_array_size(json_object_get(json, "recipients")), 2);
    assert_string_equal(json_string_value(json_array_get(json_object_get(json, "recipients"), 1)), "c@z.example");
    assert_int_equal(json_integer_value(json_object_get(json, "recipients_left_out")), 5);
    assert_string_equal(text_in(json, "why"), "score");
    assert_true(json_is_true(json_object_get(json, "complete")));
    assert_int_equal(json_integer_value(json_object_get(json, "code")), 250);
    assert_int_equal(json_integer_value(json_object_get(json, "bytes")), 1234);
    assert_string_equal(text_in(json, "digest"), "aabbccddeeff00111122334455667788");
    assert_int_equal(strlen(text_in(json, "likeness")), LIKENESS_TEXT - 1);
    assert_int_equal(json_integer_value(json_object_get(json, "node_message")), 7);
    json_decref(json);
}

static void what_strangers_write_breaks_nothing(void **unused)
{
    static const struct text addresses[] = {TEXT("\"},{\"@y"), TEXT("\r\n\0x@y"), TEXT("\xff\xfe@y")};
    struct list list = {addresses, 3, 0, 0};
    const struct envelope envelope = {
        .helo = TEXT("\"\\\n"), .from = TEXT("\x1b[2J"), .phrase = TEXT("\""), .recipient = next, .context = &list};
    (void)unused;
    json_t *json = line_of(&envelope, "port:vnet1", "");
    assert_string_equal(text_in(json, "helo"), "\"\\\n");
    assert_int_equal(json_array_size(json_object_get(json, "recipients")), 3);
    assert_true(json_is_null(json_object_get(json, "address")));
    json_decref(json);
}

/* A thousand recipients of the greatest length stand in a line of its size; the others are counted. */
static void recipients_are_bounded(void **unused)
{
    static char longest[320];
    memset(longest, 'x', sizeof longest);
    const struct text address = {longest, sizeof longest};
    struct list list = {&address, 1, 0, 1499};
    const struct envelope envelope = {.recipient = next, .context = &list, .recipients_left_out = 1};
    (void)unused;
    json_t *json = line_of(&envelope, "port:vnet1", "");
    assert_int_equal(json_array_size(json_object_get(json, "recipients")), ENVELOPE_RECIPIENTS_MOST);
    assert_int_equal(json_integer_value(json_object_get(json, "recipients_left_out")), 501);
    json_decref(json);
}

/* Whoever writes addresses that take six bytes a byte is not spared a look for that. */
static void what_does_not_fit_is_counted(void **unused)
{
    static char bytes[320];
    memset(bytes, 1, sizeof bytes); /* six bytes each, as JSON writes them */
    const struct text address = {bytes, sizeof bytes};
    struct list list = {&address, 1, 0, 999};
    const struct envelope envelope = {.recipient = next, .context = &list};
    (void)unused;
    json_t *json = line_of(&envelope, "port:vnet1", "");
    size_t told = json_array_size(json_object_get(json, "recipients"));
    assert_in_range(told, 250, 300);
    assert_int_equal(json_integer_value(json_object_get(json, "recipients_left_out")), 1000 - told);
    json_decref(json);
}

static void servers_name_their_queue(void **unused)
{
    static const struct {
        const char *phrase, *queue;
    } rows[] = {
        {"2.0.0 Ok: queued as 9A1B2C3D4E", "9A1B2C3D4E"},
        {"OK id=1tKzXy-0001aB-2C", "1tKzXy-0001aB-2C"},
        {"4AQA0a1b012345 Message accepted for delivery", "4AQA0a1b012345"},
        {"a1b2c3d4 Message accepted for delivery", "a1b2c3d4"},
        {"Ok: queued as ABC.", "ABC"},
        {"Ok", ""},
        {"Ok: queued as ", ""},
        {" Message accepted for delivery", ""},
        {"", ""},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct text queue = envelope_queue(text_of(rows[i].phrase));
        assert_int_equal(queue.length, strlen(rows[i].queue));
        assert_memory_equal(queue.bytes, rows[i].queue, queue.length);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_is_known_stands_in_it), cmocka_unit_test(what_strangers_write_breaks_nothing),
        cmocka_unit_test(recipients_are_bounded),         cmocka_unit_test(what_does_not_fit_is_counted),
        cmocka_unit_test(servers_name_their_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
