/* A report as a mail: what it is made of, and that it is the same each time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "collector/report/drawings.h"
#include "collector/report/mail.h"
#include "example.h"

static struct calendar_zone *zone;
static struct buffer mail;

static const char *written(struct report *report, const char *from)
{
    struct error error = {0};
    const struct draft_address to = {TEXT(""), TEXT("desk@example.net")};
    const struct report_envelope envelope = {
        .from = {TEXT("Abuse desk"), text_of(from)}, .to = &to, .to_count = 1, .id = "0123456789abcdef"};
    buffer_clear(&mail);
    if (report_mail(report, zone, &envelope, &mail, &error) < 0)
        return NULL;
    assert_true(buffer_append_byte(&mail, '\0'));
    return mail.bytes;
}

static size_t count(const char *text, const char *word)
{
    size_t found = 0;
    for (; (text = strstr(text, word)); text += strlen(word))
        found++;
    return found;
}

static void test_it_has_a_text_a_page_its_pictures_and_tables(void **unused)
{
    (void)unused;
    struct report *report = example_report(zone);
    const char *text = written(report, "abuse@example.net");
    assert_non_null(strstr(text, "From: Abuse desk <abuse@example.net>\r\n"));
    assert_non_null(strstr(text, "Subject: [postern] Week 47 of 2026: 31 complaints (19 before), look at"));
    assert_non_null(strstr(text, "Date: Mon, 23 Nov 2026 07:00:00 +0000\r\n"));
    assert_non_null(strstr(text, "Message-ID: <0123456789abcdef@example.net>\r\n"));
    assert_non_null(strstr(text, "Auto-Submitted: auto-generated\r\n"));
    assert_int_equal(count(text, "Content-Type: text/plain"), 1);
    assert_int_equal(count(text, "Content-Type: text/html"), 1);
    assert_int_equal(count(text, "Content-Type: image/png"), DRAWINGS);
    assert_int_equal(count(text, "Content-Type: text/csv"), 5);
    assert_non_null(strstr(text, "Content-ID: <complaints@0123456789abcdef.example.net>\r\n"));
    assert_non_null(strstr(text, "2026-W47-sums.csv"));
    assert_true(strstr(text, "text/plain") <
                strstr(text, "text/html")); /* the last one is what is shown, if it can be */
    numbers_destroy(&report);
}

static void test_the_same_figures_are_the_same_bytes(void **unused)
{
    (void)unused;
    struct report *report = example_report(zone);
    char *first = strdup(written(report, "abuse@example.net"));
    assert_string_equal(written(report, "abuse@example.net"), first);
    report->past[0].sums[SUM_COMPLAINTS]++;
    assert_string_not_equal(written(report, "abuse@example.net"), first);
    free(first);
    numbers_destroy(&report);
}

static void test_who_writes_has_to_be_an_address(void **unused)
{
    (void)unused;
    struct report *report = example_empty(zone);
    assert_null(written(report, "abuse@example.net\r\nBcc: x@example.net"));
    assert_int_equal(mail.length, 0);
    numbers_destroy(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_has_a_text_a_page_its_pictures_and_tables),
        cmocka_unit_test(test_the_same_figures_are_the_same_bytes),
        cmocka_unit_test(test_who_writes_has_to_be_an_address),
    };
    zone = example_zone();
    buffer_init(&mail, REPORT_MAIL_MOST);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buffer_clear(&mail);
    calendar_zone_destroy(&zone);
    return failed;
}
