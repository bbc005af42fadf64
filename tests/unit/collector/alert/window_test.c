/* Times of the week, as people write them. */
#include "collector/alert/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static bool open_at(const char *windows, uint32_t weekday, uint32_t hour, uint32_t minute)
{
    const struct wall wall = {.weekday = weekday, .minute = hour * 60 + minute};
    return windows_are_open(text_of(windows), &wall);
}

static void test_days_and_times(void **unused)
{
    (void)unused;
    assert_true(open_at("Mon-Fri 08:00-18:00", 0, 8, 0));
    assert_true(open_at("Mon-Fri 08:00-18:00", 4, 17, 59));
    assert_false(open_at("Mon-Fri 08:00-18:00", 4, 18, 0));
    assert_false(open_at("Mon-Fri 08:00-18:00", 5, 12, 0));
    assert_true(open_at("mon-fri 08:00-18:00,  Sat 09:00-12:00", 5, 9, 0));
    assert_true(open_at("Fri-Mon 00:00-24:00", 6, 23, 59));
    assert_false(open_at("Fri-Mon 00:00-24:00", 1, 0, 0));
    assert_true(open_at("12:00-13:00", 3, 12, 30));
    assert_false(open_at("", 3, 12, 30));
}

static void test_over_midnight(void **unused)
{
    (void)unused;
    assert_true(open_at("Sun 22:00-02:00", 6, 23, 0));
    assert_true(open_at("Sun 22:00-02:00", 0, 1, 59)); /* Monday, but of Sunday's window */
    assert_false(open_at("Sun 22:00-02:00", 0, 2, 0));
    assert_false(open_at("Sun 22:00-02:00", 6, 1, 0));
    assert_true(open_at("22:00-06:00", 2, 5, 0));
}

static void test_what_is_none(void **unused)
{
    static const char *const wrong[] = {"always",
                                        "Mon",
                                        "Mon 8:00-9:00",
                                        "Mon 08:00",
                                        "Mon 08:00-08:00",
                                        "Mon-Xyz 08:00-09:00",
                                        "Mon- 08:00-09:00",
                                        "25:00-26:00",
                                        "08:60-09:00",
                                        "24:00-01:00",
                                        "Mon 08:00-09:00 Tue 08:00-09:00"};
    struct error error;
    (void)unused;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (windows_check(text_of(wrong[i]), &error) == 0)
            fail_msg("\"%s\" was taken", wrong[i]);
    assert_int_equal(windows_check(TEXT("Sun 02:00-04:00, , 22:00-23:30"), &error), 0);
    assert_int_equal(windows_check(TEXT(""), &error), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_days_and_times), cmocka_unit_test(test_over_midnight),
                                       cmocka_unit_test(test_what_is_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
