/* What a log says ahead of a message: taken once, by the word it was said under, in the same log, soon after. */
#include "agent/log/hint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define NOON (1000 * DAY + 12 * HOUR)

static struct hints *made(uint32_t places)
{
    const struct siphash_key key = {{1, 2}};
    struct error error = {0};
    struct hints *hints = hints_create(places, &key, &error);
    assert_non_null(hints);
    return hints;
}

static void what_was_said_is_taken_once(void **unused)
{
    (void)unused;
    struct hints *hints = made(8);
    struct hint hint;
    hints_add(hints, 1, TEXT("811"), NOON, TEXT("/shop/mail.php"), TEXT("/shop"));
    assert_true(hints_take(hints, 1, TEXT("811"), NOON, &hint));
    assert_true(text_equals((struct text){hint.script, hint.script_length}, TEXT("/shop/mail.php")));
    assert_true(text_equals((struct text){hint.directory, hint.directory_length}, TEXT("/shop")));
    assert_false(hints_take(hints, 1, TEXT("811"), NOON, &hint));
    hints_destroy(&hints);
    assert_null(hints);
}

static void only_in_its_log_and_only_soon(void **unused)
{
    (void)unused;
    struct hints *hints = made(8);
    struct hint hint;
    hints_add(hints, 1, TEXT("811"), NOON, TEXT(""), TEXT("/shop"));
    assert_false(hints_take(hints, 2, TEXT("811"), NOON, &hint));
    assert_false(hints_take(hints, 1, TEXT("812"), NOON, &hint));
    assert_false(hints_take(hints, 1, TEXT("811"), NOON + HINT_AGE + 1, &hint));
    hints_add(hints, 1, TEXT("811"), NOON, TEXT(""), TEXT("/shop"));
    assert_true(hints_take(hints, 1, TEXT("811"), NOON + HINT_AGE, &hint));
    hints_destroy(&hints);
}

static void of_long_texts_the_end_is_kept_and_long_words_are_nobodys(void **unused)
{
    (void)unused;
    struct hints *hints = made(8);
    struct hint hint;
    char path[300];
    memset(path, 'a', sizeof path);
    memcpy(path + sizeof path - 5, "x.php", 5);
    hints_add(hints, 1, TEXT("7"), NOON, (struct text){path, sizeof path}, TEXT(""));
    assert_true(hints_take(hints, 1, TEXT("7"), NOON, &hint));
    assert_int_equal(hint.script_length, HINT_TEXT);
    assert_memory_equal(hint.script + HINT_TEXT - 5, "x.php", 5);
    hints_add(hints, 1, (struct text){path, 49}, NOON, TEXT("a"), TEXT(""));
    assert_false(hints_take(hints, 1, (struct text){path, 49}, NOON, &hint));
    hints_add(hints, 1, TEXT(""), NOON, TEXT("a"), TEXT(""));
    assert_false(hints_take(hints, 1, TEXT(""), NOON, &hint));
    hints_destroy(&hints);
}

static void the_oldest_gives_way(void **unused)
{
    (void)unused;
    struct hints *hints = made(2);
    struct hint hint;
    hints_add(hints, 1, TEXT("1"), NOON, TEXT("a"), TEXT(""));
    hints_add(hints, 1, TEXT("2"), NOON, TEXT("b"), TEXT(""));
    hints_add(hints, 1, TEXT("3"), NOON, TEXT("c"), TEXT(""));
    assert_false(hints_take(hints, 1, TEXT("1"), NOON, &hint));
    assert_true(hints_take(hints, 1, TEXT("2"), NOON, &hint));
    assert_true(hints_take(hints, 1, TEXT("3"), NOON, &hint));
    hints_destroy(&hints);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_said_is_taken_once),
        cmocka_unit_test(only_in_its_log_and_only_soon),
        cmocka_unit_test(of_long_texts_the_end_is_kept_and_long_words_are_nobodys),
        cmocka_unit_test(the_oldest_gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
