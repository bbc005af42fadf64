/* The fit finds weights that are known because the data was drawn with them, and tells a useless detector. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/lab/fit.h"

static uint64_t seed;
static double chance(void) /* 0..1 */
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(seed >> 11) / 9007199254740992.0;
}

/* Senders drawn at random, whose truth is then drawn with the odds that these weights give. Accounts lie on both sides
 * of zero, so that both sides of truth come out alike in number and balancing changes nothing. */
static void draw(struct samples *samples, const double *weights, size_t detectors, size_t count)
{
    *samples =
        (struct samples){.items = calloc(count, sizeof *samples->items), .count = count, .senders = (uint32_t)count};
    assert_non_null(samples->items);
    for (size_t i = 0; i < count; i++) {
        struct sample *sample = &samples->items[i];
        double score = 0;
        for (size_t d = 0; d < detectors; d++) {
            sample->accounts[d] = 24 * chance() - 12;
            score += weights[d] * sample->accounts[d];
        }
        sample->sender = (uint32_t)i;
        sample->weight = 1;
        sample->abusive = chance() < fit_probability(score);
    }
    samples_balance(samples);
}

static void test_probability_of_points(void **unused)
{
    (void)unused;
    assert_true(fabs(fit_probability(0) - 0.5) < 1e-12);
    assert_true(fabs(fit_probability(10) - 10.0 / 11) < 1e-12);
    assert_true(fabs(fit_probability(20) - 100.0 / 101) < 1e-12);
}

static void test_known_weights_come_out(void **unused)
{
    (void)unused;
    static const double truth[] = {1, 0.5, 2, 1.4};
    double found[4];
    struct samples samples;
    seed = 11;
    draw(&samples, truth, 4, 40000);
    assert_true(fit_weights(&samples, 4, FIT_RIDGE, found));
    for (size_t d = 0; d < 4; d++)
        assert_true(fabs(found[d] - truth[d]) < 0.08);
    samples_clear(&samples);
}

static void test_useless_and_backward_detectors_get_the_least(void **unused)
{
    (void)unused;
    static const double useless[] = {1, 0}, backward[] = {1, -1};
    double found[2];
    struct samples samples;
    seed = 12;
    draw(&samples, useless, 2, 40000);
    assert_true(fit_weights(&samples, 2, FIT_RIDGE, found));
    assert_true(fabs(found[0] - 1) < 0.1);
    assert_true(found[1] < FIT_LEAST + 0.03);
    samples_clear(&samples);
    draw(&samples, backward, 2, 40000);
    assert_true(fit_weights(&samples, 2, FIT_RIDGE, found));
    assert_true(found[1] == FIT_LEAST);
    samples_clear(&samples);
}

static void test_what_is_certain_stops_at_the_most(void **unused)
{
    (void)unused;
    struct sample items[2000] = {0};
    struct samples samples = {.items = items, .count = 2000, .senders = 2000};
    for (size_t i = 0; i < 2000; i++) {
        items[i] = (struct sample){.weight = 1, .sender = (uint32_t)i, .abusive = i % 2};
        items[i].accounts[0] = i % 2 ? 3 : 0; /* never wrong, and too modest */
    }
    double found;
    assert_true(fit_weights(&samples, 1, FIT_RIDGE, &found));
    assert_true(found == FIT_MOST);
}

static void test_silence_and_few_senders_stay_at_one(void **unused)
{
    (void)unused;
    struct sample items[2] = {{.weight = 1, .abusive = true}, {.weight = 1, .sender = 1}};
    struct samples samples = {.items = items, .count = 2, .senders = 2};
    double found[2];
    items[0].accounts[0] = 1; /* one weak word of one sender */
    assert_true(fit_weights(&samples, 2, FIT_RIDGE, found));
    assert_true(fabs(found[0] - 1) < 0.2);
    assert_true(found[1] == 1);
}

static void test_same_samples_same_weights(void **unused)
{
    (void)unused;
    static const double truth[] = {0.7, 1.9};
    double first[2], second[2];
    struct samples samples;
    seed = 13;
    draw(&samples, truth, 2, 5000);
    assert_true(fit_weights(&samples, 2, FIT_RIDGE, first));
    assert_true(fit_weights(&samples, 2, FIT_RIDGE, second));
    assert_memory_equal(first, second, sizeof first);
    samples_clear(&samples);
}

/* Strong evidence that is all on one side makes the loss nearly straight, where Newton alone would swing for ever. */
static void test_strong_evidence_comes_to_rest(void **unused)
{
    (void)unused;
    struct sample items[1000] = {0};
    struct samples samples = {.items = items, .count = 1000, .senders = 1000};
    for (size_t i = 0; i < 1000; i++) {
        items[i] = (struct sample){.weight = 1, .sender = (uint32_t)i, .abusive = i % 10 != 0};
        items[i].accounts[0] = 60; /* says a million to one; nine to one is true */
    }
    double found;
    assert_true(fit_weights(&samples, 1, 0.001, &found));
    assert_true(fabs(found - 10 * log10(9) / 60) < 0.001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probability_of_points),
        cmocka_unit_test(test_known_weights_come_out),
        cmocka_unit_test(test_useless_and_backward_detectors_get_the_least),
        cmocka_unit_test(test_what_is_certain_stops_at_the_most),
        cmocka_unit_test(test_silence_and_few_senders_stay_at_one),
        cmocka_unit_test(test_same_samples_same_weights),
        cmocka_unit_test(test_strong_evidence_comes_to_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
