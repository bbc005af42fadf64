/* When a filter counts as down, and when as back; and how its speed is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "collector/sorter/health.h"

#define NOW (1800000000 * SECOND)

static void test_three_failures_in_a_row_and_it_is_down(void **unused)
{
    (void)unused;
    struct health health = {0};
    assert_false(health_failed(&health, "no answer", NOW));
    assert_false(health_failed(&health, "no answer", NOW));
    assert_false(health_answered(&health, MILLISECOND, NOW));
    assert_false(health_failed(&health, "no answer", NOW));
    assert_false(health_failed(&health, "no answer", NOW));
    assert_false(health.down);
    assert_true(health_failed(&health, "gone", NOW + 5));
    assert_true(health.down);
    assert_int_equal(health.since, NOW + 5);
    assert_string_equal(health.trouble, "gone");
    assert_false(health_failed(&health, "gone", NOW + 6)); /* it was already */
    assert_int_equal(health.since, NOW + 5);
    assert_int_equal(health.failed, 6);
}

static void test_a_good_ping_or_a_late_answer_brings_it_back(void **unused)
{
    (void)unused;
    struct health health = {0};
    for (int way = 0; way < 3; way++) {
        for (int i = 0; i < 3; i++)
            health_failed(&health, "gone", NOW);
        assert_true(health.down);
        assert_false(health_pinged(&health, false, NOW));
        assert_true(health.down);
        bool back = way == 0   ? health_pinged(&health, true, NOW + 1)
                    : way == 1 ? health_answered(&health, SECOND, NOW + 1)
                               : health_took(&health, NOW + 1);
        assert_true(back);
        assert_false(health.down);
        assert_int_equal(health.since, NOW + 1);
        assert_string_equal(health.trouble, "");
    }
}

static void test_speed_is_that_of_the_latest_answers(void **unused)
{
    (void)unused;
    struct health health = {0};
    assert_int_equal(health_speed(&health, 50), 0);
    for (int i = 1; i <= 10; i++)
        health_answered(&health, i * MILLISECOND, NOW);
    assert_int_equal(health_speed(&health, 50), 5 * MILLISECOND);
    assert_int_equal(health_speed(&health, 95), 10 * MILLISECOND);
    for (int i = 0; i < HEALTH_LATEST; i++)
        health_answered(&health, 100 * MILLISECOND, NOW);
    assert_int_equal(health_speed(&health, 1), 100 * MILLISECOND);
}

static void test_pauses_grow(void **unused)
{
    (void)unused;
    for (int i = 1; i < HEALTH_PAUSES; i++)
        assert_true(health_pauses[i] > health_pauses[i - 1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_failures_in_a_row_and_it_is_down),
        cmocka_unit_test(test_a_good_ping_or_a_late_answer_brings_it_back),
        cmocka_unit_test(test_speed_is_that_of_the_latest_answers),
        cmocka_unit_test(test_pauses_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
