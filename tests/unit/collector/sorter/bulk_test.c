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

static void test_from_there_on_it_is_spam_and_says_how_many(void **unused)
{
    struct opinion opinion;
    const struct bulk_counts counts = {.body = {.recipients = 12, .steps = 1},
                                       .picture = {.recipients = 27, .steps = 2}};
    (void)unused;
    assert_true(bulk_opinion(&counts, &opinion));
    assert_true(opinion_is_spam(&opinion));
    assert_false(opinion.certain);
    assert_int_equal(opinion.score, 200);
    assert_int_equal(opinion.threshold, 100);
    assert_string_equal(opinion.symbols, "BODY_BULK(12) PICTURE_BULK(27)");
    assert_string_equal(opinion.action, "bulk");
}

static void test_what_is_no_bulk_is_not_named(void **unused)
{
    struct opinion opinion;
    const struct bulk_counts counts = {.body = {.recipients = 5}, .picture = {.recipients = 7, .steps = 1}};
    (void)unused;
    assert_true(bulk_opinion(&counts, &opinion));
    assert_string_equal(opinion.symbols, "PICTURE_BULK(7)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_below_the_first_step_it_has_none),
        cmocka_unit_test(test_from_there_on_it_is_spam_and_says_how_many),
        cmocka_unit_test(test_what_is_no_bulk_is_not_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
