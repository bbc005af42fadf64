/* A hash table with a fixed number of places in which the oldest gives way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>
#include "common/table.h"

struct key {
    uint32_t number;
    uint8_t rest[8];
};

struct value {
    uint64_t number;
    char text[9]; /* an odd size */
};

static struct table_shape shape_of(uint32_t places)
{
    return (struct table_shape){places, sizeof(struct key), sizeof(struct value), {{1, 2}}};
}

static struct key key_of(uint32_t number)
{
    return (struct key){number, "key"};
}

static struct value *add(struct table *table, uint32_t number, bool *added)
{
    struct key key = key_of(number);
    struct value *value = table_add(table, &key, added, NULL, NULL);
    assert_int_equal((uintptr_t)value % 8, 0);
    if (*added) {
        assert_int_equal(value->number, 0);
        value->number = number;
    }
    assert_int_equal(value->number, number);
    return value;
}

static void finds_what_was_added_and_nothing_else(void **state)
{
    (void)state;
    struct table_shape shape = shape_of(1000);
    void *memory = calloc(1, table_memory(&shape));
    struct table *table = table_place(memory, &shape);
    bool added;
    for (uint32_t i = 0; i < 1000; i++) {
        add(table, i, &added);
        assert_true(added);
    }
    for (uint32_t i = 0; i < 1000; i++) {
        struct key key = key_of(i);
        struct value *value = table_find(table, &key);
        assert_non_null(value);
        assert_int_equal(value->number, i);
        assert_memory_equal(table_key(table, value), &key, sizeof key);
        assert_ptr_equal(table_at(table, table_index(table, value)), value);
        add(table, i, &added);
        assert_false(added);
    }
    struct key absent = key_of(1000);
    assert_null(table_find(table, &absent));
    absent = key_of(7);
    absent.rest[7] = 1; /* keys are compared whole */
    assert_null(table_find(table, &absent));
    assert_int_equal(table_count(table), 1000);
    free(memory);
}

static void note_leaving(void *context, const void *key, void *value)
{
    uint32_t *left = context;
    *left = ((const struct key *)key)->number;
    assert_int_equal(((struct value *)value)->number, *left);
}

static void the_oldest_gives_way(void **state)
{
    (void)state;
    struct table_shape shape = shape_of(3);
    void *memory = calloc(1, table_memory(&shape));
    struct table *table = table_place(memory, &shape);
    bool added;
    assert_null(table_oldest(table));
    for (uint32_t i = 0; i < 3; i++)
        add(table, i, &added);
    struct key key = key_of(0);
    table_find(table, &key); /* looking does not make younger */
    key = key_of(1);         /* touching does: the order is now 0 2 1 */
    table_touch(table, table_find(table, &key));
    uint32_t left = 99;
    key = key_of(10);
    struct value *value = table_add(table, &key, &added, note_leaving, &left);
    value->number = 10;
    assert_true(added);
    assert_int_equal(left, 0);
    static const uint32_t order[] = {2, 1, 10};
    value = table_oldest(table);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(value->number, order[i]);
        value = table_younger(table, value);
    }
    assert_null(value);
    assert_int_equal(table_count(table), 3);
    free(memory);
}

static void one_place_is_enough(void **state)
{
    (void)state;
    struct table_shape shape = shape_of(1);
    void *memory = calloc(1, table_memory(&shape));
    struct table *table = table_place(memory, &shape);
    bool added;
    for (uint32_t i = 0; i < 10; i++) {
        struct value *value = add(table, i, &added);
        assert_true(added);
        assert_int_equal(table_index(table, value), 0);
    }
    table_remove(table, table_oldest(table));
    assert_int_equal(table_count(table), 0);
    assert_null(table_at(table, 0));
    free(memory);
}

static void a_table_without_values_is_a_set(void **state)
{
    (void)state;
    struct table_shape shape = {5, 3, 0, {{1, 2}}};
    void *memory = calloc(1, table_memory(&shape));
    struct table *table = table_place(memory, &shape);
    static const char keys[] = "aaabbbcccddd";
    bool added;
    for (uint32_t i = 0; i < 4; i++) {
        void *value = table_add(table, keys + 3 * (size_t)i, &added, NULL, NULL);
        assert_int_equal(table_index(table, value), i);
        assert_ptr_equal(table_at(table, i), value);
        assert_memory_equal(table_key(table, value), keys + 3 * (size_t)i, 3);
    }
    assert_null(table_at(table, 4));
    assert_non_null(table_adopt(memory, table_memory(&shape), &shape));
    free(memory);
}

