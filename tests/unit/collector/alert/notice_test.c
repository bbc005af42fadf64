/* Notices as people and programs read them; whatever strangers' words stand in them. */
#include "collector/alert/notice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#define NOW (1800000000 * SECOND) /* 2027-01-15, 08:00 UTC */

static struct channel channel;
static struct notice notice;
static struct notice_item items[300];
static struct buffer out;

static int begin(void **unused)
{
    (void)unused;
    channel = (struct channel){.name = "desk", .lists = 2, .key = "KEY"};
    notice = (struct notice){.id = "0123",
                             .channel = &channel,
                             .now = NOW,
                             .wall = {.weekday = 4, .minute = 540, .east = 60},
                             .link = "",
                             .items = items};
    buffer_init(&out, 1024 * 1024);
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    buffer_clear(&out);
    return 0;
}

static void add(const char *kind, const char *subject, int severity, enum alert_news news)
{
    items[notice.count++] = (struct notice_item){.alert = {.number = (int64_t)notice.count,
                                                           .kind = text_of(kind),
                                                           .name = TEXT("name"),
                                                           .node = TEXT("hv7"),
                                                           .sender = TEXT("tap7i0"),
                                                           .customer = TEXT("acme"),
                                                           .subject = text_of(subject),
                                                           .text = TEXT("One line.\n\nAnother.\x1b[31m"),
                                                           .severity = severity,
                                                           .times = 1,
                                                           .raised = NOW - HOUR,
                                                           .last = NOW - HOUR,
                                                           .resolved = news == NEWS_OVER ? NOW - MINUTE : 0},
                                                 .news = news};
}

static const char *subject(void)
{
    static char text[NOTICE_SUBJECT];
    notice_subject(&notice, text);
    return text;
}

static const char *text_from(bool (*write)(const struct notice *, struct buffer *))
{
    assert_true(write(&notice, &out));
    assert_true(buffer_append_byte(&out, '\0'));
    return out.bytes;
}

static void test_subjects(void **unused)
{
    (void)unused;
    add("block", "tap7i0 on hv7: block", 2, NEWS_BEGUN);
    assert_string_equal(subject(), "tap7i0 on hv7: block");
    items[0].news = NEWS_OVER;
    assert_string_equal(subject(), "over: tap7i0 on hv7: block");
    add("block", "b", 2, NEWS_BEGUN);
    add("block", "c", 2, NEWS_BEGUN);
    add("moon", "d", 1, NEWS_BEGUN);
    add("node", "e", 2, NEWS_OVER);
    assert_string_equal(subject(), "2 senders blocked, 1 alert (moon); over: 1 sender blocked, 1 node lost");
    notice.count = 1;
    items[0].alert.subject = TEXT("a\r\nBcc: all@example.net\x1b");
    assert_null(strchr(subject(), '\n'));
    assert_null(strchr(subject(), '\x1b'));
    notice.is_test = true;
    assert_string_equal(subject(), "a test of channel desk");
}

static void test_longest_subject(void **unused)
{
    static char kinds[60][40];
    (void)unused;
    for (int i = 0; i < 60; i++) {
        memset(kinds[i], 'a' + i % 26, 39);
        add(kinds[i], "x", 1, i < 30 ? NEWS_BEGUN : NEWS_OVER);
    }
    assert_true(strlen(subject()) < NOTICE_SUBJECT);
}

static void test_text(void **unused)
{
    (void)unused;
    add("block", "first", 1, NEWS_BEGUN);
    add("block", "worst", 2, NEWS_BEGUN);
    add("block", "third", 1, NEWS_WORSE);
    add("node", "gone", 2, NEWS_OVER);
    add("zone", "there", 1, NEWS_STILL);
    assert_string_equal(text_from(notice_text),
                        "NEW\n\n"
                        "* worst\n"
                        "  trouble, since 2027-01-15 08:00 +01:00\n"
                        "  One line.\n"
                        "  Another.?[31m\n\n"
                        "* first\n"
                        "  warning, since 2027-01-15 08:00 +01:00\n"
                        "  One line.\n"
                        "  Another.?[31m\n\n"
                        "and 1 more: `postern alerts` shows all.\n\n"
                        "STILL THERE\n\n"
                        "* there\n"
                        "  warning, since 2027-01-15 08:00 +01:00\n"
                        "  One line.\n"
                        "  Another.?[31m\n\n"
                        "OVER\n\n"
                        "* gone\n"
                        "  trouble, since 2027-01-15 08:00 +01:00 until 2027-01-15 08:59 +01:00\n"
                        "  One line.\n"
                        "  Another.?[31m\n\n"
                        "-- \n"
                        "Postern, channel desk, 2027-01-15 09:00 +01:00\n");
}

