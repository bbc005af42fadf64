/* What the policy socket answers, as a mail server is told: refused, put off or passed, in one plain line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "agent/milter/verdict.h"

static struct milter_verdict read_action(const char *action)
{
    struct milter_verdict verdict;
    milter_verdict_read(text_of(action), &verdict);
    return verdict;
}

static void says(const char *action, enum milter_decision decision, const char *code, const char *enhanced,
                 const char *phrase)
{
    struct milter_verdict verdict = read_action(action);
    assert_int_equal(verdict.decision, decision);
    assert_string_equal(verdict.code, code);
    assert_string_equal(verdict.enhanced, enhanced);
    assert_string_equal(verdict.phrase, phrase);
}

static void test_refusals(void **state)
{
    (void)state;
    says("554 5.7.1 Stopped for abuse", MILTER_REFUSED, "554", "5.7.1", "Stopped for abuse");
    says("REJECT 5.7.708 no", MILTER_REFUSED, "554", "5.7.708", "no");
    says("reject", MILTER_REFUSED, "554", "5.7.1", "Refused");
    says("550 because", MILTER_REFUSED, "550", "5.7.1", "because");
}

static void test_deferrals(void **state)
{
    (void)state;
    says("defer_if_permit 4.7.1 slowed down", MILTER_DEFERRED, "450", "4.7.1", "slowed down");
    says("DEFER", MILTER_DEFERRED, "450", "4.7.1", "Try again later");
    says("451 4.3.0 later", MILTER_DEFERRED, "451", "4.3.0", "later");
}

static void test_an_enhanced_code_of_another_class_is_text(void **state)
{
    (void)state;
    says("554 4.7.1 no", MILTER_REFUSED, "554", "5.7.1", "4.7.1 no");
    says("554 5.7.1234 no", MILTER_REFUSED, "554", "5.7.1", "5.7.1234 no");
    says("554 5.7 no", MILTER_REFUSED, "554", "5.7.1", "5.7 no");
    says("554 5..1 no", MILTER_REFUSED, "554", "5.7.1", "5..1 no");
}

static void test_all_else_passes(void **state)
{
    (void)state;
    static const char *const actions[] = {
        "DUNNO", "OK", "", " ", "PREPEND X: y", "HOLD", "FILTER x", "200 2.0.0 fine", "55 no", "5540 no", "rejected"};
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
        assert_int_equal(read_action(actions[i]).decision, MILTER_PASSES);
    assert_int_equal(read_action("DISCARD").decision, MILTER_DISCARDED);
}

static void test_a_phrase_is_one_plain_line(void **state)
{
    (void)state;
    says("554 5.7.1 a\r\n250 b\x7f\xc3\xa4\tc", MILTER_REFUSED, "554", "5.7.1", "a??250 b????c");
    says("554 5.7.1 account:100%25 %n", MILTER_REFUSED, "554", "5.7.1", "account:100%%25 %%n");
}

static void test_a_phrase_is_bounded(void **state)
{
    (void)state;
    char action[2000] = "554 5.7.1 ";
    memset(action + 10, '%', sizeof action - 11);
    assert_int_equal(strlen(read_action(action).phrase), 480);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_deferrals),
        cmocka_unit_test(test_an_enhanced_code_of_another_class_is_text),
        cmocka_unit_test(test_all_else_passes),
        cmocka_unit_test(test_a_phrase_is_one_plain_line),
        cmocka_unit_test(test_a_phrase_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
