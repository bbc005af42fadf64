/* The clock was set: whatever was left of holds, orders and fading is what is left afterwards. */
#include "tests/unit/agent/judge/court.h"

#define A     "192.0.2.1"
#define B     "192.0.2.2"
#define HOURS 3600.0

static void drop(struct court *court)
{
    buffer_drop_front(&court->lines, court->lines.length);
}

static void begin(struct court *court, const char *configuration)
{
    court_set_back = 0;
    court_begin(court, configuration);
}

static void test_a_hold_with_forty_minutes_left_has_forty_minutes_left(void **unused)
{
    (void)unused;
    struct court court;
    begin(&court, "");
    hear(&court, 0, A, SAYS, "20");
    until(&court, 1200);
    drop(&court);
    until(&court, 1200 - 5 * HOURS);
    expect(&court,
           "order block 192.0.2.1 until -14400\n"); /* so that the kernel's side knows the new time of its end */
    assert_int_equal(court_look(&court, 1200 - 5 * HOURS, A).score, 1587);
    assert_int_equal(court_look(&court, 1200 - 5 * HOURS, A).hold_until, AT(3600 - 5 * HOURS));
    until(&court, 3598 - 5 * HOURS);
    expect(&court, "order block 192.0.2.1 until -14340\n");
    until(&court, 3660 - 5 * HOURS);
    expect(&court, "-14340 192.0.2.1 block->alert score 9.89 until - repeats 1\n");
    until(&court, 7206 - 5 * HOURS);
    expect(&court, "-10794 192.0.2.1 alert->clear score 4.99 until - repeats 1\n");
    court_end(&court);
}

static void test_up_to_a_minute_time_only_stands_still(void **unused)
{
    (void)unused;
    struct court court;
    begin(&court, "");
    hear(&court, 0, A, SAYS, "20");
    until(&court, 1200);
    drop(&court);
    until(&court, 1140);
    expect(&court, "");
    assert_int_equal(court_look(&court, 1200, A).hold_until, AT(3600));
    hear(&court, 1150, A, SAYS, "1");
    assert_int_equal(court_look(&court, 1200, A).hold_until, AT(3600));
    court_end(&court);
}

/* Frames of after the change may come before the first tick that shows it, and one odd time stamp is no change. */
static void test_an_observation_alone_does_not_set_the_clock(void **unused)
{
    (void)unused;
    struct court court;
    begin(&court, "");
    until(&court, 1200);
    hear(&court, -20000, A, SAYS, "20");
    expect(&court, "order block 192.0.2.1 until 4800\n"
                   "1200 192.0.2.1 clear->block score 20.00 until 4800 repeats 0\n");
    court_end(&court);
}

static void test_a_persons_order_lasts_as_long_as_was_said(void **unused)
{
    (void)unused;
    struct court court;
    begin(&court, "");
    assert_int_equal(court_command(&court, 0, A, DEED_BLOCK, 2 * HOUR, "complaint 17"), 0);
    until(&court, 60);
    drop(&court);
    assert_int_equal(court_command(&court, 60 - 24 * HOURS, B, DEED_ALLOW, HOUR, "known"), 0);
    expect(&court, "order block 192.0.2.1 until -79200 by person\norder allow 192.0.2.2 until -82740 by person\n");
    until(&court, 7199 - 24 * HOURS);
    expect(&court, "");
    until(&court, 7200 - 24 * HOURS);
    expect(&court, "-79200 192.0.2.1 block->clear score 0.00 until - repeats 0\n");
    court_end(&court);
}

static void test_the_guard_against_storms_counts_the_same_hour(void **unused)
{
    (void)unused;
    struct court court;
    begin(&court, "[policy]\nstorm_least = 1\nstorm_most = 1\n");
    hear(&court, 0, A, SAYS, "20");
    until(&court, 600);
    until(&court, 600 - 2 * HOURS);
    drop(&court);
    hear(&court, 3000 - 2 * HOURS, B, SAYS, "20");
    expect(&court, "-4200 storm begins: 1 of 0\n-4200 192.0.2.2 clear->alert score 20.00 until - repeats 0\n");
    hear(&court, 3601 - 2 * HOURS, B, SAYS, "1");
    expect(&court, "order block 192.0.2.1 until -3540\n" /* what was left of A's has ended, and is renewed */
                   "-3599 storm ends: 0 of 0\norder throttle 192.0.2.2 until 1 rate 12\n"
                   "-3599 192.0.2.2 alert->throttle score 18.81 until 1 repeats 0\n");
    court_end(&court);
}

