/* How much JSON would be once it is read, told before it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/json_measure.h"

static void test_what_stands_in_quotes_is_one_value(void **unused)
{
    (void)unused;
    struct json_measure measure = json_measure(TEXT("{\"a\":\"[[[,,,{\\\"{[,\",\"b\":1}"));
    assert_int_equal(measure.depth, 1);
    assert_int_equal(measure.values, 3); /* the object, and two members */
}

static void test_depth_is_the_most_that_is_open_at_once(void **unused)
{
    (void)unused;
    assert_int_equal(json_measure(TEXT("[[],[[]],[]]")).depth, 3);
    assert_int_equal(json_measure(TEXT("]]]][")).depth, 1);
    assert_int_equal(json_measure(TEXT("")).depth, 0);
    assert_int_equal(json_measure((struct text){NULL, 0}).values, 1);
}

static void test_a_quote_or_backslash_at_the_end_is_the_end(void **unused)
{
    (void)unused;
    assert_int_equal(json_measure(TEXT("[\"")).depth, 1);
    assert_int_equal(json_measure(TEXT("[\"\\")).depth, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_stands_in_quotes_is_one_value),
        cmocka_unit_test(test_depth_is_the_most_that_is_open_at_once),
        cmocka_unit_test(test_a_quote_or_backslash_at_the_end_is_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
