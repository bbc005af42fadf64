/* What is usual is learned in days, in small steps; an outbreak teaches nothing; nothing in the bytes is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "agent/sender/history.h"

#define MONDAY (INT64_C(20416) * DAY) /* 2025-11-24 */

static void mail(struct past *past, moment at, uint32_t number, bool verdict)
{
    for (uint32_t i = 0; i < number; i++) {
        history_count(past, HISTORY_CONNECTIONS, at, verdict);
        history_count(past, HISTORY_MESSAGES, at, verdict);
    }
}

static uint32_t usual(const struct past *past, moment at)
{
    return history_usual(past, HISTORY_CONNECTIONS, at);
}

static void the_first_week(void **state)
{
    (void)state;
    struct past past = {0};
    for (int day = 0; day < 7; day++) {
        mail(&past, MONDAY + day * DAY + 10 * HOUR, 20, false);
        assert_int_equal(usual(&past, MONDAY + day * DAY + 10 * HOUR), 0);
    }
    mail(&past, MONDAY + 7 * DAY + 10 * HOUR, 1, false);
    assert_in_range(usual(&past, MONDAY + 7 * DAY + 10 * HOUR), 20, 31);
    assert_in_range(history_usual(&past, HISTORY_MESSAGES, MONDAY + 7 * DAY + 10 * HOUR), 20, 31);
    assert_int_equal(past.clean_days, 7);
}

/* An hour in which it is silent is told from one in which it is busy, after the day of the week has been learned: on
 * a day without mail nothing is usual. */
static void weekdays(void **state)
{
    (void)state;
    struct past past = {0};
    for (int day = 0; day < 28; day++)
        if (day % 7 < 5)
            mail(&past, MONDAY + day * DAY + 9 * HOUR, 100, false);
    assert_in_range(usual(&past, MONDAY + 28 * DAY + 9 * HOUR), 100, 127);
    assert_in_range(usual(&past, MONDAY + 26 * DAY + 9 * HOUR), 32, 127); /* Saturday, by the hour of the day */
    assert_int_equal(usual(&past, MONDAY + 26 * DAY + 3 * HOUR), 1);
    assert_int_equal(past.clean_days, 19); /* the last of the 20 is not over yet */
}

/* A newsletter a week, on Tuesdays at eight in the evening: known from its fifth issue on, on Tuesdays alone. */
static void weekly(void **state)
{
    (void)state;
    struct past past = {0};
    moment issue = MONDAY + DAY + 20 * HOUR;
    for (int week = 0; week < 4; week++, issue += 7 * DAY) {
        mail(&past, issue - 7 * HOUR, 1, false);
        assert_true(usual(&past, issue) < 5000);
        mail(&past, issue, 5000, false);
    }
    mail(&past, issue - 7 * HOUR, 1, false);
    assert_in_range(usual(&past, issue), 5000, 8191);
    assert_true(usual(&past, issue + 2 * DAY) < 10);
    /* An issue left out is forgiven, a year of silence is not. */
    mail(&past, issue + 7 * DAY, 1, false);
    assert_in_range(usual(&past, issue + 7 * DAY), 2500, 5000);
    mail(&past, issue + 52 * 7 * DAY, 1, false);
    assert_int_equal(usual(&past, issue + 52 * 7 * DAY), 0);
    assert_int_equal(past.clean_days, 0);
}

/* Days with a verdict teach nothing, however many. */
static void outbreak(void **state)
{
    (void)state;
    struct past past = {0};
    for (int day = 0; day < 40; day++)
        mail(&past, MONDAY + day * DAY + 10 * HOUR, 5, false);
    assert_int_equal(past.clean_days, 39);
    for (int day = 40; day < 60; day++)
        mail(&past, MONDAY + day * DAY + 10 * HOUR, 3000, day % 2);
    /* ... and the days between without one teach one level each */
    assert_int_equal(past.clean_days, 0);
    assert_true(usual(&past, MONDAY + 60 * DAY + 10 * HOUR) <= 4095);
    struct past judged = {0};
    for (int day = 0; day < 10; day++)
        mail(&judged, MONDAY + day * DAY + 10 * HOUR, 5, false);
    for (int day = 10; day < 30; day++)
        mail(&judged, MONDAY + day * DAY + 10 * HOUR, 3000, true);
    mail(&judged, MONDAY + 30 * DAY + 10 * HOUR, 1, false);
    assert_int_equal(usual(&judged, MONDAY + 30 * DAY + 10 * HOUR), 7);
}

