/* What people may ask over the control socket, and what is refused with which words. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/courier/request.h"

static void test_what_is_understood(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        enum request_kind kind;
    } rows[] = {
        {"{\"command\":\"status\"}", REQUEST_STATUS},
        {"{\"command\":\"senders\",\"top\":5}", REQUEST_SENDERS},
        {"{\"command\":\"customers\",\"top\":5}", REQUEST_CUSTOMERS},
        {"{\"command\":\"explain\",\"sender\":\"203.0.113.7\"}", REQUEST_EXPLAIN},
        {"{\"command\":\"events\",\"since\":\"2026-11-23T08:00:00Z\",\"follow\":true}", REQUEST_EVENTS},
        {"{\"command\":\"orders\"}", REQUEST_ORDERS},
        {"{\"command\":\"enforce\",\"on\":true}", REQUEST_ENFORCE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct request request;
        struct error error = {0};
        assert_int_equal(request_parse(text_of(rows[i].given), &request, &error), 0);
        assert_int_equal(request.kind, rows[i].kind);
    }
}

static void test_an_order_is_read_whole(void **state)
{
    (void)state;
    struct request request;
    struct error error = {0};
    struct text line = TEXT("{\"command\":\"throttle\",\"sender\":\"2001:db8:1:2::9\",\"for\":\"90m\",\"rate\":12,"
                            "\"reason\":\" too\\tmany \"}");
    assert_int_equal(request_parse(line, &request, &error), 0);
    assert_int_equal(request.deed, DEED_THROTTLE);
    assert_int_equal(request.length, 90 * MINUTE);
    assert_int_equal(request.rate, 12);
    assert_string_equal(request.why, "too?many");
    char name[SENDER_TEXT];
    assert_string_equal(sender_print(&request.sender, name), "2001:db8:1:2::/64");
}

static void test_what_is_refused_says_why(void **state)
{
    (void)state;
    static const struct {
        const char *given, *words;
    } rows[] = {
        {"", "no JSON object"},
        {"[]", "no JSON object"},
        {"{\"command\":\"status\"", "no JSON object"},
        {"{\"command\":\"status\",\"command\":\"orders\"}", "no JSON object"},
        {"{}", "unknown command"},
        {"{\"command\":7}", "unknown command"},
        {"{\"command\":\"blok\"}", "unknown command 'blok'"},
        {"{\"command\":\"status\",\"sender\":\"x\"}", "does not take 'sender'"},
        {"{\"command\":\"block\",\"sender\":\"203.0.113.7\"}", "needs 'reason'"},
        {"{\"command\":\"block\",\"reason\":\"x\"}", "needs 'sender'"},
        {"{\"command\":\"block\",\"sender\":\"203.0.113.7\",\"reason\":\"  \"}", "a reason is needed"},
        {"{\"command\":\"block\",\"sender\":\"a/b c\",\"reason\":\"x\"}", "no sender"},
        {"{\"command\":\"block\",\"sender\":\"203.0.113.7\",\"reason\":\"x\",\"for\":\"0s\"}", "for:"},
        {"{\"command\":\"block\",\"sender\":\"203.0.113.7\",\"reason\":\"x\",\"for\":\"900d\"}", "for:"},
        {"{\"command\":\"block\",\"sender\":\"203.0.113.7\",\"reason\":\"x\",\"rate\":5}", "does not take 'rate'"},
        {"{\"command\":\"throttle\",\"sender\":\"203.0.113.7\",\"reason\":\"x\",\"rate\":0}", "rate:"},
        {"{\"command\":\"release\",\"sender\":\"203.0.113.7\",\"reason\":\"x\",\"for\":\"1h\"}", "does not take 'for'"},
        {"{\"command\":\"senders\",\"top\":0}", "top:"},
        {"{\"command\":\"senders\",\"top\":99999999999}", "top:"},
        {"{\"command\":\"events\",\"since\":\"yesterday\"}", "since:"},
        {"{\"command\":\"enforce\",\"on\":\"yes\"}", "on:"},
        {"{\"command\":\"enforce\"}", "needs 'on'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct request request = {.most = 77};
        struct error error = {0};
        assert_int_equal(request_parse(text_of(rows[i].given), &request, &error), -EINVAL);
        if (!strstr(error.text, rows[i].words))
            fail_msg("%s: said '%s', not '%s'", rows[i].given, error.text, rows[i].words);
        assert_int_equal(request.most, 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_understood),
        cmocka_unit_test(test_an_order_is_read_whole),
        cmocka_unit_test(test_what_is_refused_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
