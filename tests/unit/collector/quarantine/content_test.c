/* One message is one digest, by whatever way it came. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "collector/quarantine/content.h"

static void expect_same(struct text a, struct text b, bool same)
{
    char one[STORE_DIGEST], other[STORE_DIGEST];
    content_digest(a, one);
    content_digest(b, other);
    assert_int_equal(strlen(one), 64);
    assert_int_equal(strcmp(one, other) == 0, same);
}

static void line_ends_make_no_difference(void **state)
{
    (void)state;
    expect_same(TEXT("Subject: a\r\n\r\nbody\r\n"), TEXT("Subject: a\n\nbody\n"), true);
    expect_same(TEXT("Subject: a\r\n\r\nbody\r\n"), TEXT("Subject: a\n\nbody"), true);
    expect_same(TEXT("a\n\n\nb"), TEXT("a\r\n\r\n\r\nb\r\n"), true);
}

static void empty_lines_at_the_end_make_none(void **state)
{
    char many[1000];
    (void)state;
    memset(many, '\n', sizeof many);
    many[0] = 'a';
    expect_same(TEXT("a"), (struct text){many, sizeof many}, true);
    expect_same(TEXT(""), TEXT("\n\r\n"), true);
    many[sizeof many - 1] = 'b'; /* but those between lines count, each of them */
    expect_same(TEXT("a\nb"), (struct text){many, sizeof many}, false);
    expect_same((struct text){many, sizeof many}, (struct text){many, sizeof many}, true);
}

static void everything_else_does(void **state)
{
    (void)state;
    expect_same(TEXT("a\nb"), TEXT("a\n\nb"), false);
    expect_same(TEXT("a\nb"), TEXT("ab"), false);
    expect_same(TEXT("a "), TEXT("a"), false);
    expect_same(TEXT("a\rb"), TEXT("a\nb"), false);
    expect_same(TEXT("a\0b"), TEXT("a\0c"), false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_ends_make_no_difference),
        cmocka_unit_test(empty_lines_at_the_end_make_none),
        cmocka_unit_test(everything_else_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
