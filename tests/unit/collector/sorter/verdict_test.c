/* What opinions come to, and whose turn it is to be asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "collector/sorter/verdict.h"

#define GIVEN(...)                                                                                                     \
    {                                                                                                                  \
        .known = true, .state = OPINION_GIVEN, __VA_ARGS__                                                             \
    }
#define WAITS(...)                                                                                                     \
    {                                                                                                                  \
        .known = true, .state = OPINION_WAITING, __VA_ARGS__                                                           \
    }
#define HAM  .score = 100, .threshold = 500
#define SPAM .score = 500, .threshold = 500
#define VERDICT(...)                                                                                                   \
    reckon((const struct verdict_row[]){__VA_ARGS__},                                                                  \
           sizeof((const struct verdict_row[]){__VA_ARGS__}) / sizeof(struct verdict_row))

static struct verdict reckon(const struct verdict_row *rows, size_t count)
{
    struct verdict verdict;
    verdict_reckon(rows, (uint32_t)count, &verdict);
    return verdict;
}

static void test_the_worst_that_any_says_stands(void **unused)
{
    (void)unused;
    assert_int_equal(VERDICT(GIVEN(HAM)).sorted, SORTED_HAM);
    assert_int_equal(VERDICT(GIVEN(HAM), GIVEN(SPAM)).sorted, SORTED_SPAM);
    assert_int_equal(VERDICT(GIVEN(HAM, .certain = true)).sorted, SORTED_SPAM);
    assert_int_equal(VERDICT(GIVEN(SPAM), GIVEN(.virus = true), GIVEN(HAM)).sorted, SORTED_VIRUS);
}

static void test_it_waits_only_while_nobody_has_a_verdict(void **unused)
{
    (void)unused;
    assert_int_equal(VERDICT(WAITS(.order = 0)).sorted, SORTED_WAITING);
    assert_int_equal(VERDICT(WAITS(.order = 0), GIVEN(.threshold = 0)).sorted, SORTED_WAITING); /* clamd's OK */
    assert_int_equal(VERDICT(WAITS(.order = 0), GIVEN(HAM)).sorted, SORTED_HAM);
    assert_int_equal(VERDICT({.known = true, .state = OPINION_OUT}).sorted, SORTED_WAITING);
}

static void test_unknown_where_there_will_be_none(void **unused)
{
    (void)unused;
    assert_int_equal(reckon(NULL, 0).sorted, SORTED_UNKNOWN);
    assert_int_equal(VERDICT({.known = true, .state = OPINION_NONE}, GIVEN(.threshold = 0)).sorted, SORTED_UNKNOWN);
    assert_int_equal(VERDICT({.known = false, .state = OPINION_WAITING}).sorted,
                     SORTED_UNKNOWN); /* that filter is gone */
}

static void test_few_copies_make_no_ham_and_many_make_spam(void **unused)
{
    (void)unused;
    assert_int_equal(VERDICT(GIVEN(.bulk = true, .score = 50, .threshold = 100)).sorted, SORTED_UNKNOWN);
    assert_int_equal(VERDICT(GIVEN(.bulk = true, .score = 200, .threshold = 100)).sorted, SORTED_SPAM);
}

static void test_the_score_is_the_highest_share_of_a_threshold(void **unused)
{
    (void)unused;
    assert_int_equal(VERDICT(GIVEN(.score = 150, .threshold = 600), GIVEN(.score = 400, .threshold = 500)).score, 80);
    assert_int_equal(VERDICT(GIVEN(.score = -300, .threshold = 500)).score, 0);
    assert_int_equal(VERDICT(GIVEN(.virus = true)).score, 100);
    assert_int_equal(VERDICT(GIVEN(.score = 1000000, .threshold = 1)).score, 1000000);
    assert_int_equal(VERDICT(WAITS(.score = 900, .threshold = 500)).score, 0);
}

static void test_a_higher_order_is_asked_once_the_lower_has_spoken(void **unused)
{
    (void)unused;
    struct verdict verdict = VERDICT(WAITS(.order = 1), WAITS(.order = 2, .parked = true));
    assert_int_equal(verdict.ask, 0);
    verdict = VERDICT(GIVEN(.order = 1, HAM), WAITS(.order = 2, .parked = true), WAITS(.order = 2, .parked = true),
                      WAITS(.order = 3, .parked = true));
    assert_int_equal(verdict.ask, 1 << 1 | 1 << 2);
    verdict = VERDICT(GIVEN(.order = 1, HAM), WAITS(.order = 2), WAITS(.order = 3, .parked = true));
    assert_int_equal(verdict.ask, 0);
    verdict = VERDICT({.known = true, .order = 1, .state = OPINION_OUT}, WAITS(.order = 2, .parked = true));
    assert_int_equal(verdict.ask, 0); /* it is at an appliance, which has its own time */
}

static void test_nobody_waits_for_one_that_does_not_answer(void **unused)
{
    (void)unused;
    struct verdict verdict = VERDICT(WAITS(.order = 1, .absent = true), WAITS(.order = 2, .parked = true));
    assert_int_equal(verdict.ask, 1 << 1);
    verdict = VERDICT({.known = true, .order = 1, .state = OPINION_NONE}, WAITS(.order = 2, .parked = true));
    assert_int_equal(verdict.ask, 1 << 1);
    verdict = VERDICT({.known = false, .order = 1, .state = OPINION_WAITING}, WAITS(.order = 2, .parked = true));
    assert_int_equal(verdict.ask, 1 << 1);
}

static void test_behind_spam_a_higher_order_need_not_be_asked(void **unused)
{
    (void)unused;
    struct verdict verdict = VERDICT(GIVEN(.order = 1, SPAM), WAITS(.order = 2, .parked = true), WAITS(.order = 1));
    assert_int_equal(verdict.ask, 0);
    assert_int_equal(verdict.spare, 1 << 1); /* but one of the same order is being asked already */
    verdict = VERDICT(GIVEN(.bulk = true, .score = 200, .threshold = 100), WAITS(.order = 2, .parked = true));
    assert_int_equal(verdict.spare, 0);
    assert_int_equal(verdict.ask, 1 << 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_worst_that_any_says_stands),
        cmocka_unit_test(test_it_waits_only_while_nobody_has_a_verdict),
        cmocka_unit_test(test_unknown_where_there_will_be_none),
        cmocka_unit_test(test_few_copies_make_no_ham_and_many_make_spam),
        cmocka_unit_test(test_the_score_is_the_highest_share_of_a_threshold),
        cmocka_unit_test(test_a_higher_order_is_asked_once_the_lower_has_spoken),
        cmocka_unit_test(test_nobody_waits_for_one_that_does_not_answer),
        cmocka_unit_test(test_behind_spam_a_higher_order_need_not_be_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
