/* Days, weeks and months as people on the spot count them: held against the C library's own reckoning in places with
 * hard rules, and against dates that are known. */
#include "collector/report/calendar.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "collector/report/zone_rule.h"

static char bytes[65536];

static struct calendar_zone *zone_of(const char *name)
{
    struct calendar_zone *zone = NULL;
    struct error error = {0};
    char path[128];
    snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        skip();
    size_t length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    if (calendar_zone_create(name, (struct text){bytes, length}, &zone, &error) < 0)
        fail_msg("%s", error.text);
    return zone;
}

static void clocks_show_what_the_library_says(void **unused)
{
    static const char *const names[] = {
        "Europe/Berlin",       "America/New_York",    "America/St_Johns", "America/Sao_Paulo",
        "Africa/Casablanca",   "Australia/Lord_Howe", "Pacific/Apia",     "Asia/Kolkata",
        "Asia/Tehran",         "America/Havana",      "America/Nuuk",     "Antarctica/Troll",
        "Europe/Dublin",       "Asia/Gaza",           "Pacific/Chatham",  "UTC",
        "America/Los_Angeles", "Africa/Cairo"};
    (void)unused;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct calendar_zone *zone = zone_of(names[i]);
        setenv("TZ", names[i], 1);
        tzset();
        /* Into the years that the file leaves to its rule. */
        for (time_t at = 3600; at < (time_t)4102444800; at += 86400 * 3 / 2 + 1234) {
            struct calendar_time have = calendar_time_of(zone, (moment)at * SECOND + 5);
            struct tm want;
            localtime_r(&at, &want);
            if (have.year != want.tm_year + 1900 || have.month != want.tm_mon + 1 || have.day != want.tm_mday ||
                have.hour != want.tm_hour || have.minute != want.tm_min || have.second != want.tm_sec ||
                have.offset != want.tm_gmtoff || have.weekday % 7 != want.tm_wday)
                fail_msg("%s at %lld: %04d-%02d-%02d %02d:%02d:%02d", names[i], (long long)at, have.year, have.month,
                         have.day, have.hour, have.minute, have.second);
        }
        calendar_zone_destroy(&zone);
    }
    unsetenv("TZ");
    tzset();
}

static void days_follow_each_other_without_a_gap(void **unused)
{
    static const char *const names[] = {"Europe/Berlin",     "America/Sao_Paulo", "America/St_Johns", "Pacific/Apia",
                                        "Africa/Casablanca", "America/Havana",    "Asia/Gaza"};
    (void)unused;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct calendar_zone *zone = zone_of(names[i]);
        struct calendar_period day;
        assert_true(calendar_period_named(zone, CALENDAR_DAY, TEXT("2005-01-01"), &day));
        for (int n = 0; n < 4000; n++) {
            struct calendar_period next = calendar_period_from(zone, &day, 1);
            assert_true(next.begin == day.end);
            assert_true(next.end >= next.begin);
            assert_true(calendar_period_at(zone, CALENDAR_DAY, next.end - 1).end == next.end);
            day = next;
        }
        calendar_zone_destroy(&zone);
    }
}

static duration length_of(const struct calendar_zone *zone, enum calendar_kind kind, const char *name)
{
    struct calendar_period period;
    if (!calendar_period_named(zone, kind, text_of(name), &period))
        fail_msg("%s is not known", name);
    return period.end - period.begin;
}

