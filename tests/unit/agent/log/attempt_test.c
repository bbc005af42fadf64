/* Deliveries under way: what was started under a number is what ends under it, once, and only in the same log. */
#include "agent/log/attempt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct attempts *made(uint32_t places)
{
    const struct siphash_key key = {{1, 2}};
    struct error error = {0};
    struct attempts *attempts = attempts_create(places, &key, &error);
    assert_non_null(attempts);
    return attempts;
}

static void expect(const struct attempt *attempt, const char *queue, const char *to, bool here)
{
    assert_true(text_equals((struct text){attempt->queue, attempt->queue_length}, text_of(queue)));
    assert_true(text_equals((struct text){attempt->to, attempt->to_length}, text_of(to)));
    assert_int_equal(attempt->here, here);
}

static void what_was_started_ends_once(void **unused)
{
    (void)unused;
    struct attempts *attempts = made(8);
    struct attempt result;
    attempts_start(attempts, 1, TEXT("4"), TEXT("53"), TEXT("bo@far.test"), false);
    attempts_start(attempts, 1, TEXT("5"), TEXT("53"), TEXT("al@firm.test"), true);
    assert_true(attempts_end(attempts, 1, TEXT("5"), &result));
    expect(&result, "53", "al@firm.test", true);
    assert_true(attempts_end(attempts, 1, TEXT("4"), &result));
    expect(&result, "53", "bo@far.test", false);
    assert_false(attempts_end(attempts, 1, TEXT("4"), &result));
    attempts_destroy(&attempts);
    assert_null(attempts);
}

static void a_number_is_one_log_s(void **unused)
{
    (void)unused;
    struct attempts *attempts = made(8);
    struct attempt result;
    attempts_start(attempts, 1, TEXT("4"), TEXT("53"), TEXT("bo@far.test"), false);
    attempts_start(attempts, 2, TEXT("4"), TEXT("99"), TEXT("cy@far.test"), false);
    assert_false(attempts_end(attempts, 3, TEXT("4"), &result));
    assert_true(attempts_end(attempts, 2, TEXT("4"), &result));
    expect(&result, "99", "cy@far.test", false);
    assert_true(attempts_end(attempts, 1, TEXT("4"), &result));
    expect(&result, "53", "bo@far.test", false);
    attempts_destroy(&attempts);
}

static void the_last_under_a_number_is_meant(void **unused)
{
    (void)unused;
    struct attempts *attempts = made(8);
    struct attempt result;
    attempts_start(attempts, 1, TEXT("4"), TEXT("longer-than-the-next"), TEXT("somebody@far.test"), true);
    attempts_start(attempts, 1, TEXT("4"), TEXT("54"), TEXT("cy@far.test"), false);
    assert_true(attempts_end(attempts, 1, TEXT("4"), &result));
    expect(&result, "54", "cy@far.test", false);
    assert_false(attempts_end(attempts, 1, TEXT("4"), &result));
    attempts_destroy(&attempts);
}

static void the_first_gives_way_when_all_places_are_taken(void **unused)
{
    (void)unused;
    enum { PLACES = 8, MORE = 3 };
    struct attempts *attempts = made(PLACES);
    struct attempt result;
    char number[16];
    for (int i = 0; i < PLACES + MORE; i++) {
        snprintf(number, sizeof number, "%d", i);
        attempts_start(attempts, 1, text_of(number), TEXT("53"), TEXT("bo@far.test"), false);
    }
    for (int i = 0; i < PLACES + MORE; i++) {
        snprintf(number, sizeof number, "%d", i);
        assert_int_equal(attempts_end(attempts, 1, text_of(number), &result), i >= MORE);
    }
    attempts_destroy(&attempts);
}

static void texts_are_cut_and_long_numbers_are_none(void **unused)
{
    (void)unused;
    struct attempts *attempts = made(8);
    struct attempt result;
    char text[600];
    memset(text, 'x', sizeof text);
    struct text all = {text, sizeof text};
    attempts_start(attempts, 1, TEXT("4"), all, all, false);
    assert_true(attempts_end(attempts, 1, TEXT("4"), &result));
    assert_int_equal(result.queue_length, ATTEMPT_QUEUE);
    assert_int_equal(result.to_length, ATTEMPT_TO);
    struct text longest = {text, 24}, too_long = {text, 25};
    attempts_start(attempts, 1, longest, TEXT("53"), TEXT("bo@far.test"), false);
    attempts_start(attempts, 1, too_long, TEXT("54"), TEXT("bo@far.test"), false);
    attempts_start(attempts, 1, (struct text){0}, TEXT("55"), TEXT("bo@far.test"), false);
    assert_false(attempts_end(attempts, 1, too_long, &result));
    assert_false(attempts_end(attempts, 1, (struct text){0}, &result));
    assert_true(attempts_end(attempts, 1, longest, &result));
    expect(&result, "53", "bo@far.test", false);
    attempts_destroy(&attempts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_started_ends_once),
        cmocka_unit_test(a_number_is_one_log_s),
        cmocka_unit_test(the_last_under_a_number_is_meant),
        cmocka_unit_test(the_first_gives_way_when_all_places_are_taken),
        cmocka_unit_test(texts_are_cut_and_long_numbers_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
