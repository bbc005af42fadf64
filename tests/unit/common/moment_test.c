/* Times and durations as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "common/moment.h"

#define COUNT_OF(rows) (sizeof(rows) / sizeof(rows)[0])

static void prints_rfc3339_in_utc_with_microseconds(void **state)
{
    (void)state;
    static const struct {
        moment given;
        const char *want;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000000Z"},
        {-5, "1970-01-01T00:00:00.000000Z"},
        {INT64_MIN, "1970-01-01T00:00:00.000000Z"},
        {999, "1970-01-01T00:00:00.000000Z"}, /* cut, not rounded */
        {1000, "1970-01-01T00:00:00.000001Z"},
        {951782400 * SECOND, "2000-02-29T00:00:00.000000Z"},
        {1795420800 * SECOND, "2026-11-23T08:00:00.000000Z"},
        {4107542399 * SECOND + 999999999, "2100-02-28T23:59:59.999999Z"}, /* no leap year */
        {4107542400 * SECOND, "2100-03-01T00:00:00.000000Z"},
        {INT64_MAX, "2262-04-11T23:47:16.854775Z"},
    };
    char text[MOMENT_TEXT];
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_string_equal(moment_print(rows[i].given, text), rows[i].want);
}

static void agrees_with_the_c_library_on_every_day(void **state)
{
    (void)state;
    for (int64_t day = 0; day < 106751; day++) {
        char want[MOMENT_TEXT], got[MOMENT_TEXT];
        time_t seconds = (time_t)(day * 86400 + day % 86400);
        struct tm tm;
        gmtime_r(&seconds, &tm);
        strftime(want, sizeof want, "%Y-%m-%dT%H:%M:%S.000000Z", &tm);
        assert_string_equal(moment_print(seconds * SECOND, got), want);
        moment back;
        assert_true(moment_parse(text_of(got), &back));
        assert_int_equal(back, seconds * SECOND);
    }
}

static void reads_rfc3339_and_seconds(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        moment want; /* -1: refused */
    } rows[] = {
        {"2026-11-23T08:00:00Z", 1795420800 * SECOND},
        {"2026-11-23t08:00:00z", 1795420800 * SECOND},
        {"2026-11-23 08:00:00Z", 1795420800 * SECOND},
        {"2026-11-23T08:00:00.123456789Z", 1795420800 * SECOND + 123456789},
        {"2026-11-23T08:00:00.5Z", 1795420800 * SECOND + 500000000},
        {"2026-11-23T10:30:00+02:30", 1795420800 * SECOND},
        {"2026-11-22T20:00:00-12:00", 1795420800 * SECOND},
        {"2016-12-31T23:59:60Z", 1483228800 * SECOND}, /* a leap second */
        {"1970-01-01T00:00:00Z", 0},
        {"2262-04-11T23:47:16.854775807Z", INT64_MAX},
        {"0", 0},
        {"1795420800", 1795420800 * SECOND},
        {"1795420800.000001", 1795420800 * SECOND + 1000},
        {"9223372036.854775807", INT64_MAX},
        {"9223372036.854775808", -1},
        {"9223372037", -1},
        {"2262-04-11T23:47:16.854775808Z", -1},
        {"2263-01-01T00:00:00Z", -1},
        {"1970-01-01T00:00:00+01:00", -1}, /* before 1970 */
        {"1969-12-31T23:59:59Z", -1},
        {"2026-02-29T00:00:00Z", -1},
        {"2026-13-01T00:00:00Z", -1},
        {"2026-00-01T00:00:00Z", -1},
        {"2026-01-00T00:00:00Z", -1},
        {"2026-01-32T00:00:00Z", -1},
        {"2026-04-31T00:00:00Z", -1},
        {"2026-01-01T24:00:00Z", -1},
        {"2026-01-01T00:60:00Z", -1},
        {"2026-01-01T00:00:61Z", -1},
        {"2026-01-01T00:00:00", -1}, /* whose time? */
        {"2026-01-01T00:00:00.Z", -1},
        {"2026-01-01T00:00:00.1234567890Z", -1},
        {"2026-01-01T00:00:00+0200", -1},
        {"2026-01-01T00:00:00+24:00", -1},
        {"2026-01-01T00:00:00Zx", -1},
        {"2026-01-01", -1},
        {"2026-1-1T00:00:00Z", -1},
        {"", -1},
        {"-1", -1},
        {"1.", -1},
        {".5", -1},
        {"1e9", -1},
        {"now", -1},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        moment result = 77;
        bool good = moment_parse(text_of(rows[i].given), &result);
        if (good != (rows[i].want >= 0) || result != (good ? rows[i].want : 77))
            fail_msg("%s: %lld", rows[i].given, (long long)result);
    }
}

static void reads_durations(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        duration want; /* -1: refused */
    } rows[] = {
        {"90s", 90 * SECOND},
        {"30m", 30 * MINUTE},
        {"12h", 12 * HOUR},
        {"7d", 7 * DAY},
        {"250ms", 250 * MILLISECOND},
        {"1h30m", 90 * MINUTE},
        {"1d2h3m4s5ms6us7ns", DAY + 2 * HOUR + 3 * MINUTE + 4 * SECOND + 5 * MILLISECOND + 6 * MICROSECOND + 7},
        {"0", 0},
        {"0s", 0},
        {"3650d", 3650 * DAY},
        {"3650d1ns", -1},
        {"3651d", -1},
        {"9999999999999999999d", -1},
        {"", -1},
        {"5", -1},
        {"s", -1},
        {"-5s", -1},
        {"5S", -1},
        {"5 s", -1},
        {"1.5h", -1},
        {"1m1h", -1}, /* the larger unit first */
        {"1s1s", -1},
        {"5sec", -1},
        {"1h30", -1},
        {"5s ", -1},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        duration result = 77;
        bool good = duration_parse(text_of(rows[i].given), &result);
        if (good != (rows[i].want >= 0) || result != (good ? rows[i].want : 77))
            fail_msg("%s: %lld", rows[i].given, (long long)result);
    }
}

static void prints_durations_that_read_back(void **state)
{
    (void)state;
    static const struct {
        duration given;
        const char *want;
    } rows[] = {
        {0, "0s"},
        {90 * MINUTE, "1h30m"},
        {7 * DAY, "7d"},
        {250 * MILLISECOND, "250ms"},
        {1500, "1us500ns"},
        {-SECOND, "-1s"},
        {INT64_MAX, "106751d23h47m16s854ms775us807ns"},
        {INT64_MIN, "-106751d23h47m16s854ms775us808ns"},
    };
    char text[DURATION_TEXT];
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_string_equal(duration_print(rows[i].given, text), rows[i].want);
    srandom(2);
    for (int i = 0; i < 100000; i++) {
        duration given = (duration)(((uint64_t)random() << 31 | (uint64_t)random()) % (uint64_t)(3650 * DAY));
        given >>= random() % 60;
        duration back = -1;
        assert_true(duration_parse(text_of(duration_print(given, text)), &back));
        assert_int_equal(back, given);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_rfc3339_in_utc_with_microseconds),
        cmocka_unit_test(agrees_with_the_c_library_on_every_day),
        cmocka_unit_test(reads_rfc3339_and_seconds),
        cmocka_unit_test(reads_durations),
        cmocka_unit_test(prints_durations_that_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
