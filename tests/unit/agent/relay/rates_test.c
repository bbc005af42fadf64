/* Rates: a window slides, so a burst over the turn of a minute is one burst. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/relay/rates.h"

#define NOW (1700000040 * SECOND) /* a minute begins */

static struct rates rates;
static const struct rate_use one = {1, 1};

static int begin(void **state)
{
    const struct siphash_key key = {{1, 2}};
    struct error error = {0};
    (void)state;
    return rates_create(&rates, 4, &key, &error);
}

static int end(void **state)
{
    (void)state;
    rates_clear(&rates);
    return 0;
}

static uint32_t wait_of(uint64_t mark, uint32_t messages_minute, moment now)
{
    const struct rate_limits limits = {.messages_minute = messages_minute};
    return rates_wait(&rates, mark, &limits, one, now);
}

static void count(uint64_t mark, int times, moment now)
{
    for (int i = 0; i < times; i++)
        rates_count(&rates, mark, one, now);
}

static void test_up_to_the_limit_there_is_no_wait(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(wait_of(1, 10, NOW), 0);
        count(1, 1, NOW);
    }
    assert_true(wait_of(1, 10, NOW) > 0);
    assert_int_equal(wait_of(2, 10, NOW), 0);
}

static void test_a_burst_over_the_turn_of_a_minute_is_one(void **state)
{
    (void)state;
    count(1, 10, NOW + 59 * SECOND);
    assert_true(wait_of(1, 10, NOW + 61 * SECOND) > 0);
    assert_int_equal(wait_of(1, 10, NOW + 2 * MINUTE), 0);
}

/* Whoever waits as long as it is told is let through, and not much sooner. */
static void test_the_wait_is_true(void **state)
{
    (void)state;
    for (uint32_t limit = 1; limit <= 20; limit++)
        for (int at = 0; at < 60; at += 7) {
            uint64_t mark = limit * 100 + (uint64_t)at;
            moment now = NOW + at * SECOND;
            count(mark, (int)limit, now);
            uint32_t wait = wait_of(mark, limit, now);
            assert_in_range(wait, 1, 120);
            assert_int_equal(wait_of(mark, limit, now + wait * SECOND), 0);
            assert_true(wait_of(mark, limit, now + (wait - 1) * SECOND) > 0);
        }
}

static void test_an_hour_is_longer_than_a_minute(void **state)
{
    const struct rate_limits limits = {.messages_hour = 5};
    (void)state;
    count(1, 5, NOW);
    assert_true(rates_wait(&rates, 1, &limits, one, NOW + 10 * MINUTE) > 0);
    assert_int_equal(rates_wait(&rates, 1, &limits, one, NOW + 2 * HOUR), 0);
}

static void test_more_than_the_limit_at_once_passes_an_empty_window(void **state)
{
    const struct rate_limits limits = {.recipients_minute = 10};
    const struct rate_use many = {1, 50};
    (void)state;
    assert_int_equal(rates_wait(&rates, 1, &limits, many, NOW), 0);
    rates_count(&rates, 1, many, NOW);
    assert_true(rates_wait(&rates, 1, &limits, one, NOW + 30 * SECOND) > 0);
}

static void test_no_limit_is_no_wait(void **state)
{
    const struct rate_limits none = {0};
    (void)state;
    count(1, 1000, NOW);
    assert_int_equal(rates_wait(&rates, 1, &none, one, NOW), 0);
    assert_false(rates_are_limited(&none));
}

static void test_a_clock_set_back_holds_nobody_for_long(void **state)
{
    (void)state;
    count(1, 10, NOW + DAY);
    assert_int_equal(wait_of(1, 10, NOW), 0);
}

static void test_the_one_that_was_quiet_longest_gives_way(void **state)
{
    (void)state;
    count(1, 10, NOW);
    count(2, 10, NOW);
    count(3, 10, NOW);
    count(1, 1, NOW);
    count(4, 10, NOW);
    count(5, 10, NOW); /* for 2 */
    assert_true(wait_of(1, 10, NOW) > 0);
    assert_int_equal(wait_of(2, 10, NOW), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(up_to_the_limit_there_is_no_wait),
        TEST(a_burst_over_the_turn_of_a_minute_is_one),
        TEST(the_wait_is_true),
        TEST(an_hour_is_longer_than_a_minute),
        TEST(more_than_the_limit_at_once_passes_an_empty_window),
        TEST(no_limit_is_no_wait),
        TEST(a_clock_set_back_holds_nobody_for_long),
        TEST(the_one_that_was_quiet_longest_gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
