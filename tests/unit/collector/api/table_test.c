/* The table of endpoints, as its readers take it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "collector/api/endpoint.h"

static void test_each_parameter_is_a_name_and_what_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < endpoint_count; i++)
        for (size_t p = 0; endpoints[i].parameters[p]; p++) {
            const char *colon = strstr(endpoints[i].parameters[p], ": ");
            if (colon == NULL || colon == endpoints[i].parameters[p])
                fail_msg("%s %s: parameter \"%s\"", endpoints[i].method, endpoints[i].path, endpoints[i].parameters[p]);
        }
}

static void test_what_stands_for_any_word_stands_behind_what_is_more_exact(void **state)
{
    (void)state;
    for (size_t i = 0; i < endpoint_count; i++) {
        struct text target;
        bool known;
        assert_ptr_equal(endpoint_find(endpoints[i].method, endpoints[i].path, &target, &known), &endpoints[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_parameter_is_a_name_and_what_it_is),
        cmocka_unit_test(test_what_stands_for_any_word_stands_behind_what_is_more_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
