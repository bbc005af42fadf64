/* Reply lines, and which command each code can answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/packet/smtp_reply.h"

static const struct {
    const char *line;
    bool reply;
    unsigned code, enhanced;
    bool last;
    const char *phrase;
} lines[] = {
    {"250 ok", true, 250, 0, true, "ok"},
    {"250-PIPELINING", true, 250, 0, false, "PIPELINING"},
    {"250", true, 250, 0, true, ""},
    {"250 ", true, 250, 0, true, ""},
    {"550 5.1.1 <a@b>: no such user", true, 550, 50101, true, "<a@b>: no such user"},
    {"450 4.7.25 later", true, 450, 40725, true, "later"},
    {"550 5.7.509 blocked", true, 550, 50799, true, "blocked"},
    {"250 2.0.0", true, 250, 20000, true, ""},
    {"550 5.1 not a code", true, 550, 0, true, "5.1 not a code"},
    {"550 5.1.1234 too long", true, 550, 0, true, "5.1.1234 too long"},
    {"550 3.1.1 no class", true, 550, 0, true, "3.1.1 no class"},
    {"599 x", false, 0, 0, false, NULL}, /* the second digit is 0 to 5 */
    {"650 x", false, 0, 0, false, NULL},
    {"150 x", false, 0, 0, false, NULL},
    {"25", false, 0, 0, false, NULL},
    {"2500 ok", false, 0, 0, false, NULL},
    {"250ok", false, 0, 0, false, NULL},
    {"", false, 0, 0, false, NULL},
};

static void lines_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct smtp_reply_line got;
        bool reply = smtp_reply_parse(text_of(lines[i].line), &got);
        if (reply != lines[i].reply)
            fail_msg("%s: %d", lines[i].line, reply);
        if (!reply)
            continue;
        assert_int_equal(got.code, lines[i].code);
        assert_int_equal(got.enhanced, lines[i].enhanced);
        assert_int_equal(got.last, lines[i].last);
        assert_true(text_equals(got.phrase, text_of(lines[i].phrase)));
    }
}

static void exclusive_codes_have_one_owner(void **state)
{
    (void)state;
    static const struct {
        uint16_t code;
        enum smtp_awaited owner;
    } owners[] = {{354, AWAITED_DATA}, {334, AWAITED_AUTH}, {235, AWAITED_AUTH}, {221, AWAITED_QUIT}};
    for (size_t i = 0; i < sizeof owners / sizeof owners[0]; i++)
        for (int awaited = 0; awaited < AWAITED_KINDS; awaited++) {
            bool owner = awaited == (int)owners[i].owner;
            assert_int_equal(smtp_reply_is_exclusive((enum smtp_awaited)awaited, owners[i].code), owner);
            assert_int_equal(smtp_reply_suits((enum smtp_awaited)awaited, owners[i].code), owner);
        }
}

static void every_command_can_be_refused(void **state)
{
    (void)state;
    for (int awaited = 0; awaited < AWAITED_IMPLICIT; awaited++) {
        assert_true(smtp_reply_suits((enum smtp_awaited)awaited, 421));
        assert_true(smtp_reply_suits((enum smtp_awaited)awaited, 550));
    }
    assert_false(smtp_reply_suits(AWAITED_GAP, 550));
    assert_false(smtp_reply_suits(AWAITED_IMPLICIT, 250));
    assert_false(smtp_reply_suits(AWAITED_DATA, 250));
    assert_false(smtp_reply_suits(AWAITED_UNKNOWN, 250));
    assert_false(smtp_reply_suits(AWAITED_GREETING, 250));
    assert_true(smtp_reply_suits(AWAITED_RCPT, 251));
    assert_true(smtp_reply_suits(AWAITED_CONTENT, 250));
    assert_false(smtp_reply_suits(AWAITED_MAIL, 220));
}

static void extensions_are_known(void **state)
{
    (void)state;
    struct smtp_reply_line line;
    assert_true(smtp_reply_parse(TEXT("250-SIZE 1000"), &line) && smtp_reply_is_extension(&line));
    assert_true(smtp_reply_parse(TEXT("250-AUTH=LOGIN"), &line) && smtp_reply_is_extension(&line));
    assert_true(smtp_reply_parse(TEXT("250 chunking"), &line) && smtp_reply_is_extension(&line));
    assert_true(smtp_reply_parse(TEXT("250 SIZED"), &line) && !smtp_reply_is_extension(&line));
    assert_true(smtp_reply_parse(TEXT("550 SIZE"), &line) && !smtp_reply_is_extension(&line));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_read),
        cmocka_unit_test(exclusive_codes_have_one_owner),
        cmocka_unit_test(every_command_can_be_refused),
        cmocka_unit_test(extensions_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
