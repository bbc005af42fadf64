/* What the composer promises: another's parser (GMime) reads what was put in, the same draft is the same bytes, and
 * nothing in a text gets out of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <gmime/gmime.h>
#include "collector/letter/compose.h"

#define TIME (INT64_C(1795424400) * SECOND) /* 2026-11-23T09:00:00Z */

static const struct draft_address anna = {.name = {"Anna", 4}, .address = {"anna@example.net", 16}};

static struct draft plain_draft(void)
{
    return (struct draft){.from = {.name = TEXT("Abuse desk"), .address = TEXT("abuse@example.net")},
                          .to = &anna,
                          .to_count = 1,
                          .subject = TEXT("Hello"),
                          .date = TIME,
                          .message_id = TEXT("one@example.net"),
                          .text = TEXT("A line.\n")};
}

/* The whole, ended by NUL; to be freed. Lines are held against RFC 5322 on the way. */
static char *compose(const struct draft *draft)
{
    struct buffer out;
    struct error error = {0};
    buffer_init(&out, 1024 * 1024);
    if (compose_message(draft, &out, &error) < 0)
        fail_msg("%s", error.text);
    assert_true(buffer_append_byte(&out, '\0'));
    assert_int_equal(strlen(out.bytes), out.length - 1);
    for (size_t i = 0, line = 0; i + 1 < out.length; i++) {
        unsigned char byte = (unsigned char)out.bytes[i];
        line = byte == '\n' ? 0 : line + 1;
        assert_true(byte == '\r' ? out.bytes[i + 1] == '\n' : byte == '\n' ? out.bytes[i - 1] == '\r' : true);
        assert_true(byte >= 32 || byte == '\r' || byte == '\n' || byte == '\t');
        assert_in_range(line, 0, 998);
    }
    return out.bytes;
}

static GMimeMessage *parse(const char *bytes)
{
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(bytes, strlen(bytes));
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
    assert_non_null(message);
    g_object_unref(parser);
    g_object_unref(stream);
    return message;
}

static GMimeObject *child(GMimeObject *object, int index, const char *kind)
{
    GMimeContentType *type = g_mime_object_get_content_type(object);
    assert_true(GMIME_IS_MULTIPART(object));
    assert_string_equal(g_mime_content_type_get_media_subtype(type), kind);
    return g_mime_multipart_get_part((GMimeMultipart *)object, index);
}

static void expect_content(GMimeObject *object, const char *type, const void *wanted, size_t length)
{
    char *name = g_mime_content_type_get_mime_type(g_mime_object_get_content_type(object));
    GMimeStream *memory = g_mime_stream_mem_new();
    assert_string_equal(name, type);
    assert_true(GMIME_IS_PART(object));
    g_mime_data_wrapper_write_to_stream(g_mime_part_get_content((GMimePart *)object), memory);
    const GByteArray *array = g_mime_stream_mem_get_byte_array((GMimeStreamMem *)memory);
    assert_int_equal(array->len, length);
    assert_memory_equal(array->data, wanted, length);
    g_object_unref(memory);
    g_free(name);
}

static void expect_text(GMimeObject *object, const char *type, const char *wanted)
{
    expect_content(object, type, wanted, strlen(wanted));
}

static void a_plain_one_is_written_plainly(void **state)
{
    (void)state;
    const struct draft_header header = {.name = "Auto-Submitted", .value = TEXT("auto-generated")};
    struct draft draft = plain_draft();
    draft.headers = &header;
    draft.header_count = 1;
    char *bytes = compose(&draft);
    assert_string_equal(bytes, "From: Abuse desk <abuse@example.net>\r\n"
                               "To: Anna <anna@example.net>\r\n"
                               "Subject: Hello\r\n"
                               "Date: Mon, 23 Nov 2026 09:00:00 +0000\r\n"
                               "Message-ID: <one@example.net>\r\n"
                               "Auto-Submitted: auto-generated\r\n"
                               "MIME-Version: 1.0\r\n"
                               "Content-Type: text/plain; charset=utf-8\r\n"
                               "Content-Transfer-Encoding: 7bit\r\n"
                               "\r\n"
                               "A line.\r\n");
    free(bytes);
}

