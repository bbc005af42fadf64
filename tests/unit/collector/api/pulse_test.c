/* What other collectors commit wakes those who wait here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "collector/api/pulse.h"
#include "common/io/clock.h"

/* As the reader leaves it. */
static void found(struct pulse *pulse, struct store_pulse numbers, bool told[TOLD_KINDS])
{
    memset(told, 0, TOLD_KINDS * sizeof *told);
    pulse->under_way = true;
    pulse->found = numbers;
    pulse->found_shared = true;
    pulse_take(pulse, told);
}

static void test_each_number_that_rises_wakes_whom_it_concerns(void **state)
{
    struct pulse pulse;
    bool told[TOLD_KINDS];
    (void)state;
    pulse_begin(&pulse);
    found(&pulse, (struct store_pulse){.revision = 5, .news = 7, .received = 9}, told);
    found(&pulse, (struct store_pulse){.revision = 5, .news = 7, .received = 9}, told);
    assert_false(told[TOLD_NODES] || told[TOLD_PEOPLE]);
    found(&pulse, (struct store_pulse){.revision = 5, .news = 8, .received = 9}, told);
    assert_true(told[TOLD_NODES] && !told[TOLD_PEOPLE]); /* another collector's reckoning */
    found(&pulse, (struct store_pulse){.revision = 5, .news = 8, .received = 10}, told);
    assert_true(!told[TOLD_NODES] && told[TOLD_PEOPLE]);
    found(&pulse, (struct store_pulse){.revision = 6, .news = 8, .received = 10}, told);
    assert_true(told[TOLD_NODES] && told[TOLD_PEOPLE]); /* an order, or a secret that was taken back */
}

static void test_what_filters_say_wakes_nodes_not_more_often_than_each_second(void **state)
{
    struct pulse pulse;
    bool told[TOLD_KINDS];
    (void)state;
    pulse_begin(&pulse);
    found(&pulse, (struct store_pulse){.filtered = 7}, told);
    assert_true(told[TOLD_NODES] && !told[TOLD_PEOPLE]);
    found(&pulse, (struct store_pulse){.filtered = 8}, told);
    assert_false(told[TOLD_NODES]);
    pulse.filtered_due -= 2 * SECOND;
    found(&pulse, (struct store_pulse){.filtered = 8}, told); /* and is not forgotten */
    assert_true(told[TOLD_NODES]);
    pulse.filtered_due -= 2 * SECOND;
    found(&pulse, (struct store_pulse){.filtered = 8}, told);
    assert_false(told[TOLD_NODES]);
}

static void test_who_was_asked_in_vain_is_asked_again_when_the_store_is_back(void **state)
{
    struct pulse pulse;
    bool told[TOLD_KINDS];
    (void)state;
    pulse_begin(&pulse);
    found(&pulse, (struct store_pulse){.revision = 5}, told);
    pulse.missed = true;
    pulse.exchange.trouble.code = 107;
    found(&pulse, (struct store_pulse){.revision = 5}, told);
    assert_false(told[TOLD_NODES] || told[TOLD_PEOPLE]);
    pulse.exchange.trouble.code = 0;
    found(&pulse, (struct store_pulse){.revision = 5}, told);
    assert_true(told[TOLD_NODES] && told[TOLD_PEOPLE]);
    found(&pulse, (struct store_pulse){.revision = 5}, told);
    assert_false(told[TOLD_NODES] || told[TOLD_PEOPLE]);
}

static void test_what_was_ordered_here_wakes_nobody_twice(void **state)
{
    struct pulse pulse;
    bool told[TOLD_KINDS];
    (void)state;
    pulse_begin(&pulse);
    found(&pulse, (struct store_pulse){.revision = 5}, told);
    pulse_know(&pulse, 6);
    found(&pulse, (struct store_pulse){.revision = 6}, told);
    assert_false(told[TOLD_NODES]);
}

static void test_a_store_that_fails_wakes_nobody(void **state)
{
    struct pulse pulse;
    bool told[TOLD_KINDS] = {false};
    (void)state;
    pulse_begin(&pulse);
    assert_null(pulse_ask(&pulse, false, false)); /* nobody waits, nothing is wrong: it is not asked */
    assert_non_null(pulse_ask(&pulse, true, false));
    assert_null(pulse_ask(&pulse, true, false)); /* it is under way */
    pulse.found = (struct store_pulse){.revision = 5};
    pulse.exchange.trouble.code = 5;
    pulse_take(&pulse, told);
    assert_false(told[TOLD_NODES] || told[TOLD_PEOPLE]);
    pulse.exchange.trouble.code = 0;
    found(&pulse, (struct store_pulse){.revision = 5}, told);
    assert_true(told[TOLD_NODES]);
}

/* Threads of this collector tell nodes something too, of which no request knows. */
static void test_a_store_of_its_own_is_looked_at_less_often(void **state)
{
    struct pulse pulse;
    bool told[TOLD_KINDS] = {false};
    (void)state;
    pulse_begin(&pulse);
    assert_non_null(pulse_ask(&pulse, true, false));
    pulse.found_shared = false;
    pulse_take(&pulse, told);
    pulse.due = 0;
    assert_non_null(pulse_ask(&pulse, true, false));
    assert_true(pulse.due > clock_steady() + SECOND);
    pulse.found.filtered = 9;
    pulse_take(&pulse, told);
    assert_true(told[TOLD_NODES] && !told[TOLD_PEOPLE]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_number_that_rises_wakes_whom_it_concerns),
        cmocka_unit_test(test_what_filters_say_wakes_nodes_not_more_often_than_each_second),
        cmocka_unit_test(test_who_was_asked_in_vain_is_asked_again_when_the_store_is_back),
        cmocka_unit_test(test_what_was_ordered_here_wakes_nobody_twice),
        cmocka_unit_test(test_a_store_that_fails_wakes_nobody),
        cmocka_unit_test(test_a_store_of_its_own_is_looked_at_less_often),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
