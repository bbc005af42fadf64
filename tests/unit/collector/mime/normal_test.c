/* The normal form: copies of one mailing have one, another text has another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "collector/mime/normal.h"

static const char *form(const char *text, const char *names, char result[1024])
{
    struct buffer buffer;
    buffer_init(&buffer, 65536);
    normal_form(text_of(text), text_of(names), &buffer);
    snprintf(result, 1024, "%.*s", (int)buffer.length, buffer.length ? buffer.bytes : "");
    buffer_clear(&buffer);
    return result;
}

static void test_only_words_remain_in_small_letters(void **unused)
{
    char text[1024];
    (void)unused;
    assert_string_equal(form("  Hello,\r\n\tWORLD! (again)", "", text), "hello world again");
    assert_string_equal(form("Gr\xc3\xbc\xc3\x9f"
                             "e",
                             "", text),
                        "gr\xc3\xbc\xc3\x9f"
                        "e");
    assert_string_equal(form("", "", text), "");
    assert_string_equal(form("... --- ...", "", text), "");
}

static void test_what_differs_from_copy_to_copy_is_left_out(void **unused)
{
    char text[1024];
    (void)unused;
    assert_string_equal(form("Order 4711 for bob@example.com now", "", text), "order for now");
    assert_string_equal(form("see http://x.example/u/abc or www.shop.example today", "", text), "see or today");
    assert_string_equal(form("code xK9f3 here", "", text), "code here");
    assert_string_equal(form("write to bob@firm now", "", text), "write to now");
    assert_string_equal(form("the end. Of it...", "", text), "the end of it");
}

static void test_the_recipient_is_left_out_of_the_greeting_alone(void **unused)
{
    char text[1024];
    (void)unused;
    assert_string_equal(form("Dear Bob Miller, buy", "\"Bob Miller\" <bob.miller@example.com>", text), "dear buy");
    assert_string_equal(form("Dear Ann, buy", "ann@example.com", text), "dear buy");
    assert_string_equal(form("a b c d e f g h i j k l info", "info@example.com", text), "a b c d e f g h i j k l info");
}

static void test_words_without_an_end_are_none(void **unused)
{
    char text[1024], given[200];
    (void)unused;
    memset(given, 'x', 100);
    strcpy(given + 100, " end");
    assert_string_equal(form(given, "", text), "end");
}

static void test_a_form_that_does_not_fit_is_cut_at_a_word(void **unused)
{
    struct buffer buffer;
    (void)unused;
    buffer_init(&buffer, 10);
    assert_int_equal(normal_form(TEXT("one two three four"), TEXT(""), &buffer), 2);
    buffer_clear(&buffer);
}

static void test_a_digest_is_thirty_two_digits(void **unused)
{
    char digest[33], other[33];
    (void)unused;
    normal_digest(TEXT("one two"), digest);
    normal_digest(TEXT("one twp"), other);
    assert_int_equal(strspn(digest, "0123456789abcdef"), 32);
    assert_string_not_equal(digest, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_words_remain_in_small_letters),
        cmocka_unit_test(test_what_differs_from_copy_to_copy_is_left_out),
        cmocka_unit_test(test_the_recipient_is_left_out_of_the_greeting_alone),
        cmocka_unit_test(test_words_without_an_end_are_none),
        cmocka_unit_test(test_a_form_that_does_not_fit_is_cut_at_a_word),
        cmocka_unit_test(test_a_digest_is_thirty_two_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
