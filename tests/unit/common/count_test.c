/* How many distinct values: exact up to 256, within 3 % beyond, the same number on every machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/count.h"
#include "common/siphash.h"

static uint64_t hash_of(uint64_t seed, uint64_t number)
{
    struct siphash_key key = {{seed, 1}};
    return siphash(&key, &number, sizeof number);
}

static struct count_pool *pool_of(uint32_t places)
{
    return count_pool_place(calloc(1, count_pool_memory(places)), places);
}

static void is_exact_up_to_256(void **state)
{
    (void)state;
    struct count_pool *pool = pool_of(1);
    struct count count = {0};
    assert_int_equal(count_value(pool, &count), 0);
    for (uint64_t i = 0; i < 256; i++) {
        count_add(pool, &count, hash_of(1, i));
        assert_int_equal(count_value(pool, &count), i + 1);
        for (uint64_t j = 0; j <= i; j += 1 + i / 8) { /* what is known counts no more */
            count_add(pool, &count, hash_of(1, j));
            assert_int_equal(count_value(pool, &count), i + 1);
        }
    }
    free(pool);
}

static void zero_and_all_ones_are_values_like_others(void **state)
{
    (void)state;
    struct count_pool *pool = pool_of(1);
    struct count count = {0};
    for (uint64_t i = 0; i < 20; i++) {
        count_add(pool, &count, 0);
        count_add(pool, &count, UINT64_MAX);
        count_add(pool, &count, i % 5);
    }
    assert_int_equal(count_value(pool, &count), 6);
    free(pool);
}

static void three_values_need_no_place(void **state)
{
    (void)state;
    struct count_pool *pool = pool_of(2);
    struct count counts[4] = {0};
    for (uint64_t i = 0; i < 4; i++)
        for (uint64_t j = 0; j < 3; j++)
            count_add(pool, &counts[i], j);
    assert_int_equal(count_pool_free(pool), 2);
    for (uint64_t i = 0; i < 4; i++)
        count_add(pool, &counts[i], 3);
    assert_int_equal(count_pool_free(pool), 0);
    assert_int_equal(count_value(pool, &counts[0]), 4);
    assert_int_equal(count_value(pool, &counts[3]), 3); /* the fourth value was lost, and that is counted */
    assert_int_equal(count_pool_refused(pool), 2);
    count_add(pool, &counts[3], 2); /* a known one is no loss */
    assert_int_equal(count_pool_refused(pool), 2);

    count_clear(pool, &counts[0]);
    assert_int_equal(count_value(pool, &counts[0]), 0);
    assert_int_equal(count_pool_free(pool), 1);
    count_add(pool, &counts[3], 3);
    assert_int_equal(count_value(pool, &counts[3]), 4); /* a place given back is clean */
    count_clear(pool, &counts[0]);                      /* clearing twice gives nothing back twice */
    assert_int_equal(count_pool_free(pool), 0);
    free(pool);
}

/* Few values take a small place, of which there are as many as places in all; where these are used up, a large one. */
static void small_counts_take_small_places(void **state)
{
    (void)state;
    enum { COUNTS = 14, PLACES = 8 };
    struct count_pool *pool = pool_of(PLACES); /* eight small, six large */
    struct count counts[COUNTS] = {0};
    for (int c = 0; c < COUNTS; c++)
        for (uint64_t i = 0; i < 48; i++)
            count_add(pool, &counts[c], hash_of((uint64_t)c, i));
    assert_int_equal(count_pool_free(pool), 0);
    assert_int_equal(count_pool_refused(pool), 0);
    /* No large one is left for the first: it takes what its own can hold, and what it loses is counted. */
    for (uint64_t i = 0; i < 70; i++)
        count_add(pool, &counts[0], hash_of(0, i));
    assert_int_equal(count_value(pool, &counts[0]), 64);
    assert_int_equal(count_pool_refused(pool), 6);
    /* Room again: it moves, and is exact from there on. */
    count_clear(pool, &counts[COUNTS - 1]);
    for (uint64_t i = 0; i < 256; i++)
        count_add(pool, &counts[0], hash_of(0, i));
    assert_int_equal(count_value(pool, &counts[0]), 256);
    for (int c = 1; c < COUNTS - 1; c++)
        assert_int_equal(count_value(pool, &counts[c]), 48);
    for (int c = 0; c < COUNTS; c++)
        count_clear(pool, &counts[c]);
    assert_int_equal(count_pool_free(pool), PLACES);
    free(pool);
}

static void the_standard_error_is_within_three_percent(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {257,  300,  400,  600,   1000,  2000,  3000,   4000,
                                     5000, 6000, 8000, 10000, 20000, 50000, 100000, 1000000};
    enum { SIZES = sizeof sizes / sizeof sizes[0] };
    struct count_pool *pool = pool_of(1);
    double squares[SIZES] = {0}, sums[SIZES] = {0};
    int seeds[SIZES] = {0};
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct count count = {0};
        size_t next = 0;
        /* Few seeds for the large sizes: the test must stay short. */
        uint64_t most = seed < 12 ? 1000000 : seed < 60 ? 100000 : 10000;
        for (uint64_t i = 0; i < most; i++) {
            count_add(pool, &count, hash_of(seed, i));
            if (i + 1 != sizes[next])
                continue;
            double error = ((double)count_value(pool, &count) - (double)sizes[next]) / (double)sizes[next];
            squares[next] += error * error;
            sums[next] += error;
            seeds[next++]++;
            assert_true(error < 0.12 && error > -0.12); /* five standard errors */
        }
        count_clear(pool, &count);
    }
    for (size_t i = 0; i < SIZES; i++) {
        double mean_square = squares[i] / seeds[i], mean = sums[i] / seeds[i];
        /* A handful of seeds scatters by itself: allow for it where there are few. */
        double most = seeds[i] >= 100 ? 0.03 : seeds[i] >= 40 ? 0.033 : 0.045;
        if (mean_square > most * most)
            fail_msg("%llu values: mean square error %g", (unsigned long long)sizes[i], mean_square);
        if (seeds[i] >= 100 && (mean > 0.006 || mean < -0.006))
            fail_msg("%llu values: estimates lean by %g", (unsigned long long)sizes[i], mean);
    }
    free(pool);
}

