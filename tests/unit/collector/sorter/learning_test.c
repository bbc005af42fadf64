/* When lessons are given, which messages are held back, and what statistics say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "collector/sorter/learning.h"

static bool is_time(const char *hours, int hour)
{
    return learning_is_time(hours, 20000 * DAY + hour * HOUR + 59 * MINUTE);
}

static void hours_are_of_the_day_and_go_over_midnight(void **state)
{
    (void)state;
    for (int hour = 0; hour < 24; hour++) {
        assert_true(is_time("any", hour));
        assert_int_equal(is_time("1-5", hour), hour >= 1 && hour < 5);
        assert_int_equal(is_time("22-6", hour), hour >= 22 || hour < 6);
        assert_int_equal(is_time("20-24", hour), hour >= 20);
    }
}

static void other_hours_are_refused(void **state)
{
    static const char *const good[] = {"any", "0-24", "1-5", "22-6", "23-0"};
    static const char *const bad[] = {"", "always", "5", "5-5", "25-3", "1-25", "-3", "1-2-3", "1:30-2"};
    struct learning_settings settings = {.rate = 1};
    struct option_binding binding = learning_bind(&settings);
    struct error error;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        snprintf(settings.hours, sizeof settings.hours, "%s", good[i]);
        assert_true(binding.check(&settings, &error));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(settings.hours, sizeof settings.hours, "%s", bad[i]);
        assert_false(binding.check(&settings, &error));
        assert_int_equal(strncmp(error.text, "hours: ", 7), 0);
    }
}

static void one_in_so_many_is_held_back_always_the_same(void **state)
{
    int held = 0;
    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        char digest[STORE_DIGEST];
        snprintf(digest, sizeof digest, "%08x%056x", i * 2654435761U, i);
        held += learning_is_held_back(digest, 10);
        assert_int_equal(learning_is_held_back(digest, 10), learning_is_held_back(digest, 10));
        assert_false(learning_is_held_back(digest, 0));
        assert_true(learning_is_held_back(digest, 1));
    }
    assert_in_range(held, 900, 1100);
}

static void statistics_are_read_from_symbols(void **state)
{
    static const struct {
        const char *symbols;
        enum store_bayes said;
    } cases[] = {{"", BAYES_SILENT},
                 {"GTUBE MISSING_DATE", BAYES_SILENT},
                 {"R_SPF BAYES_SPAM(5.1) X", BAYES_SAYS_SPAM},
                 {"BAYES_HAM", BAYES_SAYS_HAM},
                 {"BAYES_00", BAYES_SAYS_HAM},
                 {"BAYES_40", BAYES_SAYS_HAM},
                 {"BAYES_50", BAYES_SILENT},
                 {"BAYES_60", BAYES_SAYS_SPAM},
                 {"A BAYES_999 BAYES_99", BAYES_SAYS_SPAM},
                 {"BAYES_ BAYES NOT_BAYES_99", BAYES_SILENT}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(learning_bayes(text_of(cases[i].symbols)), cases[i].said);
}

static void who_fails_again_and_again_is_asked_more_seldom(void **state)
{
    (void)state;
    for (int64_t tries = 0; tries < 20; tries++) {
        assert_true(learning_pause(tries + 1) >= learning_pause(tries));
        assert_in_range(learning_pause(tries), SECOND, HOUR);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hours_are_of_the_day_and_go_over_midnight),
        cmocka_unit_test(other_hours_are_refused),
        cmocka_unit_test(one_in_so_many_is_held_back_always_the_same),
        cmocka_unit_test(statistics_are_read_from_symbols),
        cmocka_unit_test(who_fails_again_and_again_is_asked_more_seldom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
