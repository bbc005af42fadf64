/* Percentiles by nearest rank: a figure that is printed is one that was measured. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "tests/lab/figures.h"

static void add(struct figures *figures, uint64_t value)
{
    assert_true(figures_add(figures, value));
}

static void test_nothing_is_zero(void **unused)
{
    (void)unused;
    struct figures figures = {0};
    assert_int_equal(figures_percentile(&figures, 0.5), 0);
    figures_clear(&figures);
}

static void test_one_value_is_all_of_them(void **unused)
{
    (void)unused;
    struct figures figures = {0};
    add(&figures, 7);
    assert_int_equal(figures_percentile(&figures, 0.01), 7);
    assert_int_equal(figures_percentile(&figures, 0.5), 7);
    assert_int_equal(figures_percentile(&figures, 1), 7);
    figures_clear(&figures);
}

static void test_nearest_rank(void **unused)
{
    (void)unused;
    struct figures figures = {0};
    for (uint64_t i = 20; i >= 1; i--)
        add(&figures, i);
    assert_int_equal(figures_percentile(&figures, 0.5), 10);
    assert_int_equal(figures_percentile(&figures, 0.95), 19); /* not 20, whatever 0.95 is in binary */
    assert_int_equal(figures_percentile(&figures, 0.951), 20);
    assert_int_equal(figures_percentile(&figures, 1), 20);
    add(&figures, 0); /* after it was sorted once */
    assert_int_equal(figures_percentile(&figures, 0.5), 10);
    assert_int_equal(figures_percentile(&figures, 0.01), 0);
    figures_clear(&figures);
}

static void test_many_grow(void **unused)
{
    (void)unused;
    struct figures figures = {0};
    for (uint64_t i = 0; i < 10001; i++)
        add(&figures, i * 7919 % 10001); /* each of 0..10000 once */
    assert_int_equal(figures_percentile(&figures, 0.5), 5000);
    assert_int_equal(figures_percentile(&figures, 0.95), 9500);
    figures_clear(&figures);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_zero),
        cmocka_unit_test(test_one_value_is_all_of_them),
        cmocka_unit_test(test_nearest_rank),
        cmocka_unit_test(test_many_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