static void there_is_no_table_of_impossible_shape(void **state)
{
    (void)state;
    struct table_shape shape = shape_of(0);
    assert_true(table_memory(&shape) == SIZE_MAX);
    shape = shape_of(UINT32_MAX);
    assert_true(table_memory(&shape) == SIZE_MAX);
    shape = (struct table_shape){UINT32_C(1) << 31, UINT32_MAX, UINT32_MAX, {{0, 0}}};
    assert_true(table_memory(&shape) == SIZE_MAX);
}

/* The same things done to the table and to a plain array in order of age. */
struct model {
    uint32_t numbers[64];
    size_t count;
};

static bool model_remove(struct model *model, uint32_t number)
{
    for (size_t i = 0; i < model->count; i++) {
        if (model->numbers[i] != number)
            continue;
        model->count--;
        memmove(model->numbers + i, model->numbers + i + 1, (model->count - i) * sizeof model->numbers[0]);
        return true;
    }
    return false;
}

static void assert_same(struct table *table, const struct model *model)
{
    struct value *value = table_oldest(table);
    for (size_t i = 0; i < model->count; i++) {
        assert_non_null(value);
        assert_int_equal(value->number, model->numbers[i]);
        value = table_younger(table, value);
    }
    assert_null(value);
    assert_int_equal(table_count(table), model->count);
}

static void random_use_is_as_a_list_by_age_would_have_it(void **state)
{
    (void)state;
    srandom(5);
    struct table_shape shape = shape_of(37);
    void *memory = calloc(1, table_memory(&shape));
    struct table *table = table_place(memory, &shape);
    struct model model = {0};
    for (int step = 0; step < 50000; step++) {
        uint32_t number = (uint32_t)random() % 60;
        struct key key = key_of(number);
        struct value *value = table_find(table, &key);
        switch (random() % 4) {
        case 0:
        case 1: {
            bool added, known = model_remove(&model, number);
            if (!known && model.count == shape.places)
                model_remove(&model, model.numbers[0]);
            add(table, number, &added);
            assert_int_equal(added, !known);
            model.numbers[model.count++] = number;
            break;
        }
        case 2:
            assert_int_equal(value != NULL, model_remove(&model, number));
            if (value)
                table_remove(table, value);
            break;
        default:
            assert_int_equal(value != NULL, model_remove(&model, number));
            if (value) {
                table_touch(table, value);
                model.numbers[model.count++] = number;
            }
        }
        assert_same(table, &model);
        if (step % 100 == 0) { /* and every state on the way can be found again */
            assert_ptr_equal(table_adopt(memory, table_memory(&shape), &shape), table);
        }
    }
    free(memory);
}

static void is_found_again_at_another_address_with_its_own_hash_key(void **state)
{
    (void)state;
    struct table_shape shape = shape_of(50);
    size_t size = table_memory(&shape);
    void *memory = calloc(1, size), *elsewhere = malloc(size);
    struct table *table = table_place(memory, &shape);
    bool added;
    for (uint32_t i = 0; i < 70; i++)
        add(table, i, &added);
    struct key key = key_of(60);
    table_remove(table, table_find(table, &key));
    memcpy(elsewhere, memory, size);
    free(memory);
    shape.key = (struct siphash_key){{77, 78}}; /* the next process draws another */
    table = table_adopt(elsewhere, size, &shape);
    assert_non_null(table);
    assert_int_equal(table_count(table), 49);
    assert_null(table_find(table, &key));
    key = key_of(69);
    assert_non_null(table_find(table, &key));
    add(table, 60, &added);
    assert_true(added);
    free(elsewhere);
}

static void another_shape_is_not_adopted(void **state)
{
    (void)state;
    struct table_shape shape = shape_of(50), other;
    size_t size = table_memory(&shape);
    void *memory = calloc(1, size);
    assert_null(table_adopt(memory, size, &shape)); /* nobody placed one */
    table_place(memory, &shape);
    assert_non_null(table_adopt(memory, size, &shape));
    assert_null(table_adopt(memory, size - 1, &shape));
    assert_null(table_adopt(memory, 8, &shape));
    other = shape;
    other.places = 49;
    assert_null(table_adopt(memory, size, &other));
    other = shape;
    other.key_size = 8;
    assert_null(table_adopt(memory, size, &other));
    other = shape;
    other.value_size = 8;
    assert_null(table_adopt(memory, size, &other));
    other.places = UINT32_MAX;
    assert_null(table_adopt(memory, size, &other));
    free(memory);
}

