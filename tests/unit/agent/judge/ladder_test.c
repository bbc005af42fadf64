/* The ladder: points become a verdict, a verdict an order that ends. Half-life 1 h, alert 10, throttle 15, block 20,
 * release at half of each; holds of 1 h, 6 h, 24 h, 7 d. */
#include "tests/unit/agent/judge/court.h"

#define A "192.0.2.1"

static void test_points_add_up_to_a_verdict(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "");
    hear(&court, 0, A, SAYS, "9.99");
    expect(&court, "");
    hear(&court, 0, A, ADDS, "0.01");
    expect(&court, "0 192.0.2.1 clear->alert score 10.00 until - repeats 0\n");
    hear(&court, 0, A, ADDS, "5");
    expect(&court, "order throttle 192.0.2.1 until 3600 rate 12\n"
                   "0 192.0.2.1 alert->throttle score 15.00 until 3600 repeats 0\n");
    hear(&court, 0, A, SAYS, "5");
    expect(&court, "order block 192.0.2.1 until 3600\n"
                   "0 192.0.2.1 throttle->block score 20.00 until 3600 repeats 0\n");
    hear(&court, 1, A, SAYS, "5");
    expect(&court, ""); /* higher than block there is nothing */
    court_end(&court);
}

static void test_points_fade(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "");
    hear(&court, 0, A, SAYS, "9");
    hear(&court, 3600, A, SAYS, "5.49"); /* 4.50 + 5.49 */
    expect(&court, "");
    hear(&court, 3600, A, SAYS, "0.01");
    expect(&court, "3600 192.0.2.1 clear->alert score 10.00 until - repeats 0\n");
    court_end(&court);
}

static void test_an_alert_ends_below_half_of_its_threshold(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "");
    hear(&court, 0.25, A, SAYS, "10");
    until(&court, 3599);
    expect(&court, "0.250 192.0.2.1 clear->alert score 10.00 until - repeats 0\n");
    until(&court, 9000);
    expect(&court, "3606 192.0.2.1 alert->clear score 4.99 until - repeats 0\n");
    court_end(&court);
}

static void test_new_evidence_keeps_an_alert(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "");
    hear(&court, 0, A, SAYS, "10");
    hear(&court, 3500, A, SAYS, "4");
    until(&court, 3700);
    expect(&court, "0 192.0.2.1 clear->alert score 10.00 until - repeats 0\n");
    until(&court, 20000);
    expect(&court, "6614 192.0.2.1 alert->clear score 4.99 until - repeats 0\n");
    court_end(&court);
}

static void test_a_verdict_does_not_fall_while_its_hold_runs(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "[policy]\nhalf_life = 1m\n");
    hear(&court, 0, A, SAYS, "20");
    until(&court, 3599);
    expect(&court, "order block 192.0.2.1 until 3600\n0 192.0.2.1 clear->block score 20.00 until 3600 repeats 0\n");
    struct judge_view view = court_look(&court, 3599, A);
    assert_int_equal(view.score, 0);
    assert_int_equal(view.verdict, VERDICT_BLOCK);
    assert_int_equal(view.clear_at, AT(3600));
    until(&court, 3600);
    expect(&court, "3600 192.0.2.1 block->clear score 0.00 until - repeats 1\n");
    assert_int_equal(court_look(&court, 3600, A).clear_at, 0);
    court_end(&court);
}

static void test_a_hold_is_renewed_without_a_gap_while_the_score_is_high(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "");
    hear(&court, 0, A, SAYS, "40");
    until(&court, 3597);
    expect(&court, "order block 192.0.2.1 until 3600\n0 192.0.2.1 clear->block score 40.00 until 3600 repeats 0\n");
    /* 40 is 10 after two hours: renewed until then, not counted as another hold, released to an alert. */
    until(&court, 3598);
    expect(&court, "order block 192.0.2.1 until 7203\n");
    assert_int_equal(court_look(&court, 3598, A).repeats, 0);
    until(&court, 7203);
    expect(&court, "7203 192.0.2.1 block->alert score 9.99 until - repeats 1\n");
    until(&court, 20000);
    expect(&court, "10806 192.0.2.1 alert->clear score 4.99 until - repeats 1\n");
    court_end(&court);
}

static void test_what_is_left_of_an_order_is_never_another_order(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "[policy]\nrelease = 0.9\n");
    hear(&court, 0, A, SAYS, "21");
    until(&court, 3600); /* 10.5: below 18, above 9 */
    expect(&court, "order block 192.0.2.1 until 3600\n0 192.0.2.1 clear->block score 21.00 until 3600 repeats 0\n"
                   "3600 192.0.2.1 block->alert score 10.50 until - repeats 1\n");
    court_end(&court);
}

