/* A field of CSV as a spreadsheet reads it, in whatever country. */
#include "common/csv_field.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void is_written(const char *words, const char *expected)
{
    struct buffer out;
    buffer_init(&out, 100);
    assert_true(csv_field_put(&out, text_of(words)) && buffer_append_byte(&out, '\0'));
    assert_string_equal(out.bytes, expected);
    buffer_clear(&out);
}

static void words_are_quoted_where_they_must_be(void **unused)
{
    (void)unused;
    is_written("", "");
    is_written("acme", "acme");
    is_written("a b-c", "a b-c");
    is_written("a,b", "\"a,b\"");
    is_written("a \"b\"", "\"a \"\"b\"\"\"");
    is_written("a\r\nb", "\"a\r\nb\"");
}

static void nothing_begins_a_formula(void **unused)
{
    (void)unused;
    is_written("=1+1", "\"'=1+1\"");
    is_written("+49", "\"'+49\"");
    is_written("-1", "\"'-1\"");
    is_written("@SUM(1)", "\"'@SUM(1)\"");
    is_written("\t=1", "\"'\t'=1\"");
}

/* In a country of decimal commas a file of commas is cut at its semicolons. */
static void nor_behind_a_semicolon(void **unused)
{
    (void)unused;
    is_written("a;b", "\"a;b\"");
    is_written("a;=cmd", "\"a;'=cmd\"");
    is_written("a;;@b", "\"a;;'@b\"");
    is_written("a; \"=cmd", "\"a;' \"\"=cmd\"");
    is_written("a\t+1", "\"a\t'+1\"");
    is_written("a;", "\"a;\"");
}

static void what_has_no_room_is_said(void **unused)
{
    struct buffer out;
    (void)unused;
    for (size_t room = 0; room < 12; room++) {
        buffer_init(&out, room);
        assert_false(csv_field_put(&out, TEXT("a;=\"b\",c")));
        buffer_clear(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_quoted_where_they_must_be), cmocka_unit_test(nothing_begins_a_formula),
        cmocka_unit_test(nor_behind_a_semicolon), cmocka_unit_test(what_has_no_room_is_said)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
