/* Time stamps: every form that a mail log begins with, and the year that a form without one means. */
#include "agent/log/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static moment at(const char *text)
{
    moment result = 0;
    assert_true(moment_parse(text_of(text), &result));
    return result;
}

static void check(struct timestamp_state *state, const char *line, const char *time, const char *rest)
{
    struct text given = text_of(line);
    moment result = 0;
    char printed[MOMENT_TEXT];
    assert_true(timestamp_read(&given, state, &result));
    assert_string_equal(moment_print(result, printed), time);
    assert_int_equal(given.length, strlen(rest));
    assert_memory_equal(given.bytes, rest, given.length);
}

static void reads_every_form(void **unused)
{
    (void)unused;
    static const struct {
        const char *line, *time, *rest;
    } rows[] = {
        {"2026-11-05T08:00:01.5+01:00 mx a", "2026-11-05T07:00:01.500000Z", "mx a"},
        {"2026-11-05T08:00:01Z mx", "2026-11-05T08:00:01.000000Z", "mx"},
        {"2026-11-05 08:00:01 1abc", "2026-11-05T06:00:01.000000Z", "1abc"},
        {"2026-11-05 08:00:01.123 -0530 1abc", "2026-11-05T13:30:01.123000Z", "1abc"},
        {"@40000000690b01431dcd6500 status", "2025-11-05T07:48:09.500000Z", "status"},
        {"1700000000.25 x", "2023-11-14T22:13:20.250000Z", "x"},
        {"<22>1 2026-11-05T08:00:01Z mx", "2026-11-05T08:00:01.000000Z", "mx"},
        {"1700000000: x", "2023-11-14T22:13:20.000000Z", "x"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct timestamp_state state = {.east = 2 * HOUR};
        check(&state, rows[i].line, rows[i].time, rows[i].rest);
    }
}

static void the_year_is_that_of_the_last_change(void **unused)
{
    (void)unused;
    struct timestamp_state state = {.hint = at("2026-01-02T00:00:00Z")};
    check(&state, "Dec 31 23:59:59 mx a", "2025-12-31T23:59:59.000000Z", "mx a");
    check(&state, "Jan  1 00:00:00 mx a", "2026-01-01T00:00:00.000000Z", "mx a");
    check(&state, "Dec 31 23:59:58 mx late", "2025-12-31T23:59:58.000000Z", "mx late");
}

static void the_year_grows_with_the_lines(void **unused)
{
    (void)unused;
    struct timestamp_state state = {.hint = at("2024-03-01T00:00:00Z")};
    check(&state, "Feb 29 10:00:00 mx", "2024-02-29T10:00:00.000000Z", "mx");
    check(&state, "Jul 30 10:00:00 mx", "2024-07-30T10:00:00.000000Z", "mx");
    check(&state, "Jan 15 10:00:00 mx", "2025-01-15T10:00:00.000000Z", "mx");
}

static void what_is_no_stamp_is_left(void **unused)
{
    (void)unused;
    static const char *const rows[] = {"",
                                       "Nov",
                                       "Nov 32 08:00:01 x",
                                       "Nov  5 24:00:01 x",
                                       "2026-13-05T08:00:01Z",
                                       "@4000",
                                       "12345",
                                       "99999999999 x",
                                       "9999996199 x",
                                       "@800000000000000100000000 x",
                                       "@000000000000000000000000 x"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct timestamp_state state = {0};
        struct text line = text_of(rows[i]);
        moment result = 7;
        assert_false(timestamp_read(&line, &state, &result));
        assert_int_equal(result, 7);
        assert_int_equal(line.length, strlen(rows[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_form),
        cmocka_unit_test(the_year_is_that_of_the_last_change),
        cmocka_unit_test(the_year_grows_with_the_lines),
        cmocka_unit_test(what_is_no_stamp_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
