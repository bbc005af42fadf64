/* A report as HTML: whole, small, harmless, and with its pictures where mail programs or browsers look for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "collector/report/html.h"
#include "example.h"

#define CLIPPED 102400 /* bytes: a large mail service shows no more of a mail */

static struct calendar_zone *zone;
static struct buffer page;

/* Ended by a NUL, for strstr(). */
static const char *written(struct report *report, const char *host)
{
    struct drawings drawings;
    assert_true(drawings_make(report, zone, &drawings));
    buffer_clear(&page);
    assert_true(report_html(report, zone, &drawings, host, &page));
    assert_true(buffer_append_byte(&page, '\0'));
    drawings_clear(&drawings);
    return page.bytes;
}

static size_t count(const char *text, const char *word)
{
    size_t found = 0;
    for (; (text = strstr(text, word)); text += strlen(word))
        found++;
    return found;
}

static void test_it_tells_the_same_as_the_text(void **unused)
{
    (void)unused;
    struct report *report = example_report(zone);
    const char *html = written(report, "id.example.net");
    assert_non_null(strstr(html, "<title>Week 47 of 2026</title>"));
    assert_non_null(strstr(html, "31 complaints in week 47 of 2026, somewhat more than in the week before (19)."));
    assert_non_null(strstr(html, "Look at m\xc3\xbcller-media: 4 complaints"));
    assert_non_null(strstr(html, "Complaints by customer"));
    assert_non_null(strstr(html, ">148,200<"));
    numbers_destroy(&report);
}

static void test_in_a_mail_pictures_are_its_parts_in_a_page_they_stand_in_it(void **unused)
{
    (void)unused;
    struct report *report = example_report(zone);
    const char *html = written(report, "id.example.net");
    assert_int_equal(count(html, "<img "), DRAWINGS);
    assert_int_equal(count(html, "src=\"cid:"), DRAWINGS);
    assert_non_null(strstr(html, "src=\"cid:complaints@id.example.net\""));
    assert_non_null(strstr(html, "alt=\"Complaints a week: W37 12, W38 9,"));
    html = written(report, NULL);
    assert_int_equal(count(html, "src=\"data:image/png;base64,iVBOR"), DRAWINGS);
    numbers_destroy(&report);
}

static void test_nothing_is_fetched_and_nothing_runs(void **unused)
{
    (void)unused;
    struct report *report = example_report(zone);
    const char *html = written(report, "id.example.net");
    assert_null(strstr(html, "<script"));
    assert_null(strstr(html, "://"));
    assert_null(strstr(html, "<style"));
    assert_null(strstr(html, "url("));
    numbers_destroy(&report);
}

static void test_a_strangers_words_stay_words(void **unused)
{
    (void)unused;
    struct report *report = example_report(zone);
    snprintf(report->customers[0].name, REPORT_NAME, "<img src=x onerror=alert(1)>&\"'");
    snprintf(report->reporters[0].name, REPORT_NAME, "</td><script>x()</script>");
    const char *html = written(report, "id.example.net");
    assert_null(strstr(html, "<img src=x"));
    assert_null(strstr(html, "<script>"));
    assert_non_null(strstr(html, "&lt;script&gt;x()&lt;/script&gt;"));
    numbers_destroy(&report);
}

/* Every table as long as it can be. */
static void test_a_mail_of_a_large_fleet_is_not_clipped(void **unused)
{
    (void)unused;
    struct report *report = example_report(zone);
    for (size_t i = 0; i < REPORT_CUSTOMERS; i++)
        report->customers[i] = report->customers[0];
    for (size_t i = 0; i < REPORT_LISTINGS; i++)
        report->listings[i] = report->listings[0];
    for (size_t i = 0; i < REPORT_NODES; i++)
        report->nodes[i] = report->nodes[0];
    for (size_t i = 0; i < REPORT_SENDERS; i++)
        report->by_messages[i] = report->by_bytes[i] = report->by_messages[0];
    report->customer_count = REPORT_CUSTOMERS;
    report->listing_count = REPORT_LISTINGS;
    report->node_count = report->nodes_all = REPORT_NODES;
    report->by_messages_count = report->by_bytes_count = REPORT_SENDERS;
    const char *html = written(report, "id.example.net");
    assert_true(strlen(html) < CLIPPED);
    assert_int_equal(count(html, "There is more of this in the CSV."), 3);
    html = written(report, NULL); /* in a page all of them are */
    assert_int_equal(count(html, "There is more of this in the CSV."), 0);
    assert_true(count(html, "node2.example.net") >= REPORT_NODES);
    numbers_destroy(&report);
}

static void test_a_week_without_anything_has_its_page_too(void **unused)
{
    (void)unused;
    struct report *report = example_empty(zone);
    const char *html = written(report, "id.example.net");
    assert_non_null(strstr(html, "No complaints in week 47 of 2026"));
    assert_int_equal(count(html, "<img "), 1); /* the weeks compared; what is empty else is not drawn */
    numbers_destroy(&report);
}

static void test_every_element_is_closed(void **unused)
{
    (void)unused;
    static const char *const names[] = {"table", "tr", "td", "th", "div", "h1", "h2", "p", "body", "html"};
    struct report *report = example_report(zone);
    const char *html = written(report, "id.example.net");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char plain[16], styled[16], end[16];
        snprintf(plain, sizeof(plain), "<%s>", names[i]);
        snprintf(styled, sizeof(styled), "<%s ", names[i]);
        snprintf(end, sizeof(end), "</%s>", names[i]);
        assert_int_equal(count(html, plain) + count(html, styled), count(html, end));
    }
    numbers_destroy(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_tells_the_same_as_the_text),
        cmocka_unit_test(test_in_a_mail_pictures_are_its_parts_in_a_page_they_stand_in_it),
        cmocka_unit_test(test_nothing_is_fetched_and_nothing_runs),
        cmocka_unit_test(test_a_strangers_words_stay_words),
        cmocka_unit_test(test_a_mail_of_a_large_fleet_is_not_clipped),
        cmocka_unit_test(test_a_week_without_anything_has_its_page_too),
        cmocka_unit_test(test_every_element_is_closed),
    };
    zone = example_zone();
    buffer_init(&page, REPORT_HTML_MOST);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buffer_clear(&page);
    calendar_zone_destroy(&zone);
    return failed;
}