static void weak_hashes_are_counted_as_well(void **state)
{
    (void)state;
    struct count_pool *pool = pool_of(1);
    struct count count = {0};
    for (uint64_t i = 0; i < 100000; i++)
        count_add(pool, &count, i);
    uint64_t value = count_value(pool, &count);
    assert_true(value > 92000 && value < 108000);
    free(pool);
}

/* What a second implementation, in another language and in floating point, gives for the same values. */
static void every_machine_prints_the_same(void **state)
{
    (void)state;
    struct count_pool *pool = pool_of(1);
    struct count count = {0};
    static const struct {
        uint64_t values, want;
    } rows[] = {{257, 260}, {1000, 1006}, {5000, 4989}, {100000, 100597}};
    uint64_t i = 0;
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        for (; i < rows[row].values; i++)
            count_add(pool, &count, hash_of(1, i));
        assert_int_equal(count_value(pool, &count), rows[row].want);
    }
    free(pool);
}

static void order_and_repetition_do_not_matter(void **state)
{
    (void)state;
    struct count_pool *pool = pool_of(2);
    struct count up = {0}, down = {0};
    for (uint64_t i = 0; i < 3000; i++) {
        count_add(pool, &up, hash_of(3, i));
        count_add(pool, &down, hash_of(3, 2999 - i));
        count_add(pool, &down, hash_of(3, 2999 - i / 2));
    }
    assert_int_equal(count_value(pool, &up), count_value(pool, &down));
    free(pool);
}

static void is_found_again_in_shared_memory(void **state)
{
    (void)state;
    size_t size = count_pool_memory(4);
    void *memory = calloc(1, size), *elsewhere = malloc(size);
    assert_null(count_pool_adopt(memory, size, 4));
    struct count_pool *pool = count_pool_place(memory, 4);
    struct count counts[3] = {0};
    for (int c = 0; c < 3; c++)
        for (uint64_t i = 0; i < 1000; i++)
            count_add(pool, &counts[c], hash_of(4, i));
    uint64_t value = count_value(pool, &counts[0]);
    count_clear(pool, &counts[1]);
    memcpy(elsewhere, memory, size);
    free(memory);
    assert_null(count_pool_adopt(elsewhere, size - 1, 4));
    assert_null(count_pool_adopt(elsewhere, size, 3));
    pool = count_pool_adopt(elsewhere, size, 4);
    assert_non_null(pool);
    assert_int_equal(count_pool_free(pool), 2);
    assert_int_equal(count_value(pool, &counts[0]), value);
    for (uint64_t i = 0; i < 1000; i++)
        count_add(pool, &counts[0], hash_of(4, i));
    assert_int_equal(count_value(pool, &counts[0]), value);
    free(elsewhere);
}

static void hostile_memory_is_refused_or_harmless(void **state)
{
    (void)state;
    srandom(7);
    size_t size = count_pool_memory(5);
    uint32_t *memory = malloc(size);
    for (int round = 0; round < 5000; round++) {
        memset(memory, 0, size);
        struct count_pool *pool = count_pool_place(memory, 5);
        struct count counts[4] = {0};
        for (int c = 0; c < 4; c++)
            for (uint64_t i = 0; i < (c % 2 ? 10 : 400); i++)
                count_add(pool, &counts[c], hash_of(5, i));
        count_clear(pool, &counts[0]);
        count_clear(pool, &counts[1]);
        for (int i = 0; i < 3; i++) {
            size_t word = (size_t)random() % 2 ? 2 + (size_t)random() % 8 : (size_t)random() % (size / 4);
            memory[word] = random() % 2 ? (uint32_t)random() % 8 : (uint32_t)random() * 2;
            uint32_t *held = (uint32_t *)&counts[random() % 4];
            held[(size_t)random() % (sizeof counts[0] / 4)] = random() % 2 ? UINT32_MAX : (uint32_t)random() % 300;
        }
        pool = count_pool_adopt(memory, size, 5);
        if (!pool)
            continue;
        for (int c = 0; c < 4; c++) {
            for (uint64_t i = 0; i < 300; i++)
                count_add(pool, &counts[c], hash_of(6, i));
            count_value(pool, &counts[c]);
            count_clear(pool, &counts[c]);
        }
    }
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_exact_up_to_256),
        cmocka_unit_test(zero_and_all_ones_are_values_like_others),
        cmocka_unit_test(three_values_need_no_place),
        cmocka_unit_test(small_counts_take_small_places),
        cmocka_unit_test(the_standard_error_is_within_three_percent),
        cmocka_unit_test(weak_hashes_are_counted_as_well),
        cmocka_unit_test(every_machine_prints_the_same),
        cmocka_unit_test(order_and_repetition_do_not_matter),
        cmocka_unit_test(is_found_again_in_shared_memory),
        cmocka_unit_test(hostile_memory_is_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