/* Whatever a torn or hostile memory holds: it is refused, or everything can be done with it. Run under ASan, the exact
 * allocation shows every step outside. */
static void use_whole(struct table *table, uint32_t places)
{
    bool added;
    uint32_t count = 0;
    for (struct value *value = table_oldest(table); value; value = table_younger(table, value)) {
        assert_true(table_index(table, value) < places);
        assert_ptr_equal(table_at(table, table_index(table, value)), value);
        count++;
    }
    assert_int_equal(count, table_count(table));
    for (uint32_t i = 0; i < places * 2; i++) {
        struct key key = key_of(1000 + i);
        table_add(table, &key, &added, NULL, NULL);
        if (i % 3 == 0)
            table_remove(table, table_oldest(table));
    }
    while (table_oldest(table))
        table_remove(table, table_oldest(table));
    assert_int_equal(table_count(table), 0);
}

static void hostile_memory_is_refused_or_harmless(void **state)
{
    (void)state;
    srandom(6);
    struct table_shape shape = shape_of(12);
    size_t size = table_memory(&shape);
    uint32_t *memory = malloc(size);
    int adopted = 0;
    for (int round = 0; round < 30000; round++) {
        memset(memory, 0, size);
        struct table *table = table_place(memory, &shape);
        bool added;
        for (uint32_t i = 0; i < 15; i++)
            add(table, i, &added);
        for (int i = 0; i < random() % 4; i++)
            table_remove(table, table_oldest(table));
        for (int i = 0; i < 1 + random() % 3; i++) {
            uint32_t *word = &memory[(size_t)random() % (size / 4)];
            if (word < memory + 8)
                continue; /* magic and hash key: other tests */
            static const uint32_t poison[] = {0, 1, 13, UINT32_MAX, 0x80000000};
            long kind = random() % 8;
            *word = kind < 5 ? poison[kind] : kind == 5 ? *word + 1 : (uint32_t)random() % 16;
        }
        table = table_adopt(memory, size, &shape);
        if (table) {
            adopted++;
            use_whole(table, shape.places);
        }
    }
    assert_true(adopted > 100 && adopted < 29000); /* both happened */
    free(memory);
}

static void untouched_places_cost_no_memory(void **state)
{
    (void)state;
    struct table_shape shape = {1000000, 40, 472, {{1, 2}}};
    size_t size = table_memory(&shape);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(memory != MAP_FAILED);
    madvise(memory, size, MADV_NOHUGEPAGE);
    struct table *table = table_place(memory, &shape);
    for (uint64_t i = 0; i < 100000; i++) { /* always the same few places */
        uint64_t key[5] = {i};
        bool added;
        void *value = table_add(table, key, &added, NULL, NULL);
        if (table_count(table) > 100)
            table_remove(table, table_oldest(table));
        assert_non_null(value);
    }
    unsigned char *resident = malloc(size / 4096 + 1);
    assert_int_equal(mincore(memory, size, resident), 0);
    size_t pages = 0;
    for (size_t i = 0; i < size / 4096; i++)
        pages += resident[i] & 1;
    free(resident);
    munmap(memory, size);
    assert_true(pages < 2200); /* all buckets (8 MB) and 101 places, of 540 MB */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_added_and_nothing_else),
        cmocka_unit_test(the_oldest_gives_way),
        cmocka_unit_test(one_place_is_enough),
        cmocka_unit_test(a_table_without_values_is_a_set),
        cmocka_unit_test(there_is_no_table_of_impossible_shape),
        cmocka_unit_test(random_use_is_as_a_list_by_age_would_have_it),
        cmocka_unit_test(is_found_again_at_another_address_with_its_own_hash_key),
        cmocka_unit_test(another_shape_is_not_adopted),
        cmocka_unit_test(hostile_memory_is_refused_or_harmless),
        cmocka_unit_test(untouched_places_cost_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