/* An outbreak of one day that nobody noticed: at most twice as much in such an hour, sixteen times on such a day. */
static void bounded_step(void **state)
{
    (void)state;
    struct past past = {0};
    for (int day = 0; day < 28; day++)
        mail(&past, MONDAY + day * DAY + 10 * HOUR, 5, false);
    mail(&past, MONDAY + 28 * DAY + 10 * HOUR, 20000, false);
    mail(&past, MONDAY + 29 * DAY + 10 * HOUR, 1, false);
    assert_int_equal(usual(&past, MONDAY + 29 * DAY + 10 * HOUR), 15);
    assert_int_equal(usual(&past, MONDAY + 35 * DAY + 10 * HOUR), 127);
}

static void trust(void **state)
{
    (void)state;
    struct past past = {0};
    for (int day = 0; day < 30; day++)
        mail(&past, MONDAY + day * DAY, 1, false);
    assert_int_equal(past.clean_days, 29);
    history_stain(&past);
    assert_int_equal(past.clean_days, 0);
    mail(&past, MONDAY + 30 * DAY, 1, false);
    assert_int_equal(past.clean_days, 0); /* the stained day was not clean */
    assert_true(usual(&past, MONDAY + 30 * DAY) > 0);
    mail(&past, MONDAY + 31 * DAY, 1, false);
    assert_int_equal(past.clean_days, 1);
    mail(&past, MONDAY + 40 * DAY, 1, false); /* silent days neither count nor end it */
    assert_int_equal(past.clean_days, 2);
    history_spoil(&past);
    assert_int_equal(past.clean_days, 0);
}

/* A clock that is set back takes nothing of what is usual; nor do hours that overlap each other. */
static void clock_set_back(void **state)
{
    (void)state;
    struct past past = {0};
    for (int day = 0; day < 20; day++)
        mail(&past, MONDAY + day * DAY + 10 * HOUR, 50, false);
    mail(&past, MONDAY - 300 * DAY + 10 * HOUR, 50, false);
    assert_in_range(usual(&past, MONDAY - 300 * DAY + 10 * HOUR), 50, 63);
    for (int i = 0; i < 1000; i++)
        mail(&past, MONDAY - 300 * DAY + (11 + i % 2) * HOUR, 1, false);
    mail(&past, MONDAY - 299 * DAY, 1, false);
    assert_true(usual(&past, MONDAY - 299 * DAY + 11 * HOUR) < 128);
    mail(&past, -5, 1, false);
    mail(&past, INT64_MAX, 1, false);
}

static void garbage(void **state)
{
    (void)state;
    uint64_t random = 11;
    for (int round = 0; round < 2000; round++) {
        struct past past;
        for (size_t i = 0; i < sizeof past; i++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            ((uint8_t *)&past)[i] = round == 0 ? 0xff : (uint8_t)(random >> 40);
        }
        for (int day = 0; day < 3; day++) {
            mail(&past, MONDAY + day * DAY + 10 * HOUR, 5, false);
            assert_true(usual(&past, MONDAY + day * DAY + 10 * HOUR) <= 32767);
        }
        for (int day = 3; day < 200; day++)
            mail(&past, MONDAY + day * DAY + 10 * HOUR, 5, false);
        assert_int_equal(usual(&past, MONDAY + 200 * DAY + 10 * HOUR), 7); /* in the end it is as if nothing had been */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_first_week), cmocka_unit_test(weekdays),
                                       cmocka_unit_test(weekly),         cmocka_unit_test(outbreak),
                                       cmocka_unit_test(bounded_step),   cmocka_unit_test(trust),
                                       cmocka_unit_test(clock_set_back), cmocka_unit_test(garbage)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
