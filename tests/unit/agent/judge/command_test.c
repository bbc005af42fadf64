/* A person's order stands over the policy until it ends. */
#include <errno.h>
#include "tests/unit/agent/judge/court.h"

#define A "192.0.2.1"

static void drop(struct court *court)
{
    buffer_drop_front(&court->lines, court->lines.length);
}

static void test_a_person_blocks_whom_the_policy_finds_clear(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "");
    assert_int_equal(court_command(&court, 0, A, DEED_BLOCK, 2 * HOUR, "complaint 17"), 0);
    expect(&court, "order block 192.0.2.1 until 7200 by person\n"
                   "0 192.0.2.1 clear->block score 0.00 until 7200 repeats 0 by person: complaint 17\n");
    struct judge_view view = court_look(&court, 60, A);
    assert_int_equal(view.person_deed, DEED_BLOCK);
    assert_int_equal(view.person_until, AT(7200));
    assert_int_equal(view.clear_at, AT(7200));
    until(&court, 7199);
    expect(&court, "");
    until(&court, 7200);
    expect(&court, "7200 192.0.2.1 block->clear score 0.00 until - repeats 0\n");
    court_end(&court);
}

static void test_the_policy_says_nothing_while_it_lasts_and_has_its_say_behind_it(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "[policy]\nhalf_life = 1d\n");
    assert_int_equal(court_command(&court, 0, A, DEED_THROTTLE, HOUR, "slower"), 0);
    expect(&court, "order throttle 192.0.2.1 until 3600 rate 12 by person\n"
                   "0 192.0.2.1 clear->throttle score 0.00 until 3600 repeats 0 by person: slower\n");
    hear(&court, 10, A, SAYS, "30");
    expect(&court, "");
    assert_int_equal(court_look(&court, 10, A).score, 3000);
    until(&court, 3600);
    expect(&court, "order block 192.0.2.1 until 7200\n"
                   "3600 192.0.2.1 throttle->block score 29.15 until 7200 repeats 0\n");
    court_end(&court);
}

static void test_a_milder_order_takes_the_harder_one_out_first(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "");
    hear(&court, 0, A, SAYS, "20");
    drop(&court);
    assert_int_equal(court_command(&court, 60, A, DEED_THROTTLE, HOUR, "they are cleaning up"), 0);
    expect(&court, "order release 192.0.2.1 until - by person\n"
                   "order throttle 192.0.2.1 until 3660 rate 12 by person\n"
                   "60 192.0.2.1 block->throttle score 19.77 until 3660 repeats 1 by person: they are cleaning up\n");
    court_end(&court);
}

static void test_release_clears_score_verdict_and_repeats(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "");
    hear(&court, 0, A, SAYS, "20");
    drop(&court);
    assert_int_equal(court_command(&court, 60, A, DEED_RELEASE, 0, "our mistake"), 0);
    expect(&court, "order release 192.0.2.1 until - by person\n"
                   "60 192.0.2.1 block->clear score 0.00 until - repeats 0 by person: our mistake\n");
    struct judge_view view = court_look(&court, 60, A);
    assert_int_equal(view.score, 0);
    assert_int_equal(view.worst, VERDICT_BLOCK); /* what was remains on record */
    until(&court, 90000);
    expect(&court, "");
    hear(&court, 90000, A, SAYS, "20");
    expect(&court, "order block 192.0.2.1 until 93600\n"
                   "90000 192.0.2.1 clear->block score 20.00 until 93600 repeats 0\n");
    court_end(&court);
}

static void test_release_of_one_who_gave_way_still_reaches_the_kernel(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "");
    assert_int_equal(court_command(&court, 0, A, DEED_RELEASE, 0, "unknown here"), 0);
    expect(&court, "order release 192.0.2.1 until - by person\n");
    assert_int_equal(senders_number(court.senders), 0);
    court_end(&court);
}

