/* What stands behind DATA: lines and dots as SMTP wants them, and no end but the caller's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/filter/data.h"
#include "common/cleanup.h"

static void assert_written(struct text content, const char *expected)
{
    CLEANUP(buffer_clear) struct buffer out;
    buffer_init(&out, DATA_MOST(content.length));
    assert_true(data_write(content, &out));
    assert_true(text_equals(buffer_text(&out), text_of(expected)));
}

static void every_line_ends_with_crlf(void **state)
{
    (void)state;
    assert_written(TEXT(""), "");
    assert_written(TEXT("a\r\nb\nc\rd"), "a\r\nb\r\nc\r\nd\r\n");
    assert_written(TEXT("\r\n\n\r\r\r\n"), "\r\n\r\n\r\n\r\n\r\n");
}

static void a_dot_that_begins_a_line_is_doubled(void **state)
{
    (void)state;
    assert_written(TEXT(".\r\n..\n.a\r.\r.b."), "..\r\n...\r\n..a\r\n..\r\n..b.\r\n");
}

static void there_is_room_for_the_worst(void **state)
{
    static char ends[5000], dots[5000], expected[10001];
    (void)state;
    memset(ends, '\n', sizeof ends);
    for (size_t i = 0; i < sizeof ends; i++)
        memcpy(expected + 2 * i, "\r\n", 2);
    assert_written((struct text){ends, sizeof ends}, expected);
    for (size_t i = 0; i < sizeof dots; i += 2)
        memcpy(dots + i, ".\n", 2);
    for (size_t i = 0; i < sizeof dots; i += 2)
        memcpy(expected + 2 * i, "..\r\n", 4);
    assert_written((struct text){dots, sizeof dots}, expected);
    CLEANUP(buffer_clear) struct buffer small;
    buffer_init(&small, 100);
    assert_false(data_write((struct text){ends, sizeof ends}, &small));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_ends_with_crlf),
        cmocka_unit_test(a_dot_that_begins_a_line_is_doubled),
        cmocka_unit_test(there_is_room_for_the_worst),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
