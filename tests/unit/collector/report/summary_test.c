/* What a report comes to, sentence by sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "collector/report/summary.h"
#include "collector/report/wording.h"
#include "example.h"

static struct calendar_zone *zone;
static struct summary summary;

static int set(void **state)
{
    *state = example_empty(zone);
    return *state == NULL;
}

static int unset(void **state)
{
    struct report *report = *state;
    numbers_destroy(&report);
    return 0;
}

static void set_complaints(struct report *report, int64_t now, int64_t before, int64_t usual)
{
    report->past[0].sums[SUM_COMPLAINTS] = now;
    report->past[1].sums[SUM_COMPLAINTS] = before;
    for (int i = 2; i < REPORT_PAST; i++)
        report->past[i].sums[SUM_COMPLAINTS] = usual;
}

static const char *headline(struct report *report, int64_t now, int64_t before, int64_t usual)
{
    set_complaints(report, now, before, usual);
    report_summarize(report, zone, &summary);
    return summary.headline;
}

/* The mark of the line in which the words are; -1: there is none. */
static int mark_of(const char *words)
{
    for (size_t i = 0; i < summary.count; i++)
        if (strstr(summary.lines[i].text, words))
            return (int)summary.lines[i].mark;
    return -1;
}

static void test_the_headline_compares_with_the_period_before_and_the_usual(void **state)
{
    assert_string_equal(headline(*state, 0, 0, 0), "No complaints in week 47 of 2026, as in the week before.");
    assert_string_equal(
        headline(*state, 1, 1, 1),
        "1 complaint in week 47 of 2026, as many as in the week before (1). About as many are usual (1).");
    assert_string_equal(
        headline(*state, 60, 20, 1),
        "60 complaints in week 47 of 2026, clearly more than in the week before (20). Only 1 is usual.");
    assert_int_equal(summary.mark, MARK_BAD);
    assert_string_equal(headline(*state, 20, 60, 70),
                        "20 complaints in week 47 of 2026, clearly fewer than in the week before (60). 70 are usual.");
    assert_int_equal(summary.mark, MARK_GOOD);
    assert_string_equal(headline(*state, 1020, 1000, 990),
                        "1,020 complaints in week 47 of 2026, about as many as in the "
                        "week before (1,000). About as many are usual (990).");
    assert_int_equal(summary.mark, MARK_PLAIN);
    assert_string_equal(headline(*state, 7, 5, 6),
                        "7 complaints in week 47 of 2026, somewhat more than in the week before "
                        "(5). About as many are usual (6).");
}

static void test_what_is_not_known_is_not_compared_with(void **state)
{
    struct report *report = *state;
    for (int i = 1; i < REPORT_PAST; i++)
        report->past[i].is_known = false;
    assert_string_equal(headline(report, 5, 0, 0), "5 complaints in week 47 of 2026.");
    assert_int_equal(mark_of("Of the week before nothing is known here."), MARK_PLAIN);
    assert_int_equal(report_usual(report, SUM_COMPLAINTS), REPORT_UNKNOWN);
}

static void test_of_a_time_that_nobody_watched_nothing_is_said_but_that(void **state)
{
    struct report *report = *state;
    char subject[SUMMARY_SUBJECT];
    for (int i = 0; i < REPORT_PAST; i++)
        report->past[i].is_known = false;
    report_summarize(report, zone, &summary);
    assert_string_equal(summary.headline,
                        "Nothing is known of Week 47 of 2026: no node was there, and nothing that came "
                        "in then was kept.");
    assert_int_equal(summary.count, 0);
    assert_string_equal(report_subject(report, zone, subject), "Week 47 of 2026: nothing is known");
}

static void test_days_and_months_are_called_by_their_names(void **state)
{
    struct report *report = *state;
    assert_true(calendar_period_named(zone, CALENDAR_DAY, TEXT("2026-11-22"), &report->period));
    assert_string_equal(headline(report, 0, 3, 0),
                        "No complaints on Sun 22 November 2026, somewhat fewer than on the day "
                        "before (3).");
    assert_true(calendar_period_named(zone, CALENDAR_MONTH, TEXT("2026-02"), &report->period));
    assert_string_equal(headline(report, 0, 0, 0), "No complaints in February 2026, as in the month before.");
}

static struct report_customer *customer(struct report *report, const char *name, int64_t complaints, int64_t before)
{
    struct report_customer *added = &report->customers[report->customer_count++];
    snprintf(added->name, sizeof(added->name), "%s", name);
    added->complaints = complaints;
    added->before = before;
    added->periods = 1;
    return added;
}

static void test_who_has_many_complaints_or_open_ones_or_again_and_again_is_named(void **state)
{
    struct report *report = *state;
    set_complaints(report, 9, 0, 0);
    customer(report, "many", 3, 0);
    customer(report, "open", 1, 0)->open = 1;
    customer(report, "again", 1, 1)->periods = 5;
    customer(report, "one", 1, 0);
    report_summarize(report, zone, &summary);
    assert_int_equal(mark_of("Look at many: 3 complaints (0 the week before). None of its senders was blocked or "
                             "throttled."),
                     MARK_BAD);
    assert_int_equal(mark_of("Look at open: 1 complaint (0 the week before), 1 of them open."), MARK_BAD);
    assert_int_equal(mark_of("Look at again: 1 complaint (1 the week before), complained of in 5 of 14 weeks."),
                     MARK_BAD);
    assert_int_equal(mark_of("one:"), -1);
    assert_int_equal(mark_of("No customer has to be looked at"), -1);
}

