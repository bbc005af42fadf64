/* Growing bytes whose bound is stated at birth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "common/buffer.h"
#include "common/cleanup.h"

static void grows_as_it_is_filled(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer buffer;
    buffer_init(&buffer, 1 << 20);
    for (int i = 0; i < 10000; i++)
        assert_true(buffer_append(&buffer, TEXT("abcdefg")));
    assert_true(buffer_append_byte(&buffer, '!'));
    assert_true(buffer_printf(&buffer, "%d %s", 42, "x"));
    struct text text = buffer_text(&buffer);
    assert_int_equal(text.length, 70005);
    assert_memory_equal(text.bytes, "abcdefgabc", 10);
    assert_memory_equal(text.bytes + 69998, "fg!42 x", 7);
}

static void an_append_beyond_the_bound_changes_nothing(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer buffer;
    buffer_init(&buffer, 8);
    assert_true(buffer_append(&buffer, TEXT("12345678"))); /* exactly full */
    assert_false(buffer_append_byte(&buffer, '9'));
    assert_false(buffer_printf(&buffer, "%s", "9"));
    assert_false(buffer_reserve(&buffer, 1));
    assert_false(buffer_reserve(&buffer, SIZE_MAX));
    assert_true(buffer_append(&buffer, TEXT("")));
    assert_true(text_equals(buffer_text(&buffer), TEXT("12345678")));
    buffer_drop_front(&buffer, 3);
    assert_true(buffer_printf(&buffer, "%s", "abc")); /* the NUL does not count */
    assert_true(text_equals(buffer_text(&buffer), TEXT("45678abc")));
}

static void prints_what_is_longer_than_a_line(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer buffer;
    buffer_init(&buffer, 1000);
    assert_true(buffer_printf(&buffer, "%0999d", 1));
    assert_int_equal(buffer_text(&buffer).length, 999);
    assert_int_equal(buffer_text(&buffer).bytes[998], '1');
    assert_false(buffer_printf(&buffer, "%0999d", 1));
    assert_int_equal(buffer_text(&buffer).length, 999);
}

static void drops_from_the_front(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer buffer;
    buffer_init(&buffer, 100);
    buffer_drop_front(&buffer, 5); /* nothing there yet */
    assert_true(buffer_append(&buffer, TEXT("abcdef")));
    buffer_drop_front(&buffer, 0);
    buffer_drop_front(&buffer, 2);
    assert_true(text_equals(buffer_text(&buffer), TEXT("cdef")));
    buffer_drop_front(&buffer, 100);
    assert_int_equal(buffer_text(&buffer).length, 0);
}

static void can_be_used_again_after_clearing(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer buffer;
    buffer_init(&buffer, 4);
    assert_true(buffer_append(&buffer, TEXT("abcd")));
    buffer_clear(&buffer);
    assert_int_equal(buffer_text(&buffer).length, 0);
    assert_true(buffer_append(&buffer, TEXT("efgh")));
    assert_false(buffer_append_byte(&buffer, 'i')); /* with the same bound */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_as_it_is_filled),
        cmocka_unit_test(an_append_beyond_the_bound_changes_nothing),
        cmocka_unit_test(prints_what_is_longer_than_a_line),
        cmocka_unit_test(drops_from_the_front),
        cmocka_unit_test(can_be_used_again_after_clearing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