static void test_lines(void **unused)
{
    (void)unused;
    add("block", "one\ntwo", 2, NEWS_BEGUN);
    add("block", "three", 1, NEWS_OVER);
    add("block", "four", 1, NEWS_OVER);
    assert_string_equal(text_from(notice_lines), "<3>alert (trouble): one two: One line. Another.?[31m\n"
                                                 "<5>alert is over (warning): three: One line. Another.?[31m\n"
                                                 "<5>1 more alerts\n");
}

static json_t *parsed(void)
{
    json_t *result = json_loadb(out.bytes, out.length, 0, NULL);
    assert_non_null(result);
    return result;
}

static void test_json(void **unused)
{
    (void)unused;
    add("block", "\"quoted\" \xff", 2, NEWS_BEGUN);
    add("block", "b", 1, NEWS_OVER);
    add("block", "c", 1, NEWS_OVER);
    notice.link = "https://postern.example.net/";
    assert_true(notice_json(&notice, &out));
    json_t *json = parsed(), *alerts = json_object_get(json, "alerts");
    assert_string_equal(json_string_value(json_object_get(json, "id")), "0123");
    assert_string_equal(json_string_value(json_object_get(json, "severity")), "trouble");
    assert_int_equal(json_integer_value(json_object_get(json, "count")), 3);
    assert_int_equal(json_array_size(alerts), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(alerts, 0), "state")), "new");
    assert_string_equal(json_string_value(json_object_get(json_array_get(alerts, 1), "state")), "over");
    json_decref(json);
}

static void test_slack_is_not_obeyed(void **unused)
{
    (void)unused;
    add("block", "<!channel> & <https://evil.example|click>", 2, NEWS_BEGUN);
    add("block", "b", 2, NEWS_BEGUN);
    add("block", "c", 2, NEWS_BEGUN);
    assert_true(notice_slack(&notice, &out));
    json_t *json = parsed();
    assert_string_equal(json_string_value(json_object_get(json, "text")),
                        "3 senders blocked\n• new, trouble: &lt;!channel&gt; &amp; "
                        "&lt;https://evil.example|click&gt;\n• new, trouble: b\nand 1 more");
    json_decref(json);
}

static void test_what_reads_markdown_is_not_called(void **unused)
{
    (void)unused;
    add("block", "@all: ann@isp.example sent ![x](http://evil.example/x.png)\n\xe2\x80\xa2 over", 2, NEWS_BEGUN);
    add("block", "[y][z] @here (@channel", 2, NEWS_BEGUN);
    assert_true(notice_slack(&notice, &out));
    json_t *json = parsed();
    assert_string_equal(json_string_value(json_object_get(json, "text")),
                        "2 senders blocked\n"
                        "• new, trouble: @\xe2\x80\x8b"
                        "all: ann@isp.example sent ![x]\xe2\x80\x8b"
                        "(http://evil.example/x.png) • over\n"
                        "• new, trouble: [y]\xe2\x80\x8b[z] @\xe2\x80\x8bhere (@\xe2\x80\x8b"
                        "channel");
    json_decref(json);
}

static void test_pagerduty(void **unused)
{
    (void)unused;
    add("block", "b", 9, NEWS_BEGUN);
    assert_true(notice_pagerduty(&notice, TEXT("block"), 3, &out));
    json_t *json = parsed(), *payload = json_object_get(json, "payload");
    assert_string_equal(json_string_value(json_object_get(json, "routing_key")), "KEY");
    assert_string_equal(json_string_value(json_object_get(json, "event_action")), "trigger");
    assert_string_equal(json_string_value(json_object_get(json, "dedup_key")), "postern/desk/block");
    assert_string_equal(json_string_value(json_object_get(payload, "severity")), "critical");
    assert_string_equal(json_string_value(json_object_get(payload, "summary")), "b");
    json_decref(json);
    buffer_clear(&out);
    assert_true(notice_pagerduty(&notice, TEXT("block"), 0, &out));
    json = parsed();
    assert_string_equal(json_string_value(json_object_get(json, "event_action")), "resolve");
    json_decref(json);
}

#define NOTICED(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {NOTICED(test_subjects),
                                       NOTICED(test_longest_subject),
                                       NOTICED(test_text),
                                       NOTICED(test_lines),
                                       NOTICED(test_json),
                                       NOTICED(test_slack_is_not_obeyed),
                                       NOTICED(test_what_reads_markdown_is_not_called),
                                       NOTICED(test_pagerduty)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
