/* A report's numbers as JSON and CSV: what was written is read as it was, the same bytes each time; and counting by
 * name, which strangers cannot make grow or mix up. */
#include "collector/report/numbers_json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "collector/report/csv.h"
#include "collector/report/shape.h"
#include "collector/report/tally.h"

static struct report *some(void)
{
    struct report *report = numbers_create();
    report->period =
        (struct calendar_period){CALENDAR_WEEK, "2026-W47", 1763337600 * SECOND, (1763337600 + 7 * 86400) * SECOND};
    snprintf(report->zone, sizeof report->zone, "Europe/Berlin");
    report->made = 1764000000 * SECOND;
    report->is_over = true;
    for (size_t i = 0; i < REPORT_PAST; i++) {
        snprintf(report->past[i].name, sizeof report->past[i].name, "2026-W%02zu", 47 - i);
        report->past[i].is_known = i < 3;
        for (int sum = 0; sum < REPORT_SUMS; sum++)
            report->past[i].sums[sum] = i < 3 ? (int64_t)(1000 * (i + 1)) + sum : 0;
    }
    for (int i = 0; i < REPORT_WAITS; i++)
        report->waits[i] = i + 1;
    report->waited_most = 86400;
    report->customer_count = 2;
    snprintf(report->customers[0].name, REPORT_NAME, "acme, \"the\" best");
    report->customers[0].complaints = 7;
    snprintf(report->customers[1].name, REPORT_NAME, "=HYPERLINK(1)");
    report->listing_count = 1;
    report->listings[0].since = 1763400000 * SECOND;
    snprintf(report->listings[0].name, REPORT_NAME, "192.0.2.1");
    return report;
}

static void json_is_read_as_it_was_written(void **unused)
{
    struct report *report = some(), *again = numbers_create();
    struct buffer first, second;
    struct error error;
    (void)unused;
    buffer_init(&first, NUMBERS_JSON_MOST);
    buffer_init(&second, NUMBERS_JSON_MOST);
    assert_true(numbers_json_write(report, &first));
    assert_int_equal(numbers_json_read(buffer_text(&first), again, &error), 0);
    assert_true(numbers_json_write(again, &second));
    assert_true(text_equals(buffer_text(&first), buffer_text(&second)));
    assert_memory_equal(report->waits, again->waits, sizeof report->waits);
    assert_int_equal(again->past[2].sums[SUM_COMPLAINTS], 3000);
    assert_string_equal(again->customers[0].name, "acme, \"the\" best");
    assert_int_equal(again->listings[0].until, 0);
    assert_int_equal(again->period.end, report->period.end);
    buffer_clear(&first);
    buffer_clear(&second);
    numbers_destroy(&report);
    numbers_destroy(&again);
}

static void lists_are_full_and_no_fuller(void **unused)
{
    struct report *report = some(), *again = numbers_create();
    struct buffer json;
    struct error error;
    (void)unused;
    for (size_t i = 0; i < shape_list_count; i++)
        *(size_t *)(void *)((char *)report + shape_lists[i].count) = shape_lists[i].most;
    for (size_t i = 0; i < REPORT_CUSTOMERS; i++)
        memset(report->customers[i].name, '"', REPORT_NAME - 1);
    buffer_init(&json, NUMBERS_JSON_MOST);
    assert_true(numbers_json_write(report, &json));
    assert_int_equal(numbers_json_read(buffer_text(&json), again, &error), 0);
    for (size_t i = 0; i < shape_list_count; i++)
        assert_int_equal(shape_count(again, &shape_lists[i]), shape_lists[i].most);
    /* One row more than there is room for. */
    buffer_clear(&json);
    assert_true(buffer_printf(&json,
                              "{\"kind\":\"week\",\"begin\":\"2026-01-01T00:00:00Z\",\"end\":\"2026-01-08T00:00:00Z\","
                              "\"types\":[{}"));
    for (int i = 0; i < 100; i++)
        assert_true(buffer_append(&json, TEXT(",{\"name\":\"x\",\"count\":\"no number\"}")));
    assert_true(buffer_append(&json, TEXT("]}")));
    assert_int_equal(numbers_json_read(buffer_text(&json), again, &error), 0);
    assert_int_equal(again->type_count, REPORT_COUNTS);
    assert_int_equal(again->types[1].count, 0);
    buffer_clear(&json);
    numbers_destroy(&report);
    numbers_destroy(&again);
}

static void what_is_no_report_is_refused(void **unused)
{
    static const char *const wrong[] = {"", "[]", "{", "{}", "{\"kind\":\"year\"}", "{\"kind\":\"week\"}", "null"};
    struct report *report = numbers_create();
    struct error error;
    (void)unused;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(numbers_json_read(text_of(wrong[i]), report, &error), -EBADMSG);
    numbers_destroy(&report);
}

