/* Points that fade, in integers: close to the real 2^-t, never growing, the same whatever the steps. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "agent/judge/score.h"

static uint64_t seed = 7;
static uint64_t random_number(uint64_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (seed >> 20) % below;
}

static void test_known_values(void **unused)
{
    (void)unused;
    static const struct {
        points given;
        duration elapsed, half_life;
        points want;
    } rows[] = {
        {2000, 0, HOUR, 2000},           {2000, HOUR, HOUR, 1000},          {2000, 2 * HOUR, HOUR, 500},
        {2000, 30 * MINUTE, HOUR, 1414}, {1, HOUR, HOUR, 1} /* half, up */, {1, HOUR + SECOND, HOUR, 0},
        {10000, DAY, HOUR, 0},           {2000, -HOUR, HOUR, 2000},         {10000, 10 * 365 * DAY, MINUTE, 0},
        {10000, 1, HOUR, 10000},         {10000, 30 * DAY, 30 * DAY, 5000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(
            weight_points(weight_fade((weight)rows[i].given * WEIGHT_ONE, rows[i].elapsed, rows[i].half_life)),
            rows[i].want);
}

/* The table's numbers are the same everywhere: a sum over many of them, once. */
static void test_every_machine_agrees(void **unused)
{
    (void)unused;
    uint64_t sum = 0;
    for (int i = 0; i < 100000; i++)
        sum = sum * 31 + (uint64_t)weight_fade(1 << 30, i * (HOUR / 20000) + i, HOUR);
    assert_int_equal(sum, UINT64_C(0x964705a726fdb75f));
}

static void test_close_to_the_real_thing(void **unused)
{
    (void)unused;
    for (int i = 0; i < 100000; i++) {
        weight amount = (weight)random_number(1 << 30);
        duration half_life = MINUTE + (duration)random_number(30 * DAY);
        duration elapsed = (duration)random_number((uint64_t)half_life * 20);
        double real = (double)amount * exp2(-(double)elapsed / (double)half_life);
        assert_true(fabs((double)weight_fade(amount, elapsed, half_life) - real) <= 1.5);
    }
}

static void test_never_grows_with_time(void **unused)
{
    (void)unused;
    for (int i = 0; i < 200000; i++) {
        weight amount = (weight)random_number(1 << 30);
        duration elapsed = (duration)random_number(10 * HOUR), more = (duration)random_number(SECOND);
        assert_true(weight_fade(amount, elapsed + more, HOUR) <= weight_fade(amount, elapsed, HOUR) + 1);
        assert_true(weight_fade(amount, elapsed, HOUR) >= 0);
    }
}

static void test_an_account_has_floor_and_ceiling(void **unused)
{
    (void)unused;
    struct account account = {0};
    assert_int_equal(account_add(&account, 700, 1000000, 1000, 0, HOUR), 700);
    assert_int_equal(account_add(&account, 700, 1000000, 1000, 0, HOUR), 300);
    assert_int_equal(account_add(&account, -400, 1000000, 1000, 0, HOUR), -400);
    assert_int_equal(account_add(&account, -4000, 1000000, 1000, 0, HOUR), -600);
    assert_int_equal(account_add(&account, 100, 2500000, 1000, HOUR, HOUR), 250);
    assert_int_equal(account_add(&account, 100, 0, 1000, HOUR, HOUR), 0);
    assert_int_equal(account.added, HOUR);
}

static void test_a_lowered_ceiling_takes_nothing_back_at_once(void **unused)
{
    (void)unused;
    struct account account = {0};
    account_add(&account, 3000, 1000000, 3000, 0, HOUR);
    assert_int_equal(account_add(&account, 500, 1000000, 1000, 0, HOUR), 0);
    assert_int_equal(weight_points(account_at(&account, HOUR, HOUR)), 1500);
}

/* What arrives out of order neither fades nor is lost. */
static void test_time_that_goes_back(void **unused)
{
    (void)unused;
    struct account account = {0};
    account_add(&account, 1000, 1000000, 10000, 2 * HOUR, HOUR);
    assert_int_equal(account_add(&account, 1000, 1000000, 10000, HOUR, HOUR), 1000);
    assert_int_equal(weight_points(account_at(&account, HOUR, HOUR)), 2000);
    assert_int_equal(weight_points(account_at(&account, 3 * HOUR, HOUR)), 1000);
}

/* A thousand small additions come to what they are: nothing is lost to rounding at every step. */
static void test_many_small_additions(void **unused)
{
    (void)unused;
    struct account account = {0};
    double real = 0;
    for (int i = 0; i < 1000; i++) {
        account_add(&account, 3, 1000000, 100000, i * SECOND, HOUR);
        real = real * exp2(-1.0 / 3600) + 3;
    }
    points got = weight_points(account_at(&account, 999 * SECOND, HOUR));
    assert_true(fabs(got - real) <= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_every_machine_agrees),
        cmocka_unit_test(test_close_to_the_real_thing),
        cmocka_unit_test(test_never_grows_with_time),
        cmocka_unit_test(test_an_account_has_floor_and_ceiling),
        cmocka_unit_test(test_a_lowered_ceiling_takes_nothing_back_at_once),
        cmocka_unit_test(test_time_that_goes_back),
        cmocka_unit_test(test_many_small_additions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