static void dates_are_written_where_people_are(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        int offset;
        const char *wanted;
    } rows[] = {
        {0, 0, "Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n"},
        {1795424400, 60, "Date: Mon, 23 Nov 2026 10:00:00 +0100\r\n"},
        {1795424400, -570, "Date: Sun, 22 Nov 2026 23:30:00 -0930\r\n"},
        {951782399, 0, "Date: Mon, 28 Feb 2000 23:59:59 +0000\r\n"},
        {951782400, 0, "Date: Tue, 29 Feb 2000 00:00:00 +0000\r\n"},
        {4107542400, 0, "Date: Mon, 1 Mar 2100 00:00:00 +0000\r\n"}, /* 2100 has no 29th */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct draft draft = plain_draft();
        draft.date = rows[i].seconds * SECOND;
        draft.date_offset = rows[i].offset;
        char *bytes = compose(&draft);
        if (!strstr(bytes, rows[i].wanted))
            fail_msg("%s is not in %s", rows[i].wanted, bytes);
        free(bytes);
    }
}

static void what_is_not_ascii_is_read_as_it_was(void **state)
{
    (void)state;
    struct draft draft = plain_draft();
    const char *subject = "Ihr Server „tap7“ wurde gesperrt: żółć, ñandú, façade — und noch viel mehr, damit es "
                          "mehrere Zeilen werden";
    const char *text = "Grüße,\nzażółć gęślą jaźń = 1\n.\nFrom here on\n trailing \nend";
    const struct draft_address to = {.name = TEXT("Jörg \"der\" Müller, Köln und die ganze lange Abteilung"),
                                     .address = TEXT("joerg@example.de")};
    draft.to = &to;
    draft.subject = text_of(subject);
    draft.text = text_of(text);
    char *bytes = compose(&draft);
    assert_null(strstr(bytes, "\r\n.\r\n"));
    assert_null(strstr(bytes, "\r\nFrom here"));
    GMimeMessage *message = parse(bytes);
    assert_string_equal(g_mime_message_get_subject(message), subject);
    InternetAddress *address = internet_address_list_get_address(g_mime_message_get_to(message), 0);
    assert_string_equal(internet_address_get_name(address), to.name.bytes);
    assert_string_equal(((InternetAddressMailbox *)address)->addr, "joerg@example.de");
    expect_text(g_mime_message_get_mime_part(message), "text/plain",
                "Grüße,\r\nzażółć gęślą jaźń = 1\r\n.\r\nFrom here on\r\n trailing \r\nend\r\n");
    g_object_unref(message);
    free(bytes);
}

static void nothing_in_a_text_becomes_a_header(void **state)
{
    (void)state;
    const struct draft_header header = {.name = "X-Node", .value = TEXT("hv7\nX-Spam: no\r\n\r\nbody")};
    const struct draft_address to = {.name = TEXT("A\r\nBcc: x@example.org\r\n\r\n"), .address = TEXT("a@example.net")};
    const struct draft_part part = {
        .type = "text/csv", .name = TEXT("../a\"\r\nX-Evil: 1\n.csv"), .content = TEXT("a,b\r\n")};
    struct draft draft = plain_draft();
    draft.subject = TEXT("tap7\r\nBcc: all@example.org\n\n<script>\0\x1b[31m\xff \xe2\x80\xae=?utf-8?B?eA==?=");
    draft.headers = &header;
    draft.header_count = 1;
    draft.to = &to;
    draft.attachments = &part;
    draft.attachment_count = 1;
    draft.text = TEXT("\x1b[2J\xc2\x9b a\xe2\x80\xae b\0c \xc0\xaf\n--=_x\r\rend");
    char *bytes = compose(&draft);
    assert_null(strstr(bytes, "\nBcc"));
    assert_null(strstr(bytes, "\nX-Spam"));
    assert_null(strstr(bytes, "\nX-Evil"));
    GMimeMessage *message = parse(bytes);
    assert_string_equal(g_mime_message_get_subject(message),
                        "tap7 Bcc: all@example.org <script>??[31m\xef\xbf\xbd =?utf-8?B?eA==?=");
    assert_null(g_mime_object_get_header((GMimeObject *)message, "Bcc"));
    assert_string_equal(g_mime_object_get_header((GMimeObject *)message, "X-Node"), "hv7 X-Spam: no body");
    GMimeObject *whole = g_mime_message_get_mime_part(message);
    expect_text(child(whole, 0, "mixed"), "text/plain", "?[2J? a b?c \xef\xbf\xbd\xef\xbf\xbd\r\n--=_x\r\n\r\nend\r\n");
    expect_text(child(whole, 1, "mixed"), "text/csv", "a,b\r\n");
    assert_string_equal(g_mime_part_get_filename((GMimePart *)child(whole, 1, "mixed")), "_._a___X-Evil_ 1_.csv");
    g_object_unref(message);
    free(bytes);
}