/* Hundreds of senders, the clock set back now and then: the same lines as of those whose clock was right. */
static void test_the_same_as_with_a_clock_that_was_right(void **unused)
{
    (void)unused;
    struct court right, set;
    court_set_back = 0;
    court_begin(&right, "[policy]\nstorm_most = 10000\nstorm_share = 1\n");
    court_begin(&set, "[policy]\nstorm_most = 10000\nstorm_share = 1\n");
    uint64_t random = 9;
    double behind = 0;
    for (int i = 0; i < 4000; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        double at = i * 17 + (double)(random >> 40 & 31) / 4;
        uint32_t number = (uint32_t)(random >> 33) % 120;
        char sender[32], worth[32];
        snprintf(sender, sizeof sender, "192.0.2.%u", number);
        snprintf(worth, sizeof worth, "%u.5", number % 10 ? (uint32_t)(random >> 50) % 3 : 9);
        court_set_back = 0;
        hear(&right, at, sender, ADDS, worth);
        court_set_back = (duration)behind * SECOND;
        if (i % 700 == 699) {
            until(&set, at - behind);
            behind += i * 11;
            size_t length = set.lines.length;
            until(&set, at - behind);
            set.lines.length = length; /* orders are told again */
        }
        court_set_back = (duration)behind * SECOND;
        hear(&set, at - behind, sender, ADDS, worth);
    }
    assert_true(right.lines.length > 10000);
    assert_int_equal(right.lines.length, set.lines.length);
    assert_memory_equal(right.lines.bytes, set.lines.bytes, right.lines.length);
    court_end(&right);
    court_end(&set);
}

/* The watcher died, and was started anew after the clock had been set. */
static void test_a_judge_that_takes_up_what_was_left_sees_it_too(void **unused)
{
    (void)unused;
    struct court court;
    struct error error = {0};
    uint32_t dropped;
    begin(&court, "");
    hear(&court, 0, A, SAYS, "20");
    drop(&court);
    judge_destroy(&court.judge);
    senders_release(&court.senders);
    court.senders = senders_adopt(court.memory, court.size, &court.shape, &dropped);
    struct judge_listener listener = court_listener(&court);
    court.judge = judge_create(court.settings, court.senders, &listener, &error);
    assert_non_null(court.judge);
    until(&court, -5 * HOURS);
    expect(&court, "order block 192.0.2.1 until -14400\n");
    court_end(&court);
}

/* Forward, as from 1970 when the machine has found a time server: holds may end, and nothing else happens. Back again,
 * down to the first days of 1970: no time becomes none, or one that the next process would not believe. */
static void test_far_forward_and_far_back(void **unused)
{
    (void)unused;
    struct court court;
    struct error error = {0};
    uint32_t dropped;
    begin(&court, "");
    double early = -(double)(BEGIN / SECOND) + 100;
    hear(&court, early, A, SAYS, "20");
    drop(&court);
    until(&court, 0);
    assert_int_equal(court_look(&court, 0, A).verdict, VERDICT_CLEAR);
    hear(&court, 10, B, SAYS, "25");
    hear(&court, 3000, A, SAYS, "12");
    until(&court, 3500);
    drop(&court);
    until(&court, early);
    struct judge_view view = court_look(&court, early, B);
    assert_int_equal(view.verdict, VERDICT_BLOCK);
    assert_int_equal(view.hold_until, AT(early) + 110 * SECOND);
    assert_true(view.verdict_since > 0 && view.record->first > 0 && view.record->last > 0);
    judge_destroy(&court.judge);
    senders_release(&court.senders);
    court.senders = senders_adopt(court.memory, court.size, &court.shape, &dropped);
    struct judge_listener listener = court_listener(&court);
    court.judge = judge_create(court.settings, court.senders, &listener, &error);
    assert_int_equal(court_look(&court, early, B).hold_until, AT(early) + 110 * SECOND);
    court_end(&court);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hold_with_forty_minutes_left_has_forty_minutes_left),
        cmocka_unit_test(test_up_to_a_minute_time_only_stands_still),
        cmocka_unit_test(test_an_observation_alone_does_not_set_the_clock),
        cmocka_unit_test(test_a_persons_order_lasts_as_long_as_was_said),
        cmocka_unit_test(test_the_guard_against_storms_counts_the_same_hour),
        cmocka_unit_test(test_the_same_as_with_a_clock_that_was_right),
        cmocka_unit_test(test_a_judge_that_takes_up_what_was_left_sees_it_too),
        cmocka_unit_test(test_far_forward_and_far_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