static void test_allow_ends_a_block_and_keeps_to_alerts_until_it_ends(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "[policy]\nhalf_life = 1d\n");
    hear(&court, 0, A, SAYS, "20");
    drop(&court);
    assert_int_equal(court_command(&court, 60, A, DEED_ALLOW, HOUR, "newsletter"), 0);
    expect(&court, "order release 192.0.2.1 until - by person\n"
                   "order allow 192.0.2.1 until 3660 by person\n"
                   "60 192.0.2.1 block->alert score 19.99 until 3660 repeats 1 by person: newsletter\n");
    assert_true(court_look(&court, 61, A).allowed);
    hear(&court, 100, A, SAYS, "20");
    expect(&court, "");
    assert_int_equal(court_look(&court, 100, A).score, 3999 - 1);
    until(&court, 3660);
    expect(&court, "order block 192.0.2.1 until 25260\n"
                   "3660 192.0.2.1 alert->block score 38.86 until 25260 repeats 1\n");
    assert_false(court_look(&court, 3660, A).allowed);
    court_end(&court);
}

static void test_an_alert_fades_while_allowed(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "[policy]\nhalf_life = 1m\n");
    assert_int_equal(court_command(&court, 0, A, DEED_ALLOW, HOUR, "x"), 0);
    drop(&court);
    hear(&court, 60, A, SAYS, "40");
    until(&court, 3599);
    expect(&court, "60 192.0.2.1 clear->alert score 40.00 until - repeats 0\n"
                   "241 192.0.2.1 alert->clear score 4.94 until - repeats 0\n");
    until(&court, 7200);
    expect(&court, "");
    assert_int_equal(court_look(&court, 7200, A).person_deed, DEED_RELEASE);
    court_end(&court);
}

static void test_orders_in_force_are_repeated(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "");
    hear(&court, 0, A, SAYS, "20");
    assert_int_equal(court_command(&court, 1, "192.0.2.2", DEED_ALLOW, HOUR, "x"), 0);
    assert_int_equal(court_command(&court, 2, "192.0.2.3", DEED_DIVERT, HOUR, "x"), 0);
    hear(&court, 3, "192.0.2.4", SAYS, "12");
    drop(&court);
    judge_repeat_orders(court.judge, AT(4));
    expect(&court, "order block 192.0.2.1 until 3600\n"
                   "order allow 192.0.2.2 until 3601 by person\n"
                   "order divert 192.0.2.3 until 3602 by person\n");
    court_end(&court);
}

static void test_what_cannot_be_ordered(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "");
    static const struct {
        enum deed deed;
        duration length;
    } rows[] = {{DEED_BLOCK, 0}, {DEED_ALLOW, -1}, {DEED_BLOCK, ORDER_LONGEST}, {DEEDS, HOUR}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(court_command(&court, 0, A, rows[i].deed, rows[i].length, "x"), -EINVAL);
    struct error error = {0};
    struct sender name = who(A);
    assert_int_equal(judge_command(court.judge, &name, DEED_THROTTLE, AT(0), HOUR, 60001, "x", &error), -EINVAL);
    expect(&court, "");
    assert_int_equal(senders_number(court.senders), 0);
    court_end(&court);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_person_blocks_whom_the_policy_finds_clear),
        cmocka_unit_test(test_the_policy_says_nothing_while_it_lasts_and_has_its_say_behind_it),
        cmocka_unit_test(test_a_milder_order_takes_the_harder_one_out_first),
        cmocka_unit_test(test_release_clears_score_verdict_and_repeats),
        cmocka_unit_test(test_release_of_one_who_gave_way_still_reaches_the_kernel),
        cmocka_unit_test(test_allow_ends_a_block_and_keeps_to_alerts_until_it_ends),
        cmocka_unit_test(test_an_alert_fades_while_allowed),
        cmocka_unit_test(test_orders_in_force_are_repeated),
        cmocka_unit_test(test_what_cannot_be_ordered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