static void what_looks_encoded_is_read_as_it_is(void **state)
{
    (void)state;
    struct draft draft = plain_draft();
    draft.subject = TEXT("=?utf-8?Q?From_the_bank?=");
    char *bytes = compose(&draft);
    GMimeMessage *message = parse(bytes);
    assert_string_equal(g_mime_message_get_subject(message), "=?utf-8?Q?From_the_bank?=");
    g_object_unref(message);
    free(bytes);
}

static void long_words_do_not_make_long_lines(void **state)
{
    (void)state;
    char word[5001];
    struct draft draft = plain_draft();
    memset(word, 'x', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    draft.subject = draft.text = text_of(word);
    char *bytes = compose(&draft);
    GMimeMessage *message = parse(bytes);
    assert_string_equal(g_mime_message_get_subject(message), word);
    g_object_unref(message);
    free(bytes);
}

static void a_report_has_pictures_and_attachments(void **state)
{
    (void)state;
    const unsigned char png[] = {0x89, 'P', 'N', 'G', 0, 0xff, '\r', '\n'};
    const struct draft_part image = {.type = "image/png",
                                     .name = TEXT("chart.png"),
                                     .content_id = "chart@example.net",
                                     .content = {(const char *)png, sizeof png}};
    const struct draft_part csv = {
        .type = "text/csv; charset=utf-8", .name = TEXT("Übersicht 1.csv"), .content = TEXT("a,b\r\n1,2\r\n")};
    struct draft draft = plain_draft();
    draft.html = TEXT("<p>ä <img src=\"cid:chart@example.net\"></p>");
    draft.images = &image;
    draft.image_count = 1;
    draft.attachments = &csv;
    draft.attachment_count = 1;
    char *bytes = compose(&draft), *again = compose(&draft);
    assert_string_equal(bytes, again);
    GMimeMessage *message = parse(bytes);
    GMimeObject *whole = g_mime_message_get_mime_part(message), *both = child(whole, 0, "mixed");
    expect_text(child(both, 0, "alternative"), "text/plain", "A line.\r\n");
    GMimeObject *related = child(both, 1, "alternative"), *picture = child(related, 1, "related");
    expect_text(child(related, 0, "related"), "text/html", "<p>ä <img src=\"cid:chart@example.net\"></p>\r\n");
    expect_content(picture, "image/png", png, sizeof png);
    assert_string_equal(g_mime_part_get_content_id((GMimePart *)picture), "chart@example.net");
    assert_string_equal(g_mime_object_get_disposition(picture), "inline");
    GMimeObject *table = child(whole, 1, "mixed");
    expect_text(table, "text/csv", "a,b\r\n1,2\r\n");
    assert_string_equal(g_mime_part_get_filename((GMimePart *)table), "Übersicht 1.csv");
    assert_string_equal(g_mime_object_get_disposition(table), "attachment");
    draft.text = TEXT("Another line.\n");
    free(again);
    again = compose(&draft);
    assert_memory_not_equal(strstr(bytes, "boundary="), strstr(again, "boundary="), 40);
    g_object_unref(message);
    free(bytes);
    free(again);
}

static void a_feedback_report_is_a_multipart_of_its_kind(void **state)
{
    (void)state;
    const struct draft_part parts[] = {
        {.type = "message/feedback-report", .content = TEXT("Feedback-Type: abuse\nVersion: 1\n"), .is_raw = true},
        {.type = "message/rfc822", .content = TEXT("Subject: ä\n\n--=_0_report--\n.\n"), .is_raw = true}};
    struct draft draft = plain_draft();
    draft.report_type = "feedback-report";
    draft.attachments = parts;
    draft.attachment_count = 2;
    char *bytes = compose(&draft);
    assert_non_null(strstr(bytes, "report-type=\"feedback-report\""));
    assert_non_null(strstr(bytes, "\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\n"));
    assert_non_null(strstr(bytes, "\r\n\r\nSubject: ä\r\n\r\n--=_0_report--\r\n.\r\n"));
    assert_non_null(strstr(bytes, "_report\"\r\nContent-Transfer-Encoding: 8bit\r\n"));
    GMimeMessage *message = parse(bytes);
    GMimeObject *whole = g_mime_message_get_mime_part(message);
    assert_int_equal(g_mime_multipart_get_count((GMimeMultipart *)whole), 3);
    assert_true(GMIME_IS_MESSAGE_PART(child(whole, 2, "report")));
    g_object_unref(message);
    free(bytes);
}

static void what_may_not_go_out_is_refused(void **state)
{
    (void)state;
    const struct draft_header header = {.name = "Bcc x", .value = TEXT("")}, own = {.name = "Subject"};
    const struct draft_part raw = {.type = "message/rfc822", .content = TEXT("a\rb"), .is_raw = true},
                            typeless = {.type = "text/csv\r\nX: y", .content = TEXT("")};
    const struct draft_address bad = {.address = TEXT("a@b>, <c@d")};
    struct draft drafts[6];
    static const char *const wanted[] = {"To: \"a@b>, <c@d\"", "Message-ID", "header's name",
                                         "header's name",      "CR alone",   "type"};
    for (size_t i = 0; i < 6; i++)
        drafts[i] = plain_draft();
    drafts[0].to = &bad;
    drafts[1].message_id = TEXT("a b@c");
    drafts[2].headers = &header;
    drafts[3].headers = &own;
    drafts[2].header_count = drafts[3].header_count = 1;
    drafts[4].attachments = &raw;
    drafts[5].attachments = &typeless;
    drafts[4].attachment_count = drafts[5].attachment_count = 1;
    for (size_t i = 0; i < 6; i++) {
        struct error error = {0};
        struct buffer out;
        buffer_init(&out, 4096);
        assert_int_equal(compose_message(&drafts[i], &out, &error), -EINVAL);
        if (!strstr(error.text, wanted[i]))
            fail_msg("%s: %s", wanted[i], error.text);
        assert_int_equal(out.length, 0);
        buffer_clear(&out);
    }
}

static void what_does_not_fit_is_not_begun(void **state)
{
    (void)state;
    struct draft draft = plain_draft();
    struct error error = {0};
    struct buffer out;
    buffer_init(&out, 200);
    assert_true(buffer_append(&out, TEXT("before")));
    assert_int_equal(compose_message(&draft, &out, &error), -ENOSPC);
    assert_int_equal(out.length, 6);
    buffer_clear(&out);
}

static void addresses_are_read_as_people_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name, *address;
    } rows[] = {
        {"abuse@example.net", "", "abuse@example.net"},
        {" Abuse desk <abuse@example.net> ", "Abuse desk", "abuse@example.net"},
        {"\"Desk, abuse\" <a.b+c@[192.0.2.1]>", "Desk, abuse", "a.b+c@[192.0.2.1]"},
        {"Büro<a@b>", "Büro", "a@b"},
        {"abuse", NULL, NULL},
        {"a@b, c@d", NULL, NULL},
        {"<a@b> <c@d>", NULL, NULL},
        {"a@b..c", NULL, NULL},
        {".a@b", NULL, NULL},
        {"a@b\nBcc: c@d", NULL, NULL},
        {"\"a b\"@c", NULL, NULL},
        {"ä@example.net", NULL, NULL},
        {"a@", NULL, NULL},
        {"<>", NULL, NULL},
        {"", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct draft_address read;
        bool is_one = compose_read_address(text_of(rows[i].text), &read);
        if (is_one != (rows[i].address != NULL))
            fail_msg("%s", rows[i].text);
        if (!is_one)
            continue;
        assert_true(text_equals(read.name, text_of(rows[i].name)));
        assert_true(text_equals(read.address, text_of(rows[i].address)));
    }
}

static int begin(void **state)
{
    (void)state;
    g_mime_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_one_is_written_plainly),
        cmocka_unit_test(dates_are_written_where_people_are),
        cmocka_unit_test(what_is_not_ascii_is_read_as_it_was),
        cmocka_unit_test(nothing_in_a_text_becomes_a_header),
        cmocka_unit_test(what_looks_encoded_is_read_as_it_is),
        cmocka_unit_test(long_words_do_not_make_long_lines),
        cmocka_unit_test(a_report_has_pictures_and_attachments),
        cmocka_unit_test(a_feedback_report_is_a_multipart_of_its_kind),
        cmocka_unit_test(what_may_not_go_out_is_refused),
        cmocka_unit_test(what_does_not_fit_is_not_begun),
        cmocka_unit_test(addresses_are_read_as_people_write_them),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
