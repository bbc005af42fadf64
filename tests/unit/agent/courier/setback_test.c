/* A centre that answers and takes nothing costs less and less. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/courier/setback.h"

static void a_few_cost_no_time_and_more_cost_more_and_more(void **state)
{
    (void)state;
    struct setback setback = {0};
    for (int i = 0; i < SETBACK_FREE; i++) {
        setback_again(&setback, HOUR);
        assert_false(setback_rests(&setback, HOUR));
        assert_true(setback_is_news(&setback));
    }
    setback_again(&setback, HOUR);
    assert_true(setback_rests(&setback, HOUR));
    assert_false(setback_rests(&setback, HOUR + SECOND));
    assert_false(setback_is_news(&setback));
    setback_again(&setback, HOUR);
    assert_true(setback_rests(&setback, HOUR + SECOND));
    assert_false(setback_rests(&setback, HOUR + 2 * SECOND));
    for (int i = 0; i < 5000; i++)
        setback_again(&setback, HOUR);
    assert_true(setback_rests(&setback, HOUR + MINUTE - 1));
    assert_false(setback_rests(&setback, HOUR + MINUTE));
}

static void it_is_over_when_records_are_taken(void **state)
{
    (void)state;
    struct setback setback = {0};
    for (int i = 0; i < 20; i++)
        setback_again(&setback, HOUR);
    setback_over(&setback);
    assert_false(setback_rests(&setback, HOUR));
    setback_again(&setback, HOUR);
    assert_false(setback_rests(&setback, HOUR));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_few_cost_no_time_and_more_cost_more_and_more),
        cmocka_unit_test(it_is_over_when_records_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
