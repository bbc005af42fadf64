/* A ratio in hundredths of decibans is what ten times its decimal logarithm says. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "detectors/ratio.h"

static const struct {
    const char *name;
    uint64_t more, less;
    points want;
} rows[] = {
    {"even odds", 7, 7, 0},
    {"ten to one", 10, 1, 1000},
    {"one to ten", 1, 10, -1000},
    {"a hundred to one", 1000000, 10000, 2000},
    {"two to one", 2, 1, 301},
    {"0.5 to 0.15", 500000, 150000, 523},
    {"0.5 to 0.85", 500000, 850000, -230},
    {"0.99 to 0.0001", 990000, 100, 3996},
    {"nothing counts as one", 0, 10, -1000},
    {"the widest", UINT64_MAX, 1, 19266},
};

static void known(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (ratio_points(rows[i].more, rows[i].less) != rows[i].want)
            fail_msg("%s: %d, not %d", rows[i].name, ratio_points(rows[i].more, rows[i].less), rows[i].want);
}

static void law(void **state)
{
    (void)state;
    for (uint64_t more = 1; more < 2000000; more += more / 7 + 1) {
        for (uint64_t less = 1; less < 2000000; less += less / 5 + 1) {
            double want = 1000 * log10((double)more / (double)less);
            if (fabs(ratio_points(more, less) - want) > 0.502)
                fail_msg("%lu:%lu is %f, not %d", more, less, want, ratio_points(more, less));
            assert_int_equal(ratio_points(more, less), -ratio_points(less, more));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known), cmocka_unit_test(law)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