/* Clocks that are put over the date line leave a day out: it is over as it begins, and has a report all the same. */
static void a_day_that_was_left_out_is_read(void **unused)
{
    struct report *report = some();
    struct buffer out;
    struct error error;
    (void)unused;
    buffer_init(&out, NUMBERS_JSON_MOST);
    report->period = (struct calendar_period){CALENDAR_DAY, "2011-12-30", 1325239200 * SECOND, 1325239200 * SECOND};
    assert_true(numbers_json_write(report, &out));
    assert_int_equal(numbers_json_read(buffer_text(&out), report, &error), 0);
    assert_string_equal(report->period.name, "2011-12-30");
    buffer_clear(&out);
    numbers_destroy(&report);
}

static void tables_are_csv(void **unused)
{
    struct report *report = some();
    struct buffer out;
    (void)unused;
    buffer_init(&out, 65536);
    assert_true(csv_write(report, "customers", &out) && buffer_append_byte(&out, '\0'));
    assert_string_equal(out.bytes, "name,complaints,before,total,periods,incidents,acted,open,waited,blocks,throttles,"
                                   "messages,rejected,recipients\r\n"
                                   "\"acme, \"\"the\"\" best\",7,0,0,0,0,0,0,0,0,0,0,0,0\r\n"
                                   "\"'=HYPERLINK(1)\",0,0,0,0,0,0,0,0,0,0,0,0,0\r\n");
    buffer_clear(&out);
    assert_true(csv_write(report, "listings", &out) && buffer_append_byte(&out, '\0'));
    assert_string_equal(out.bytes, "name,zone,sender,customer,since,until\r\n"
                                   "192.0.2.1,,,,2025-11-17T17:20:00.000000Z,\r\n");
    buffer_clear(&out);
    assert_true(csv_write(report, "sums", &out) && buffer_append_byte(&out, '\0'));
    assert_non_null(strstr(out.bytes, "measure,2026-W47,2026-W46,2026-W45,"));
    assert_non_null(strstr(out.bytes, "\r\ncomplaints,1000,2000,3000,,,,,,,,,,,\r\n"));
    buffer_clear(&out);
    assert_false(csv_write(report, "no such", &out));
    assert_false(csv_table_is_known("no such"));
    for (size_t i = 0; csv_table_name(i); i++)
        assert_true(csv_table_is_known(csv_table_name(i)) && csv_write(report, csv_table_name(i), &out));
    buffer_clear(&out);
    numbers_destroy(&report);
}

static void everything_has_a_name(void **unused)
{
    (void)unused;
    for (int i = 0; i < REPORT_SUMS; i++) {
        assert_non_null(report_sum_name((enum report_sum)i));
        assert_non_null(report_sum_title((enum report_sum)i));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(report_sum_name((enum report_sum)i), report_sum_name((enum report_sum)j));
    }
    for (int i = 0; i < REPORT_WAITS; i++)
        assert_true(report_wait_name((enum report_wait)i) && report_wait_title((enum report_wait)i));
}

static void names_are_counted(void **unused)
{
    const struct siphash_key key = {{1, 2}};
    struct tally *tally = tally_create(&key, 1000);
    size_t places[5];
    char name[16];
    (void)unused;
    for (int n = 0; n < 3; n++)
        for (int i = 0; i < 1500; i++) {
            snprintf(name, sizeof name, "n%d", i);
            tally_add(tally, text_of(name), 0, i < 1000 ? i % 7 : 99);
        }
    assert_int_equal(tally_count(tally), 1000); /* the first, and no more */
    assert_true(tally_is_full(tally));
    assert_true(tally_find(tally, TEXT("n1200")) == TALLY_NONE);
    tally_add(tally, TEXT("n8"), 1, 5); /* 8 % 7 = 1 */
    tally_add(tally, TEXT("n13"), 1, 5);
    assert_int_equal(tally_top(tally, 0, 1, places, 5), 5);
    static const char *const want[] = {"n13", "n104", "n111", "n118", "n125"}; /* by number, then by name */
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(tally_sums(tally, places[i])[0], 18);
        assert_true(text_equals(tally_name(tally, places[i]), text_of(want[i])));
    }
    assert_int_equal(tally_top(tally, 1, 0, places, 5), 2); /* none with 0 */
    tally_add(tally, TEXT("n1"), 2, INT64_MAX);
    tally_add(tally, TEXT("n1"), 2, INT64_MAX);
    assert_true(tally_sums(tally, tally_find(tally, TEXT("n1")))[2] == INT64_MAX);
    tally_destroy(&tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_read_as_it_was_written),
        cmocka_unit_test(lists_are_full_and_no_fuller),
        cmocka_unit_test(what_is_no_report_is_refused),
        cmocka_unit_test(tables_are_csv),
        cmocka_unit_test(a_day_that_was_left_out_is_read),
        cmocka_unit_test(everything_has_a_name),
        cmocka_unit_test(names_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
