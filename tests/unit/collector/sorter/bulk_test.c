/* What counts come to, as an opinion. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "collector/sorter/bulk.h"

static void test_below_the_first_step_it_has_none(void **unused)
{
    struct opinion opinion;
    const struct bulk_counts counts = {.body = {.recipients = 5}, .picture = {.recipients = 3}};
    (void)unused;
    assert_false(bulk_opinion(&counts, &opinion));
}

static void test_from_there_on_it_is_spam_and_says_what_and_how_many(void **unused)
{
    struct opinion opinion;
    const struct bulk_counts counts = {
        .body = {.recipients = 12, .steps = 1, .step = 6, .digest = "7f3a9c01d2e4f5a67f3a9c01d2e4f5a6"},
        .picture = {.recipients = 27, .steps = 2, .step = 20, .digest = "c3a5f00f12345678"}};
    (void)unused;
    assert_true(bulk_opinion(&counts, &opinion));
    assert_true(opinion_is_spam(&opinion));
    assert_false(opinion.certain);
    assert_int_equal(opinion.score, 125);
    assert_int_equal(opinion.threshold, 100);
    assert_string_equal(opinion.symbols, "BODY_BULK(6) body:7f3a9c01 PICTURE_BULK(20) picture:c3a5f00f");
    assert_string_equal(opinion.action, "bulk");
}

static void test_what_is_no_bulk_is_not_named(void **unused)
{
    struct opinion opinion;
    const struct bulk_counts counts = {
        .body = {.recipients = 5, .digest = "7f3a9c01d2e4f5a67f3a9c01d2e4f5a6"},
        .picture = {.recipients = 7, .steps = 1, .step = 6, .digest = "c3a5f00f12345678"}};
    (void)unused;
    assert_true(bulk_opinion(&counts, &opinion));
    assert_string_equal(opinion.symbols, "PICTURE_BULK(6) picture:c3a5f00f");
}

/* A node takes the same words with the same score for one opinion. */
static void test_of_one_text_the_same_is_said_until_the_next_step(void **unused)
{
    struct opinion one, other;
    struct bulk_counts counts = {
        .body = {.recipients = 12, .steps = 1, .step = 6, .digest = "7f3a9c01d2e4f5a67f3a9c01d2e4f5a6"}};
    (void)unused;
    assert_true(bulk_opinion(&counts, &one));
    counts.body.recipients = 19;
    assert_true(bulk_opinion(&counts, &other));
    assert_string_equal(one.symbols, other.symbols);
    assert_int_equal(one.score, other.score);
}

static void test_no_number_of_steps_counts_double(void **unused)
{
    struct opinion opinion;
    const struct bulk_counts counts = {.body = {.steps = 16, .step = 1000000}};
    (void)unused;
    assert_true(bulk_opinion(&counts, &opinion));
    assert_true(opinion.score < 2 * opinion.threshold);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_below_the_first_step_it_has_none),
        cmocka_unit_test(test_from_there_on_it_is_spam_and_says_what_and_how_many),
        cmocka_unit_test(test_what_is_no_bulk_is_not_named),
        cmocka_unit_test(test_of_one_text_the_same_is_said_until_the_next_step),
        cmocka_unit_test(test_no_number_of_steps_counts_double),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
