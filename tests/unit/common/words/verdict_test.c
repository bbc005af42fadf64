/* Verdicts by name; their order is that of severity. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "common/words/verdict.h"

static void names_read_back(void **state)
{
    (void)state;
    for (int i = 0; i < VERDICTS; i++) {
        enum verdict result = VERDICTS;
        assert_true(verdict_parse(text_of(verdict_name((enum verdict)i)), &result));
        assert_int_equal(result, i);
    }
}

static void other_words_are_refused(void **state)
{
    (void)state;
    static const char *const words[] = {"", "Block", "blocked", "bloc", "block ", "unknown", "4"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        enum verdict result = VERDICT_DIVERT;
        assert_false(verdict_parse(text_of(words[i]), &result));
        assert_int_equal(result, VERDICT_DIVERT);
    }
}

static void the_order_is_that_of_severity(void **state)
{
    (void)state;
    assert_true(VERDICT_CLEAR < VERDICT_ALERT && VERDICT_ALERT < VERDICT_THROTTLE);
    assert_true(VERDICT_THROTTLE < VERDICT_DIVERT && VERDICT_DIVERT < VERDICT_BLOCK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_read_back),
        cmocka_unit_test(other_words_are_refused),
        cmocka_unit_test(the_order_is_that_of_severity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