static void test_who_got_clearly_better_is_praised_instead(void **state)
{
    struct report *report = *state;
    set_complaints(report, 4, 40, 0);
    customer(report, "better", 4, 40);
    report_summarize(report, zone, &summary);
    assert_int_equal(mark_of("Better: better, 4 complaints after 40 the week before."), MARK_GOOD);
    assert_int_equal(mark_of("Look at better"), -1);
    report->customers[0].open = 1; /* but for what is open still */
    report_summarize(report, zone, &summary);
    assert_int_equal(mark_of("Look at better"), MARK_BAD);
}

static void test_of_many_who_must_be_looked_at_the_first_are_named(void **state)
{
    struct report *report = *state;
    for (int i = 0; i < 30; i++)
        customer(report, "c", 5, 0);
    report_summarize(report, zone, &summary);
    assert_int_equal(mark_of("And at 25 more: see the table of customers."), MARK_BAD);
    assert_true(summary.count < SUMMARY_LINES);
}

static void test_the_subject_says_how_many_and_whom_to_look_at(void **state)
{
    struct report *report = *state;
    char subject[SUMMARY_SUBJECT];
    set_complaints(report, 0, 0, 0);
    assert_string_equal(report_subject(report, zone, subject), "Week 47 of 2026: no complaints (0 before)");
    set_complaints(report, 1, 2, 0);
    customer(report, "acme", 3, 0);
    assert_string_equal(report_subject(report, zone, subject), "Week 47 of 2026: 1 complaint (2 before), look at acme");
    customer(report, "a-name-that-is-much-too-long-for-a-subject", 3, 0);
    assert_string_equal(report_subject(report, zone, subject),
                        "Week 47 of 2026: 1 complaint (2 before), look at acme and a-name-that-is-much-too");
    customer(report, "third", 3, 0);
    assert_string_equal(report_subject(report, zone, subject),
                        "Week 47 of 2026: 1 complaint (2 before), look at acme, a-name-that-is-much-too and 1 more");
}

static void test_numbers_and_times_read_as_people_write_them(void **unused)
{
    (void)unused;
    char text[WORDING], span[2 * WORDING], label[8];
    assert_string_equal(wording_number(0, text), "0");
    assert_string_equal(wording_number(1234567, text), "1,234,567");
    assert_string_equal(wording_number(INT64_MIN, text), "-9,223,372,036,854,775,808");
    assert_string_equal(wording_bytes(999, text), "999 bytes");
    assert_string_equal(wording_bytes(1204000000, text), "1.2 GB");
    assert_string_equal(wording_bytes(INT64_MAX, text), "9.2 EB");
    assert_string_equal(wording_wait(59, text), "under a minute");
    assert_string_equal(wording_wait(2 * 3600, text), "2 h");
    assert_string_equal(wording_wait(3600 + 60, text), "1 h 1 min");
    assert_string_equal(wording_wait(50 * 3600, text), "2 d 2 h");
    assert_string_equal(wording_change(3, 2, text), "+50 %");
    assert_string_equal(wording_change(0, 2, text), "-100 %");
    assert_string_equal(wording_change(1001, 1000, text), "as before");
    assert_string_equal(wording_change(1, 0, text), "new");
    assert_string_equal(wording_change(INT64_MAX, 1, text), "+99999 %");
    assert_string_equal(wording_times(2, text), "twice");
    assert_string_equal(wording_short(CALENDAR_WEEK, "2026-W07", label), "W07");
    assert_string_equal(wording_short(CALENDAR_MONTH, "2026-11", label), "Nov");
    assert_string_equal(wording_short(CALENDAR_DAY, "2026-11-05", label), "5");
    struct calendar_period period;
    assert_true(calendar_period_named(zone, CALENDAR_WEEK, TEXT("2026-W53"), &period));
    assert_string_equal(wording_period(zone, &period, text), "Week 53 of 2026");
    assert_string_equal(wording_span(zone, &period, span), "Mon 28 December 2026 to Sun 3 January 2027, UTC");
}

/* Of rare things a few more or fewer are chance. */
static void test_a_change_is_one_where_chance_does_not_make_it(void **unused)
{
    (void)unused;
    assert_int_equal(report_trend(3, 1), TREND_SAME);
    assert_int_equal(report_trend(4, 0), TREND_SAME);
    assert_int_equal(report_trend(5, 0), TREND_UP);
    assert_int_equal(report_trend(100, 130), TREND_SAME);
    assert_int_equal(report_trend(100, 140), TREND_DOWN);
    assert_int_equal(report_trend(INT64_MAX, INT64_MAX), TREND_SAME);
    assert_int_equal(report_trend(1, REPORT_UNKNOWN), TREND_UNKNOWN);
}

int main(void)
{
#define WITH_REPORT(test) cmocka_unit_test_setup_teardown(test, set, unset)
    const struct CMUnitTest tests[] = {
        WITH_REPORT(test_the_headline_compares_with_the_period_before_and_the_usual),
        WITH_REPORT(test_what_is_not_known_is_not_compared_with),
        WITH_REPORT(test_of_a_time_that_nobody_watched_nothing_is_said_but_that),
        WITH_REPORT(test_days_and_months_are_called_by_their_names),
        WITH_REPORT(test_who_has_many_complaints_or_open_ones_or_again_and_again_is_named),
        WITH_REPORT(test_who_got_clearly_better_is_praised_instead),
        WITH_REPORT(test_of_many_who_must_be_looked_at_the_first_are_named),
        WITH_REPORT(test_the_subject_says_how_many_and_whom_to_look_at),
        cmocka_unit_test(test_numbers_and_times_read_as_people_write_them),
        cmocka_unit_test(test_a_change_is_one_where_chance_does_not_make_it),
    };
    zone = example_zone();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    calendar_zone_destroy(&zone);
    return failed;
}
