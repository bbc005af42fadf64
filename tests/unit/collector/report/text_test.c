/* The text of a report, word for word: week.txt and empty.txt beside this are what is to be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "collector/report/text.h"
#include "example.h"

#define FOLDER "tests/unit/collector/report/"

static struct calendar_zone *zone;

static void assert_reads(struct report *report, const char *path)
{
    struct buffer text;
    char *wanted = NULL;
    size_t room = 0;
    buffer_init(&text, REPORT_TEXT_MOST);
    assert_true(report_text(report, zone, &text));
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    ssize_t length = getdelim(&wanted, &room, '\0', file);
    fclose(file);
    assert_true(length > 0);
    assert_true(buffer_append_byte(&text, '\0'));
    assert_string_equal(text.bytes, wanted);
    free(wanted);
    buffer_clear(&text);
    numbers_destroy(&report);
}

static void test_a_week_is_told_in_words_first_and_then_in_tables(void **unused)
{
    (void)unused;
    assert_reads(example_report(zone), FOLDER "week.txt");
}

static void test_a_week_without_anything_is_told_too(void **unused)
{
    (void)unused;
    assert_reads(example_empty(zone), FOLDER "empty.txt");
}

/* Long names, of four bytes a letter, and the highest numbers: lines stay within their columns and nothing is cut in
 * the middle of a letter. */
static void test_names_and_numbers_of_any_length_keep_the_columns(void **unused)
{
    (void)unused;
    struct report *report = example_report(zone);
    struct buffer text;
    for (size_t i = 0; i < report->customer_count; i++) {
        struct report_customer *customer = &report->customers[i];
        for (size_t at = 0; at + 4 < sizeof(customer->name); at += 4)
            memcpy(customer->name + at, "\xf0\x9f\x90\x9d", 5);
        customer->complaints = customer->messages = customer->before = INT64_MAX;
        customer->blocks = customer->throttles = INT64_MAX / 2;
        customer->waited = INT64_MAX;
    }
    buffer_init(&text, REPORT_TEXT_MOST);
    assert_true(report_text(report, zone, &text));
    struct text left = buffer_text(&text);
    while (left.length > 0) {
        struct text line = text_split(&left, '\n');
        size_t columns = 0;
        while (line.length > 0) {
            size_t bytes = text_utf8_sequence(line);
            assert_true(bytes > 0);
            line.bytes += bytes;
            line.length -= bytes;
            columns++;
        }
        assert_true(columns <= 200);
    }
    buffer_clear(&text);
    numbers_destroy(&report);
}

static void test_a_buffer_that_is_too_small_is_said(void **unused)
{
    (void)unused;
    struct report *report = example_report(zone);
    struct buffer text;
    buffer_init(&text, 1000);
    assert_false(report_text(report, zone, &text));
    buffer_clear(&text);
    numbers_destroy(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_week_is_told_in_words_first_and_then_in_tables),
        cmocka_unit_test(test_a_week_without_anything_is_told_too),
        cmocka_unit_test(test_names_and_numbers_of_any_length_keep_the_columns),
        cmocka_unit_test(test_a_buffer_that_is_too_small_is_said),
    };
    zone = example_zone();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    calendar_zone_destroy(&zone);
    return failed;
}
