/* How much two likenesses have in common, held against counting part by part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "common/words/likeness.h"

static void shares(void **state)
{
    (void)state;
    const struct likeness none = {{0}}, four = {{1, 2, 3, 4}}, other = {{1, 2, 9, 0, 5}};
    const struct likeness full = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 65535}};
    assert_false(likeness_is_known(&none));
    assert_true(likeness_is_known(&four));
    assert_int_equal(likeness_share(&none, &none), 0);
    assert_int_equal(likeness_share(&none, &four), 0);
    assert_int_equal(likeness_share(&four, &four), 100);
    assert_int_equal(likeness_share(&four, &other), 40); /* 2 of 5 */
    assert_int_equal(likeness_share(&four, &full), 25);
    assert_int_equal(likeness_share(&full, &full), 100);
}

static void part_by_part(void **state)
{
    (void)state;
    uint64_t random = 3;
    for (int round = 0; round < 20000; round++) {
        struct likeness a, b;
        uint32_t equal = 0, filled = 0;
        for (int i = 0; i < LIKENESS_PARTS; i++) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            a.parts[i] = (uint16_t)(random >> 40) % 3 ? (uint16_t)(random >> 45 | 1) : 0;
            b.parts[i] = random >> 60 < 8 ? a.parts[i] : (uint16_t)(random >> 33);
            filled += a.parts[i] != 0 || b.parts[i] != 0;
            equal += a.parts[i] != 0 && a.parts[i] == b.parts[i];
        }
        assert_int_equal(likeness_share(&a, &b), filled ? equal * 100 / filled : 0);
        assert_int_equal(likeness_share(&b, &a), likeness_share(&a, &b));
    }
}

static void as_text_and_back(void **state)
{
    (void)state;
    const struct likeness one = {{1, 0, 0xabcd, 65535, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x10}};
    const char *const text = "00010000abcdffff00050006000700080009000a000b000c000d000e000f0010";
    struct likeness read = {{0}};
    char printed[LIKENESS_TEXT];
    assert_string_equal(likeness_print(&one, printed), text);
    assert_true(likeness_parse(text_of(text), &read));
    assert_memory_equal(&read, &one, sizeof one);
    assert_true(likeness_parse(TEXT("00010000ABCDFFFF00050006000700080009000A000B000C000D000E000F0010"), &read));
    assert_memory_equal(&read, &one, sizeof one);
    assert_false(likeness_parse(TEXT(""), &read));
    assert_false(likeness_parse((struct text){text, 63}, &read));
    assert_false(likeness_parse(TEXT("00010000abcdffff00050006000700080009000a000b000c000d000e000f001g"), &read));
    assert_false(likeness_parse(TEXT("00010000abcdffff00050006000700080009000a000b000c000d000e000f00 1"), &read));
    assert_memory_equal(&read, &one, sizeof one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(shares), cmocka_unit_test(part_by_part),
                                       cmocka_unit_test(as_text_and_back)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
