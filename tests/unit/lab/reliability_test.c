/* Samples weigh by sender and side; bins say what share of them were abusers, and what the points said. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "tests/lab/fit.h"
#include "tests/lab/reliability.h"

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-9)

static void test_a_sender_counts_once_and_the_sides_alike(void **unused)
{
    (void)unused;
    struct lab_snapshot busy[4] = {{.score = DECIBANS(1)}, {.score = 0}, {.score = 0}, {.score = 0}};
    struct lab_snapshot quiet[1] = {{.score = 0}};
    struct lab_snapshot turned[3] = {{.score = 0},
                                     {.score = DECIBANS(12), .accounts = {DECIBANS(12)}, .abusive = true},
                                     {.score = 1250, .accounts = {1250}, .abusive = true}};
    struct lab_sender senders[3] = {{.snapshots = busy, .snapshot_count = 4},
                                    {.snapshots = quiet, .snapshot_count = 1},
                                    {.snapshots = turned, .snapshot_count = 3, .abuser = true}};
    struct lab_result result = {.senders = senders, .count = 3};
    struct samples samples = {0};
    assert_true(samples_add(&samples, &result));
    assert_int_equal(samples.count, 8);
    assert_int_equal(samples.senders, 4); /* the last one is two: as it was before, and after */
    samples_balance(&samples);
    double sums[2] = {0}, by_sender[4] = {0};
    for (size_t i = 0; i < samples.count; i++) {
        sums[samples.items[i].abusive] += samples.items[i].weight;
        by_sender[samples.items[i].sender] += samples.items[i].weight;
    }
    NEAR(sums[0], 2);
    NEAR(sums[1], 2);
    NEAR(by_sender[0], by_sender[1]);
    NEAR(by_sender[0], by_sender[2]);
    NEAR(samples.items[7].score, 12.5);
    NEAR(samples.items[7].accounts[0], 12.5);
    samples_clear(&samples);
}

static void test_bins(void **unused)
{
    (void)unused;
    struct sample items[] = {
        {.score = 0, .weight = 1, .sender = 0},
        {.score = 2.49, .weight = 1, .sender = 1},
        {.score = 2.5, .weight = 1, .sender = 1},
        {.score = 10, .weight = 3, .sender = 2, .abusive = true},
        {.score = 10, .weight = 1, .sender = 3},
        {.score = 10, .weight = 0, .sender = 3},
        {.score = 300, .weight = 1, .sender = 2, .abusive = true},
    };
    struct samples samples = {.items = items, .count = 7, .senders = 4};
    struct reliability table;
    assert_true(reliability_measure(&samples, &table));
    NEAR(table.bins[0].weight, 2.0 / 8);
    assert_int_equal(table.bins[0].snapshots, 2);
    assert_int_equal(table.bins[0].senders, 2);
    assert_int_equal(table.bins[1].snapshots, 1);
    NEAR(table.bins[1].expected, fit_probability(2.5));
    assert_int_equal(table.bins[4].snapshots, 3);
    assert_int_equal(table.bins[4].senders, 2);
    NEAR(table.bins[4].abusive, 0.75);
    NEAR(table.bins[4].expected, 10.0 / 11);
    assert_int_equal(table.bins[7].snapshots, 1);
    assert_int_equal(table.bins[5].snapshots, 0);
    NEAR(table.bins[5].weight, 0);
    assert_true(isinf(table.bins[7].most));
}

static void test_error(void **unused)
{
    (void)unused;
    struct sample items[] = {
        {.score = 0, .weight = 1},                                 /* says 1/2, and is 0 */
        {.score = 10, .weight = 10, .sender = 1, .abusive = true}, /* says 10/11, and is */
        {.score = 10, .weight = 1, .sender = 2},
    };
    struct samples samples = {.items = items, .count = 3, .senders = 3};
    struct reliability table;
    assert_true(reliability_measure(&samples, &table));
    NEAR(table.error, 0.5 / 12);
    NEAR(table.error_of_evidence, 0);
    items[2].abusive = true;
    assert_true(reliability_measure(&samples, &table));
    NEAR(table.error_of_evidence, 1.0 / 11);
}

static void test_nothing_is_no_error(void **unused)
{
    (void)unused;
    struct samples samples = {0};
    struct reliability table;
    samples_balance(&samples);
    assert_true(reliability_measure(&samples, &table));
    NEAR(table.error, 0);
    NEAR(table.error_of_evidence, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sender_counts_once_and_the_sides_alike),
        cmocka_unit_test(test_bins),
        cmocka_unit_test(test_error),
        cmocka_unit_test(test_nothing_is_no_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