static void clocks_change(void **unused)
{
    struct calendar_zone *zone = zone_of("Europe/Berlin");
    (void)unused;
    assert_true(length_of(zone, CALENDAR_DAY, "2026-03-29") == 23 * HOUR);
    assert_true(length_of(zone, CALENDAR_DAY, "2026-10-25") == 25 * HOUR);
    assert_true(length_of(zone, CALENDAR_WEEK, "2026-W13") == 7 * DAY - HOUR);
    assert_true(length_of(zone, CALENDAR_WEEK, "2026-W43") == 7 * DAY + HOUR);
    assert_true(length_of(zone, CALENDAR_WEEK, "2026-W44") == 7 * DAY);
    assert_true(length_of(zone, CALENDAR_MONTH, "2026-03") == 31 * DAY - HOUR);
    assert_true(length_of(zone, CALENDAR_MONTH, "2028-02") == 29 * DAY);
    /* 02:30 is left out in March: a later moment. In October it is shown twice: the first. */
    moment when;
    assert_true(moment_parse(TEXT("2026-03-29T01:00:00Z"), &when));
    assert_true(calendar_moment(zone, 2026, 3, 29, 2, 30) == when);
    assert_true(moment_parse(TEXT("2026-10-25T00:30:00Z"), &when));
    assert_true(calendar_moment(zone, 2026, 10, 25, 2, 30) == when);
    calendar_zone_destroy(&zone);
    /* Midnight itself is left out; and a day of half an hour more. */
    zone = zone_of("America/Sao_Paulo");
    assert_true(length_of(zone, CALENDAR_DAY, "2018-11-04") == 23 * HOUR);
    calendar_zone_destroy(&zone);
    zone = zone_of("Australia/Lord_Howe");
    assert_true(length_of(zone, CALENDAR_DAY, "2026-04-05") == 24 * HOUR + 30 * MINUTE);
    calendar_zone_destroy(&zone);
    /* A day that was left out whole. */
    zone = zone_of("Pacific/Apia");
    assert_true(length_of(zone, CALENDAR_DAY, "2011-12-30") == 0);
    assert_true(length_of(zone, CALENDAR_WEEK, "2011-W52") == 6 * DAY);
    calendar_zone_destroy(&zone);
}

static void weeks_are_the_standard_s(void **unused)
{
    static const char *const known[][2] = {
        {"2026-11-22", "2026-W47"}, {"2026-11-23", "2026-W48"}, {"2026-12-31", "2026-W53"}, {"2027-01-03", "2026-W53"},
        {"2027-01-04", "2027-W01"}, {"2024-12-29", "2024-W52"}, {"2024-12-30", "2025-W01"}, {"2023-01-01", "2022-W52"},
        {"2020-12-31", "2020-W53"}, {"2021-01-01", "2020-W53"}, {"1970-01-01", "1970-W01"}, {"2008-12-29", "2009-W01"}};
    struct calendar_zone *zone = NULL;
    struct calendar_period day, week;
    struct error error;
    (void)unused;
    assert_int_equal(calendar_zone_create("UTC", TEXT(""), &zone, &error), 0);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        assert_true(calendar_period_named(zone, CALENDAR_DAY, text_of(known[i][0]), &day));
        assert_string_equal(day.name, known[i][0]);
        week = calendar_period_at(zone, CALENDAR_WEEK, day.begin + HOUR);
        assert_string_equal(week.name, known[i][1]);
        assert_true(week.begin <= day.begin && day.end <= week.end);
        assert_int_equal(calendar_time_of(zone, week.begin).weekday, 1);
    }
    assert_true(calendar_period_named(zone, CALENDAR_WEEK, TEXT("2026-W53"), &week));
    assert_string_equal(calendar_period_from(zone, &week, 1).name, "2027-W01");
    assert_string_equal(calendar_period_from(zone, &week, -52).name, "2026-W01");
    assert_true(calendar_period_named(zone, CALENDAR_MONTH, TEXT("2026-01"), &week));
    assert_string_equal(calendar_period_from(zone, &week, -1).name, "2025-12");
    assert_string_equal(calendar_period_from(zone, &week, -13).name, "2024-12");
    assert_string_equal(calendar_period_from(zone, &week, 12).name, "2027-01");
    calendar_zone_destroy(&zone);
}