static void test_holds_grow_with_repetition(void **unused)
{
    (void)unused;
    static const int holds[] = {1, 6, 24, 168, 168};
    struct court court;
    char want[256];
    double at = 0;
    court_begin(&court, "[policy]\nhalf_life = 1m\n");
    for (int i = 0; i < 5; i++) {
        hear(&court, at, A, SAYS, "20");
        double end = at + holds[i] * 3600.0;
        snprintf(want, sizeof want,
                 "order block 192.0.2.1 until %.0f\n%.0f 192.0.2.1 clear->block score 20.00 until %.0f repeats %d\n",
                 end, at, end, i);
        expect(&court, want);
        until(&court, end);
        snprintf(want, sizeof want, "%.0f 192.0.2.1 block->clear score 0.00 until - repeats %d\n", end, i + 1);
        expect(&court, want);
        at = end + 86400;
    }
    court_end(&court);
}

static void test_worse_in_one_episode_is_no_repetition(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "[policy]\nhalf_life = 1m\n");
    hear(&court, 0, A, SAYS, "15");
    hear(&court, 600, A, SAYS, "20");
    expect(&court, "order throttle 192.0.2.1 until 3600 rate 12\n"
                   "0 192.0.2.1 clear->throttle score 15.00 until 3600 repeats 0\n"
                   "order block 192.0.2.1 until 4200\n"
                   "600 192.0.2.1 throttle->block score 20.01 until 4200 repeats 0\n");
    court_end(&court);
}

static void test_repeats_are_forgotten(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "[policy]\nhalf_life = 1m\nforget = 10d\n");
    hear(&court, 0, A, SAYS, "20");
    until(&court, 3600);
    expect(&court, "order block 192.0.2.1 until 3600\n0 192.0.2.1 clear->block score 20.00 until 3600 repeats 0\n"
                   "3600 192.0.2.1 block->clear score 0.00 until - repeats 1\n");
    assert_int_equal(court_look(&court, 3600 + 10 * 86400, A).repeats, 1);
    assert_int_equal(court_look(&court, 3601 + 10 * 86400, A).repeats, 0);
    hear(&court, 3601 + 10 * 86400, A, SAYS, "20");
    expect(&court, "order block 192.0.2.1 until 871201\n"
                   "867601 192.0.2.1 clear->block score 20.00 until 871201 repeats 0\n");
    court_end(&court);
}

static void test_divert_is_a_step_where_it_is_in_use(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "[policy]\ndivert = 17\n");
    hear(&court, 0, A, SAYS, "17");
    expect(&court, "order divert 192.0.2.1 until 3600\n0 192.0.2.1 clear->divert score 17.00 until 3600 repeats 0\n");
    court_end(&court);
}

static void test_years_pass_at_once(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "");
    hear(&court, 0, A, SAYS, "20");
    hear(&court, 0, "192.0.2.2", SAYS, "12");
    buffer_drop_front(&court.lines, court.lines.length);
    until(&court, 50.0 * 365 * 86400);
    expect(&court, "order block 192.0.2.1 until 3660\n"
                   "3660 192.0.2.1 block->alert score 9.89 until - repeats 1\n"
                   "4553 192.0.2.2 alert->clear score 4.99 until - repeats 0\n"
                   "7206 192.0.2.1 alert->clear score 4.99 until - repeats 1\n");
    court_end(&court);
}

static void test_the_order_goes_out_before_the_news(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "");
    court.with_evidence = true;
    hear(&court, 0, "2001:db8:1:2:3::1", SAYS, "20 because");
    expect(&court, "0 2001:db8:1:2::/64 says +2000 now 2000: because\n"
                   "order block 2001:db8:1:2::/64 until 3600\n"
                   "0 2001:db8:1:2::/64 clear->block score 20.00 until 3600 repeats 0\n");
    court_end(&court);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_points_add_up_to_a_verdict),
        cmocka_unit_test(test_points_fade),
        cmocka_unit_test(test_an_alert_ends_below_half_of_its_threshold),
        cmocka_unit_test(test_new_evidence_keeps_an_alert),
        cmocka_unit_test(test_a_verdict_does_not_fall_while_its_hold_runs),
        cmocka_unit_test(test_a_hold_is_renewed_without_a_gap_while_the_score_is_high),
        cmocka_unit_test(test_what_is_left_of_an_order_is_never_another_order),
        cmocka_unit_test(test_holds_grow_with_repetition),
        cmocka_unit_test(test_worse_in_one_episode_is_no_repetition),
        cmocka_unit_test(test_repeats_are_forgotten),
        cmocka_unit_test(test_divert_is_a_step_where_it_is_in_use),
        cmocka_unit_test(test_years_pass_at_once),
        cmocka_unit_test(test_the_order_goes_out_before_the_news),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
