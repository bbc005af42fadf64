/* Checked reading of hostile bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/cursor.h"

static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

static void reads_in_network_order(void **state)
{
    (void)state;
    struct cursor c = cursor_of(bytes, sizeof bytes);
    assert_int_equal(cursor_u8(&c), 1);
    assert_int_equal(cursor_u16(&c), 0x0203);
    assert_int_equal(cursor_u24(&c), 0x040506);
    assert_int_equal(cursor_u32(&c), 0x0708090a);
    assert_int_equal(cursor_left(&c), 0);
    assert_false(cursor_failed(&c));
}

static void latches_at_the_first_read_beyond_the_end(void **state)
{
    (void)state;
    struct cursor c = cursor_of(bytes, 3);
    assert_int_equal(cursor_u16(&c), 0x0102);
    assert_int_equal(cursor_u16(&c), 0);
    assert_true(cursor_failed(&c));
    assert_int_equal(cursor_u8(&c), 0); /* though one byte was left */
    assert_null(cursor_bytes(&c, 0));
    assert_int_equal(cursor_text(&c, 1).length, 0);
    assert_false(cursor_skip(&c, 1));
    assert_int_equal(cursor_left(&c), 0);
    assert_int_equal(cursor_rest(&c).length, 0);
}

static void a_length_near_the_end_of_memory_does_not_wrap(void **state)
{
    (void)state;
    struct cursor c = cursor_of(bytes, sizeof bytes);
    assert_null(cursor_bytes(&c, SIZE_MAX));
    assert_true(cursor_failed(&c));
}

static void cuts_a_part_off(void **state)
{
    (void)state;
    struct cursor c = cursor_of(bytes, sizeof bytes), part = cursor_cut(&c, 4);
    assert_int_equal(cursor_left(&part), 4);
    assert_int_equal(cursor_u8(&c), 5);
    assert_true(cursor_skip(&part, 4));
    assert_false(cursor_skip(&part, 1)); /* the part ends where it was cut */
    assert_false(cursor_failed(&c));
    struct cursor most = cursor_cut_most(&c, 100);
    assert_int_equal(cursor_left(&most), 5);
    assert_false(cursor_failed(&c));
    part = cursor_cut(&c, 1);
    assert_true(cursor_failed(&part));
    assert_true(cursor_failed(&c));
}

static void never_leads_outside(void **state)
{
    (void)state;
    srandom(1);
    for (int round = 0; round < 2000; round++) {
        size_t length = (size_t)random() % 16;
        uint8_t *heap = malloc(length + 1); /* under ASan a step outside ends the test */
        memset(heap, 7, length + 1);
        struct cursor c = cursor_of(heap, length);
        size_t read = 0;
        while (!cursor_failed(&c)) {
            size_t before = cursor_left(&c), wanted = (size_t)random() % 5;
            struct text text = cursor_text(&c, wanted);
            if (!cursor_failed(&c)) {
                assert_int_equal(text.length, wanted);
                assert_int_equal(cursor_left(&c), before - wanted);
                read += wanted;
            } else {
                assert_true(wanted > before);
            }
            cursor_u32(&c);
            read += cursor_failed(&c) ? 0 : 4;
        }
        assert_true(read <= length);
        free(heap);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_in_network_order),
        cmocka_unit_test(latches_at_the_first_read_beyond_the_end),
        cmocka_unit_test(a_length_near_the_end_of_memory_does_not_wrap),
        cmocka_unit_test(cuts_a_part_off),
        cmocka_unit_test(never_leads_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
