/* Borrowed bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "common/text.h"

#define COUNT_OF(rows) (sizeof(rows) / sizeof(rows)[0])

/* Every byte at every place of a word and behind it: capitals become small, all else stays. */
static void folding(void **state)
{
    (void)state;
    char given[21], folded[21];
    for (int byte = 0; byte < 256; byte++) {
        for (size_t at = 0; at < sizeof given; at++) {
            memset(given, 'Q', sizeof given);
            given[at] = (char)byte;
            text_fold((struct text){given, sizeof given}, folded);
            for (size_t i = 0; i < sizeof given; i++) {
                int want = i != at ? 'q' : byte >= 'A' && byte <= 'Z' ? byte + 32 : byte;
                assert_int_equal((unsigned char)folded[i], want);
            }
            assert_true(text_equals_nocase((struct text){given, sizeof given}, (struct text){folded, sizeof folded}));
        }
    }
}

static void compares(void **state)
{
    (void)state;
    assert_true(text_equals(TEXT("abc"), TEXT("abc")));
    assert_false(text_equals(TEXT("abc"), TEXT("abC")));
    assert_false(text_equals(TEXT("abc"), TEXT("ab")));
    assert_true(text_equals((struct text){NULL, 0}, TEXT("")));
    assert_true(text_equals(TEXT("a\0b"), TEXT("a\0b")));
    assert_false(text_equals(TEXT("a\0b"), TEXT("a\0c")));
}

static void compares_ascii_letters_without_case(void **state)
{
    (void)state;
    assert_true(text_equals_nocase(TEXT("RCPT to"), TEXT("rcpt TO")));
    assert_false(text_equals_nocase(TEXT("[{@`"), TEXT("{[`@"))); /* neighbours of the letters are no letters */
    assert_false(text_equals_nocase(TEXT("\xc4"), TEXT("\xe4"))); /* Latin-1 is not ASCII */
    assert_true(text_starts_nocase(TEXT("EHLO x"), TEXT("ehlo ")));
    assert_false(text_starts_nocase(TEXT("EH"), TEXT("ehlo")));
    assert_true(text_starts_nocase(TEXT("x"), TEXT("")));
    assert_true(text_ends_nocase(TEXT("a.EXAMPLE"), TEXT(".example")));
    assert_false(text_ends_nocase(TEXT("ple"), TEXT("example")));
    assert_true(text_ends_nocase(TEXT(""), TEXT("")));
}

static void trims_blanks_at_both_ends(void **state)
{
    (void)state;
    assert_true(text_equals(text_trim(TEXT(" \t a b \r\n")), TEXT("a b")));
    assert_true(text_equals(text_trim(TEXT("   ")), TEXT("")));
    assert_true(text_equals(text_trim(TEXT("")), TEXT("")));
}

static void splits_at_the_first_separator(void **state)
{
    (void)state;
    struct text rest = TEXT("a,,b");
    assert_true(text_equals(text_split(&rest, ','), TEXT("a")));
    assert_true(text_equals(text_split(&rest, ','), TEXT("")));
    assert_true(text_equals(text_split(&rest, ','), TEXT("b")));
    assert_int_equal(rest.length, 0);
    assert_true(text_equals(text_split(&rest, ','), TEXT("")));
    rest = TEXT("a,"); /* nothing behind a separator is no second item */
    assert_true(text_equals(text_split(&rest, ','), TEXT("a")));
    assert_int_equal(rest.length, 0);
}

static void reads_numbers_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        bool good;
        uint64_t want;
    } rows[] = {
        {"0", true, 0},
        {"007", true, 7},
        {"9999999999999999999", true, UINT64_C(9999999999999999999)},
        {"10000000000000000000", false, 0}, /* twenty digits */
        {"", false, 0},
        {"-1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"0x1", false, 0},
        {"1/", false, 0},
        {"1:", false, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t result = 42;
        assert_int_equal(text_number(text_of(rows[i].given), &result), rows[i].good);
        assert_int_equal(result, rows[i].good ? rows[i].want : 42); /* unchanged on failure */
    }
}

static void knows_whole_utf8_sequences(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        size_t want;
    } rows[] = {
        {"", 0},
        {"a", 1},
        {"\xc3\xa4", 2},
        {"\xe2\x82\xac", 3},
        {"\xf0\x9f\x93\xa7", 4},
        {"\xc3", 0},             /* cut */
        {"\xe2\x82", 0},         /* cut */
        {"\xf0\x9f\x93", 0},     /* cut */
        {"\xc3(", 0},            /* no continuation */
        {"\xe2\x28\xac", 0},     /* no continuation */
        {"\x80", 0},             /* begins with one */
        {"\xc0\xaf", 0},         /* over-long */
        {"\xc1\xbf", 0},         /* over-long */
        {"\xe0\x9f\xbf", 0},     /* over-long */
        {"\xf0\x8f\xbf\xbf", 0}, /* over-long */
        {"\xed\xa0\x80", 0},     /* surrogate */
        {"\xed\x9f\xbf", 3},     /* the last before them */
        {"\xf4\x8f\xbf\xbf", 4}, /* U+10FFFF */
        {"\xf4\x90\x80\x80", 0}, /* above */
        {"\xf5\x80\x80\x80", 0},
        {"\xff", 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(text_utf8_sequence(text_of(rows[i].given)), rows[i].want);
}

static void copies_what_may_go_to_a_terminal(void **state)
{
    (void)state;
    static const struct {
        struct text given;
        size_t size;
        const char *want;
    } rows[] = {
        {{"plain", 5}, 16, "plain"},
        {{"a\x1b[2Jb\0c\x7f", 9}, 16, "a?[2Jb?c?"},
        {{"\xc2\x9b"
          "31m",
          5},
         16,
         "?31m"}, /* C1: an escape sequence's other spelling */
        {{"\xc3\xa4\xff", 3}, 16, "\xc3\xa4\xef\xbf\xbd"},
        {{"abcdef", 6}, 4, "abc"},
        {{"ab\xc3\xa4", 4}, 4, "ab"}, /* no half of a character at the end */
        {{"a", 1}, 1, ""},
        {{"", 0}, 8, ""},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char result[16];
        memset(result, '#', sizeof result);
        assert_int_equal(text_copy_printable(rows[i].given, result, rows[i].size), strlen(rows[i].want));
        assert_string_equal(result, rows[i].want);
    }
    char untouched = '#';
    assert_int_equal(text_copy_printable(TEXT("a"), &untouched, 0), 0);
    assert_int_equal(untouched, '#');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folding),
        cmocka_unit_test(compares),
        cmocka_unit_test(compares_ascii_letters_without_case),
        cmocka_unit_test(trims_blanks_at_both_ends),
        cmocka_unit_test(splits_at_the_first_separator),
        cmocka_unit_test(reads_numbers_and_nothing_else),
        cmocka_unit_test(knows_whole_utf8_sequences),
        cmocka_unit_test(copies_what_may_go_to_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
