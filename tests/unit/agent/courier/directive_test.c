/* A centre's orders become a person's requests, or a reason why they cannot be carried out; nothing that it sends does
 * anything else. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "agent/courier/directive.h"
#include "common/buffer.h"
#include "common/cleanup.h"

static struct directives read_list(const char *text, int64_t after)
{
    struct directives directives = {0};
    struct error error = {0};
    if (directives_read(text_of(text), after, &directives, &error) < 0)
        fail_msg("%s", error.text);
    return directives;
}

static void each_becomes_a_request(void **state)
{
    (void)state;
    struct directives list = read_list(
        "{\"revision\":9,\"directives\":["
        "{\"revision\":3,\"directive\":\"block\",\"sender\":\"203.0.113.7\",\"until\":\"1970-01-01T01:00:00Z\","
        "\"rate\":0,\"reason\":\"spam\",\"by\":\"anna\",\"time\":\"1970-01-01T00:00:00Z\"},"
        "{\"revision\":5,\"directive\":\"throttle\",\"sender\":\"uid:7\",\"until\":null,\"rate\":17,"
        "\"reason\":\"\",\"by\":\"anna\",\"time\":\"1970-01-01T00:00:10Z\"}]}",
        0);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.revision, 9);
    struct directive *first = &list.items[0], *second = &list.items[1];
    assert_string_equal(first->trouble, "");
    assert_int_equal(first->request.deed, DEED_BLOCK);
    assert_string_equal(first->request.why, "spam");
    assert_string_equal(first->person, "centre: anna");
    assert_true(directive_begin(first, 10 * MINUTE));
    assert_int_equal(first->request.length, 50 * MINUTE); /* whenever it is carried out, it ends at the same moment */
    assert_true(directive_begin(first, 20 * MINUTE));
    assert_int_equal(first->request.length, 40 * MINUTE);
    assert_false(directive_begin(first, HOUR));
    assert_int_equal(second->request.rate, 17);
    assert_int_equal(second->until, DAY + 10 * SECOND);
    assert_string_equal(second->request.why, "no reason given");
    directives_clear(&list);
}

static void what_is_not_understood_says_so_and_stops_no_other(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "\"directive\":\"dance\",\"sender\":\"203.0.113.7\"",
        "\"directive\":\"block\",\"sender\":\"a/b\"",
        "\"directive\":\"block\",\"sender\":7",
        "\"directive\":7",
        "\"directive\":\"block\",\"sender\":\"203.0.113.7\",\"until\":\"soon\"",
        "\"directive\":\"throttle\",\"sender\":\"203.0.113.7\",\"rate\":99999999",
        "\"directive\":\"enforce\",\"on\":false",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char text[512];
        snprintf(text, sizeof text,
                 "{\"revision\":2,\"directives\":[{\"revision\":1,%s},"
                 "{\"revision\":2,\"directive\":\"release\",\"sender\":\"203.0.113.7\"}]}",
                 wrong[i]);
        struct directives list = read_list(text, 0);
        assert_int_equal(list.count, 2);
        if (!list.items[0].trouble[0])
            fail_msg("%s", wrong[i]);
        assert_string_equal(list.items[1].trouble, "");
        assert_true(directive_begin(&list.items[1], 0));
        directives_clear(&list);
    }
}

static void settings_become_a_request_with_their_text(void **state)
{
    (void)state;
    struct directives list =
        read_list("{\"revision\":4,\"directives\":[{\"revision\":4,\"directive\":\"settings\","
                  "\"text\":\"[policy]\\nblock = 30\\n\",\"reason\":\"fewer\\nblocks\",\"by\":\"anna\"}]}",
                  0);
    struct directive *settings = &list.items[0];
    assert_int_equal(list.count, 1);
    assert_string_equal(settings->trouble, "");
    assert_int_equal(settings->request.kind, REQUEST_SETTINGS);
    assert_int_equal(settings->request.revision, 4);
    assert_true(text_equals(settings->request.settings, TEXT("[policy]\nblock = 30\n")));
    assert_string_equal(settings->request.why, "fewer?blocks");
    assert_string_equal(settings->person, "centre: anna");
    assert_true(directive_begin(settings, 400 * DAY)); /* they stand until others come */
    directives_clear(&list);
}

static void settings_without_a_text_or_with_too_much_say_so(void **state)
{
    (void)state;
    static char large[70000];
    const char *const wrong[] = {"", ",\"text\":7", large};
    int length = snprintf(large, sizeof large, ",\"text\":\"");
    memset(large + length, '#', 65537);
    strcpy(large + length + 65537, "\"");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        static char text[71000];
        snprintf(text, sizeof text, "{\"revision\":1,\"directives\":[{\"revision\":1,\"directive\":\"settings\"%s}]}",
                 wrong[i]);
        struct directives list = read_list(text, 0);
        assert_string_equal(list.items[0].trouble, "text: at most 65536 bytes of settings");
        directives_clear(&list);
    }
}

static void what_was_seen_is_left_out(void **state)
{
    (void)state;
    struct directives list = read_list("{\"revision\":6,\"directives\":["
                                       "{\"revision\":5,\"directive\":\"dance\"},"
                                       "{\"revision\":6,\"directive\":\"dance\"},"
                                       "{\"revision\":6,\"directive\":\"dance\"}]}",
                                       5);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].revision, 6);
    directives_clear(&list);
}

static void what_is_no_answer_fails(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "[]",
                                        "{}",
                                        "{\"revision\":1}",
                                        "{\"revision\":1,\"directives\":[7]}",
                                        "{\"revision\":1,\"directives\":[{\"revision\":-4}]}",
                                        "<html>"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct directives list = {0};
        struct error error = {0};
        assert_true(directives_read(text_of(wrong[i]), 0, &list, &error) < 0);
    }
}

/* Three bytes become some three hundred in memory. */
static void an_answer_that_swells_is_not_read(void **state)
{
    (void)state;
    struct directives directives = {0};
    struct error error = {0};
    CLEANUP(buffer_clear) struct buffer text;
    buffer_init(&text, 4 << 20);
    assert_true(buffer_printf(&text, "{\"directives\":["));
    for (int i = 0; i < 1000000; i++)
        assert_true(buffer_printf(&text, "{},"));
    assert_true(buffer_printf(&text, "{}],\"revision\":1}"));
    assert_int_equal(directives_read(buffer_text(&text), 0, &directives, &error), -EFBIG);
    text.length = 0;
    assert_true(
        buffer_printf(&text, "{\"revision\":1,\"directives\":[{\"revision\":1,\"directive\":\"settings\",\"text\":\""));
    for (int i = 0; i < 10000; i++)
        assert_true(buffer_printf(&text, "[{,\\\""));
    assert_true(buffer_printf(&text, "\"}]}"));
    assert_int_equal(directives_read(buffer_text(&text), 0, &directives, &error),
                     0); /* within a string they are text */
    assert_string_equal(directives.items[0].trouble, "");
    directives_clear(&directives);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_becomes_a_request),
        cmocka_unit_test(what_is_not_understood_says_so_and_stops_no_other),
        cmocka_unit_test(settings_become_a_request_with_their_text),
        cmocka_unit_test(settings_without_a_text_or_with_too_much_say_so),
        cmocka_unit_test(what_was_seen_is_left_out),
        cmocka_unit_test(what_is_no_answer_fails),
        cmocka_unit_test(an_answer_that_swells_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
