/* When a report is due, by the clocks of a place that change twice a year. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "collector/report/settings.h"

#define BERLIN "/usr/share/zoneinfo/Europe/Berlin"

static struct calendar_zone *zone;
static struct report_settings settings = {.hour = 7};

static const char *due(enum calendar_kind kind, const char *at)
{
    static struct calendar_period period;
    moment now;
    assert_true(moment_parse(text_of(at), &now));
    period = report_due(&settings, zone, kind, now);
    return period.name;
}

static void test_a_week_is_due_on_monday_at_its_hour(void **unused)
{
    (void)unused;
    assert_string_equal(due(CALENDAR_WEEK, "2026-11-23T05:59:59Z"), "2026-W46"); /* 06:59:59 in Berlin */
    assert_string_equal(due(CALENDAR_WEEK, "2026-11-23T06:00:00Z"), "2026-W47");
    assert_string_equal(due(CALENDAR_WEEK, "2026-11-29T22:59:59Z"), "2026-W47"); /* late, after a downtime */
    assert_string_equal(due(CALENDAR_WEEK, "2026-07-06T05:00:00Z"), "2026-W27"); /* summer: 07:00 is 05:00 */
    assert_string_equal(due(CALENDAR_WEEK, "2026-07-06T04:59:59Z"), "2026-W26");
}

static void test_the_weeks_in_which_clocks_change_are_due_at_the_same_hour(void **unused)
{
    (void)unused;
    assert_string_equal(due(CALENDAR_WEEK, "2026-03-30T04:59:59Z"), "2026-W12");
    assert_string_equal(due(CALENDAR_WEEK, "2026-03-30T05:00:00Z"), "2026-W13");
    assert_string_equal(due(CALENDAR_WEEK, "2026-10-26T05:59:59Z"), "2026-W42");
    assert_string_equal(due(CALENDAR_WEEK, "2026-10-26T06:00:00Z"), "2026-W43");
}

static void test_the_hour_that_there_is_not_is_the_next_one(void **unused)
{
    (void)unused;
    settings.hour = 2; /* 2026-03-29 has none */
    assert_string_equal(due(CALENDAR_DAY, "2026-03-29T00:59:59Z"), "2026-03-27");
    assert_string_equal(due(CALENDAR_DAY, "2026-03-29T01:00:00Z"), "2026-03-28");
    settings.hour = 7;
}

static void test_a_day_and_a_month_are_due_behind_their_end(void **unused)
{
    (void)unused;
    assert_string_equal(due(CALENDAR_DAY, "2026-11-23T06:00:00Z"), "2026-11-22");
    assert_string_equal(due(CALENDAR_DAY, "2026-11-23T05:00:00Z"), "2026-11-21");
    assert_string_equal(due(CALENDAR_MONTH, "2026-12-01T06:00:00Z"), "2026-11");
    assert_string_equal(due(CALENDAR_MONTH, "2026-12-01T05:00:00Z"), "2026-10");
    assert_string_equal(due(CALENDAR_MONTH, "2027-01-31T05:00:00Z"), "2026-12");
}

static void test_a_zone_is_a_name_and_no_path(void **unused)
{
    (void)unused;
    static const struct {
        const char *zone;
        bool is_good;
    } zones[] = {{"", true},
                 {"Europe/Berlin", true},
                 {"America/Argentina/Buenos_Aires", true},
                 {"Etc/GMT+5", true},
                 {"/etc/shadow", false},
                 {"../../etc/shadow", false},
                 {"Europe Berlin", false}};
    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
        struct error error;
        struct report_settings given = {.hour = 7};
        strcpy(given.zone, zones[i].zone);
        assert_int_equal(report_settings_check(&given, &error), zones[i].is_good);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_week_is_due_on_monday_at_its_hour),
        cmocka_unit_test(test_the_weeks_in_which_clocks_change_are_due_at_the_same_hour),
        cmocka_unit_test(test_the_hour_that_there_is_not_is_the_next_one),
        cmocka_unit_test(test_a_day_and_a_month_are_due_behind_their_end),
        cmocka_unit_test(test_a_zone_is_a_name_and_no_path),
    };
    static char bytes[65536];
    struct error error = {0};
    FILE *file = fopen(BERLIN, "rb");
    if (file == NULL) {
        print_message("skipped: there is no %s\n", BERLIN);
        return 0;
    }
    size_t length = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    if (calendar_zone_create("Europe/Berlin", (struct text){bytes, length}, &zone, &error) < 0) {
        print_error("%s\n", error.text);
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    calendar_zone_destroy(&zone);
    return failed;
}
