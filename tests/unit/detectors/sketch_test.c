/* A sketch of 256 bits: nearly exact below ten, within a tenth up to some hundreds, aged by halves. */
#include "tests/unit/detectors/recorder.h"
#include "detectors/recent.h"
#include "detectors/sketch.h"

static void add(struct sketch *sketch, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        char name[32];
        snprintf(name, sizeof name, "host%u.example", i);
        sketch_add(sketch, recent_hash(text_of(name)));
    }
}

static void counts(void **state)
{
    (void)state;
    static const uint32_t numbers[] = {0, 1, 2, 5, 10, 20, 40, 80, 160, 320, 500};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        double square = 0;
        for (uint32_t run = 0; run < 100; run++) {
            struct sketch sketch = {0};
            add(&sketch, run * 1000, run * 1000 + numbers[i]);
            double off = (double)sketch_count(&sketch) - numbers[i];
            square += off * off;
        }
        if (sqrt(square / 100) > 0.1 * numbers[i] && sqrt(square / 100) > 0.3)
            fail_msg("%u: off by %f", numbers[i], sqrt(square / 100));
    }
}

/* The most likely number of things is the sum of what each bit took: 256/z where z bits were still zero. */
static void likeliest(void **state)
{
    (void)state;
    struct sketch sketch = {0};
    uint32_t sum = 0; /* in parts of 1,024 */
    for (uint32_t bits = 0; bits < 256; bits++) {
        assert_int_equal(sketch_count(&sketch), (sum + 512) / 1024);
        sketch_add(&sketch, bits);
        sum += 256 * 1024 / (256 - bits);
    }
    assert_int_equal(sketch_count(&sketch), (sum + 512) / 1024);
}

static void twice(void **state)
{
    (void)state;
    struct sketch sketch = {0};
    assert_true(sketch_add(&sketch, 7));
    assert_false(sketch_add(&sketch, 7));
    sketch_age(&sketch, 1);
    assert_false(sketch_add(&sketch, 7));
    sketch_age(&sketch, 2);
    assert_true(sketch_add(&sketch, 7));
}

static void ages(void **state)
{
    (void)state;
    struct sketch sketch = {0};
    add(&sketch, 0, 40);
    uint32_t all = sketch_count(&sketch);
    sketch_age(&sketch, 0);
    assert_int_equal(sketch_count(&sketch), all);
    sketch_age(&sketch, 1);
    assert_int_equal(sketch_count(&sketch), all);
    add(&sketch, 100, 110);
    assert_in_range(sketch_count(&sketch), all + 7, all + 13);
    sketch_age(&sketch, 1);
    assert_in_range(sketch_count(&sketch), 8, 12);
    sketch_age(&sketch, 1);
    assert_int_equal(sketch_count(&sketch), 0);
}

static void full(void **state)
{
    (void)state;
    struct sketch sketch = {0};
    add(&sketch, 0, 100000);
    assert_in_range(sketch_count(&sketch), 1400, 1700);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(counts), cmocka_unit_test(likeliest), cmocka_unit_test(twice),
                                       cmocka_unit_test(ages), cmocka_unit_test(full)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