static void what_is_no_period_is_refused(void **unused)
{
    static const char *const wrong[CALENDAR_KINDS][9] = {
        {"", "2026-11-31", "2026-02-29", "2026-13-01", "2026-00-10", "26-11-23", "2026-11-23T", "2026-W47",
         "1969-12-31"},
        {"2025-W53", "2026-W00", "2026-W54", "2026-W1", "2026-w47", "2026-W047", "2026W47", "2026", "2201-W01"},
        {"2026-13", "2026-00", "2026-1", "2026-011", "2026", "2026-11-01", "x", "2026-", "-11"}};
    struct calendar_zone *zone = NULL;
    struct calendar_period period;
    struct error error;
    (void)unused;
    assert_int_equal(calendar_zone_create("UTC", TEXT(""), &zone, &error), 0);
    for (int kind = 0; kind < CALENDAR_KINDS; kind++)
        for (size_t i = 0; i < 9; i++)
            assert_false(calendar_period_named(zone, (enum calendar_kind)kind, text_of(wrong[kind][i]), &period));
    calendar_zone_destroy(&zone);
}

static void what_is_no_zone_is_refused(void **unused)
{
    struct calendar_zone *zone = zone_of("Europe/Berlin");
    struct error error;
    size_t length = 0;
    (void)unused;
    calendar_zone_destroy(&zone);
    while (length < sizeof bytes && memcmp(bytes + length, "M10.5.0/3\n", 10) != 0)
        length++;
    length += 10;
    char *cut;
    for (size_t i = 1; i < length; i++) { /* each byte less is one too few */
        cut = malloc(i);
        memcpy(cut, bytes, i);
        int status = calendar_zone_create("cut", (struct text){cut, i}, &zone, &error);
        free(cut);
        assert_int_equal(status, -EBADMSG);
    }
    for (size_t i = 0; i < length; i++) { /* whatever a byte says, nothing breaks */
        char kept = bytes[i];
        bytes[i] = (char)0xff;
        if (calendar_zone_create("wrong", (struct text){bytes, length}, &zone, &error) == 0)
            (void)calendar_period_at(zone, CALENDAR_WEEK, 1800000000 * SECOND);
        calendar_zone_destroy(&zone);
        bytes[i] = kept;
    }
}

static void rules_are_read(void **unused)
{
    static const char *const wrong[] = {"",
                                        "CET",
                                        "C-1",
                                        "CET-25",
                                        "CET-1CEST",
                                        "CET-1CEST,M3.5.0",
                                        "<+03-3",
                                        "CET-1x",
                                        "CET-1CEST,M13.5.0,M10.5.0",
                                        "CET-1CEST,M3.6.0,M10.5.0",
                                        "CET-1CEST,J0,J5",
                                        "CET-1CEST,M3.5.0,M10.5.0/168"};
    struct zone_rule rule;
    (void)unused;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(zone_rule_read(text_of(wrong[i]), &rule));
    assert_true(zone_rule_read(TEXT("<+0530>-5:30"), &rule));
    assert_int_equal(zone_rule_offset(&rule, 0), 5 * 3600 + 1800);
    assert_true(zone_rule_read(TEXT("XXX3EDT4,0/0,J365/23"), &rule)); /* summer all the year */
    assert_int_equal(zone_rule_offset(&rule, 1800000000), -4 * 3600);
    assert_true(zone_rule_read(TEXT("STD0DST,J60/0,J61/0"), &rule)); /* 1 March, also in a leap year */
    assert_int_equal(zone_rule_offset(&rule, 1835524800), 3600);     /* 2028-03-01, 12:00 */
    assert_int_equal(zone_rule_offset(&rule, 1835438400), 0);        /* 2028-02-29 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_show_what_the_library_says),
        cmocka_unit_test(days_follow_each_other_without_a_gap),
        cmocka_unit_test(clocks_change),
        cmocka_unit_test(weeks_are_the_standard_s),
        cmocka_unit_test(what_is_no_period_is_refused),
        cmocka_unit_test(what_is_no_zone_is_refused),
        cmocka_unit_test(rules_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
