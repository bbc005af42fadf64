/* Complaints of our own: what is put into them is read out of them again by the reader of others' complaints, and
 * nothing that is not known is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include "collector/complaint/complaint.h"
#include "collector/complaint/mail.h"
#include "collector/complaint/outgoing.h"
#include "collector/mime/walk.h"

#define MESSAGE                                                                                                        \
    "Received: from out.shop.example ([203.0.113.9]) by mx.there.example for <bob@there.example>;\n"                   \
    "\tMon, 23 Nov 2026 08:00:00 +0000\n"                                                                              \
    "Message-ID: <abc@shop.example>\nFrom: The Shop <news@shop.example>\nTo: Bob <bob@there.example>\n"                \
    "Subject: Sale\n\nDear Bob, visit our shop today and save on all watches and bags, this offer ends very soon\n"

static const struct text recipients[] = {TEXT("bob@there.example"), TEXT("ann@there.example"), TEXT("\r\nX: <no>")};
static struct outgoing outgoing;
static struct buffer mail;
static struct complaints got;
static const struct complaint *one;

static int begin(void **unused)
{
    (void)unused;
    outgoing = (struct outgoing){.id = "00112233445566778899aabbccddeeff",
                                 .type = COMPLAINT_ABUSE,
                                 .from = {TEXT("Example Hosting"), TEXT("abuse@host.example")},
                                 .to = TEXT("abuse@shop.example"),
                                 .now = INT64_C(1795507200) * SECOND, /* 2026-11-24T08:00:00Z */
                                 .time = INT64_C(1795420800) * SECOND,
                                 .source_port = 4321,
                                 .envelope_from = TEXT("bounce@shop.example"),
                                 .recipients = recipients,
                                 .recipient_count = 3,
                                 .message = TEXT(MESSAGE),
                                 .subject = TEXT(""),
                                 .note = TEXT("This is the third of its kind."),
                                 .is_filtered = true};
    return address_parse(TEXT("203.0.113.9"), &outgoing.source) ? 0 : -1;
}

static int end(void **unused)
{
    (void)unused;
    buffer_clear(&mail);
    complaints_clear(&got);
    return 0;
}

static struct text compose(void)
{
    struct error error = {0};
    buffer_clear(&mail);
    buffer_init(&mail, OUTGOING_MOST);
    int status = outgoing_compose(&outgoing, &mail, &error);
    if (status < 0)
        fail_msg("%s", error.text);
    return buffer_text(&mail);
}

static void read_again(void)
{
    complaints_clear(&got);
    complaints_read(compose(), &got);
    if (got.found != FOUND_COMPLAINTS)
        fail_msg("%s: %s\n%.*s", complaint_finding_name(got.found), got.trouble, (int)mail.length, mail.bytes);
    assert_int_equal(got.count, 1);
    one = got.items;
    assert_true(complaint_is_sound(one));
}

static bool says(const char *what)
{
    return memmem(mail.bytes, mail.length, what, strlen(what)) != NULL;
}

static void assert_source(void)
{
    char text[ADDRESS_TEXT];
    assert_string_equal(address_print(&one->source, text), "203.0.113.9");
}

/* --- ARF --- */

static void test_arf_is_read_as_what_was_put_into_it(void **unused)
{
    (void)unused;
    read_again();
    assert_int_equal(one->format, COMPLAINT_FORMAT_ARF);
    assert_int_equal(one->type, COMPLAINT_ABUSE);
    assert_source();
    assert_int_equal(one->source_port, 4321);
    assert_int_equal(one->time, outgoing.time);
    assert_int_equal(one->sent, outgoing.now);
    assert_string_equal(one->reporter, "host.example");
    assert_string_equal(one->reporter_address, "abuse@host.example");
    assert_string_equal(one->report_id, "00112233445566778899aabbccddeeff@host.example");
    assert_string_equal(one->agent, "Postern/" POSTERN_VERSION);
    assert_string_equal(one->version, "1");
    assert_string_equal(one->envelope_from, "bounce@shop.example");
    assert_string_equal(one->recipient, "bob@there.example");
    assert_string_equal(one->message_id, "abc@shop.example");
    assert_string_equal(one->subject, "Sale");
    assert_true(one->has_original && !one->is_redacted && one->words > 0);
    assert_true(says("Original-Rcpt-To: <ann@there.example>\r\n"));
    assert_true(says("Arrival-Date: Mon, 23 Nov 2026 08:00:00 +0000\r\n"));
    assert_true(says("This is the third of its kind."));
    assert_true(says("This is a complaint about mail that was sent from 203.0.113.9"));
}

/* RFC 5965, 2: the three parts and their order. */
static void test_arf_has_its_three_parts(void **unused)
{
    struct mail taken;
    (void)unused;
    mail_open(compose(), &taken);
    assert_string_equal(taken.report_type, "feedback-report");
    assert_int_equal(taken.count, 3);
    assert_string_equal(taken.parts[0].type, "text/plain");
    assert_string_equal(taken.parts[1].type, "message/feedback-report");
    assert_string_equal(taken.parts[2].type, "message/rfc822");
    struct text original = taken.parts[2].bytes;
    assert_non_null(memmem(original.bytes, original.length, "Dear Bob, visit our shop", 24));
    mail_close(&taken);
}

static void test_types(void **unused)
{
    (void)unused;
    for (enum complaint_type type = 0; type <= COMPLAINT_OTHER; type++) {
        outgoing.type = type;
        assert_int_equal(outgoing_takes(OUTGOING_ARF, type), type != COMPLAINT_AUTH_FAILURE);
        assert_int_equal(outgoing_takes(OUTGOING_XARF, type), type == COMPLAINT_ABUSE);
        if (!outgoing_takes(OUTGOING_ARF, type))
            continue;
        read_again();
        assert_int_equal(one->type, type);
    }
}

static void test_what_is_not_known_is_not_said(void **unused)
{
    (void)unused;
    outgoing.envelope_from = TEXT("");
    outgoing.source_port = 0;
    outgoing.time = 0;
    outgoing.recipient_count = 0;
    outgoing.note = TEXT("");
    read_again();
    assert_false(says("Original-Mail-From") || says("Source-Port") || says("Arrival-Date") || says("Original-Rcpt-To"));
    assert_source();
}

static void test_nobody_writes_a_field_of_the_report_but_we(void **unused)
{
    (void)unused;
    outgoing.envelope_from = TEXT("a@b.example>\r\nSource-IP: 192.0.2.1\r\nX: <");
    outgoing.note = TEXT("hello\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\nSource-IP: 192.0.2.1\r\n");
    outgoing.from.name = TEXT("Us\r\nBcc: x@y.example");
    read_again();
    assert_source();
    assert_false(says("Original-Mail-From") || says("\r\nBcc:"));
    assert_string_equal(one->recipient, "bob@there.example");
}

static void test_a_message_that_cannot_stand_in_a_mail_shows_its_head(void **unused)
{
    static char long_line[4000] = MESSAGE;
    static const struct text bad[] = {TEXT("Message-ID: <abc@shop.example>\n\nA NUL: \0\n"),
                                      {long_line, sizeof long_line}};
    (void)unused;
    memset(long_line + strlen(long_line), 'x', sizeof long_line - strlen(long_line));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        outgoing.message = bad[i];
        read_again();
        assert_true(says("text/rfc822-headers") && !says("message/rfc822") && says("only the head"));
        assert_string_equal(one->message_id, "abc@shop.example");
    }
    outgoing.message = TEXT("Message-ID: <abc@shop.example>\nX: \0\n\nx\n");
    read_again();
    assert_string_equal(one->message_id, "abc@shop.example");
}

static void test_a_message_that_is_too_long_shows_its_head(void **unused)
{
    size_t length = OUTGOING_WHOLE + 1;
    const size_t too_long[] = {OUTGOING_WHOLE + 1, OUTGOING_WHOLE / 2 + 1000}; /* each line end becomes two bytes */
    char *bytes = malloc(length);
    (void)unused;
    assert_non_null(bytes);
    memset(bytes, '\n', length);
    memcpy(bytes, MESSAGE, sizeof MESSAGE - 1);
    outgoing.message = (struct text){bytes, length};
    for (size_t i = 0; i < 4; i++) {
        outgoing.format = i & 1 ? OUTGOING_XARF : OUTGOING_ARF;
        outgoing.message.length = too_long[i / 2];
        read_again();
        assert_true(mail.length < 20000 && says("only the head"));
        assert_string_equal(one->message_id, "abc@shop.example");
    }
    outgoing.format = OUTGOING_ARF;
    outgoing.message.length = OUTGOING_WHOLE / 2 - 1;
    outgoing.is_cut = true;
    read_again();
    assert_true(mail.length > OUTGOING_WHOLE - 2000 && says("its end is missing"));
    free(bytes);
}

static void test_lines_end_as_they_do_in_mail(void **unused)
{
    (void)unused;
    outgoing.message = TEXT("Subject: a\rFrom: b@c.example\n\r\nx\ry\r\n");
    read_again();
    for (size_t i = 0; i < mail.length; i++)
        assert_true((mail.bytes[i] != '\n' || (i > 0 && mail.bytes[i - 1] == '\r')) &&
                    (mail.bytes[i] != '\r' || mail.bytes[i + 1] == '\n'));
    assert_string_equal(one->header_from, "b@c.example");
}

/* --- XARF --- */

static json_t *xarf(void)
{
    struct mail taken;
    outgoing.format = OUTGOING_XARF;
    read_again();
    mail_open(buffer_text(&mail), &taken);
    const struct mail_part *part = mail_find_part(&taken, "application/json");
    assert_non_null(part);
    assert_string_equal(part->name, "xarf.json");
    json_t *report = json_loadb(part->bytes.bytes, part->bytes.length, JSON_REJECT_DUPLICATES, NULL);
    mail_close(&taken);
    assert_non_null(report);
    return report;
}

static const char *string(const json_t *report, const char *key)
{
    const char *value = json_string_value(json_object_get(report, key));
    return value ? value : "";
}

static bool is_tagged(const json_t *report, const char *tag)
{
    const json_t *tags = json_object_get(report, "tags");
    for (size_t i = 0; i < json_array_size(tags); i++)
        if (strcmp(json_string_value(json_array_get(tags, i)), tag) == 0)
            return true;
    return false;
}

static void test_xarf_is_read_as_what_was_put_into_it(void **unused)
{
    (void)unused;
    json_decref(xarf());
    assert_int_equal(one->format, COMPLAINT_FORMAT_XARF);
    assert_int_equal(one->type, COMPLAINT_ABUSE);
    assert_string_equal(one->native, "messaging/spam");
    assert_string_equal(one->version, "4.2.0");
    assert_source();
    assert_int_equal(one->source_port, 4321);
    assert_int_equal(one->time, outgoing.time);
    assert_string_equal(one->reporter, "host.example");
    assert_string_equal(one->envelope_from, "bounce@shop.example");
    assert_string_equal(one->recipient, "bob@there.example");
    assert_string_equal(one->message_id, "abc@shop.example");
    assert_true(one->has_original && one->words > 0);
}

/* What the schema of version 4 demands: its core, and of messaging/spam. */
static void test_xarf_has_what_its_schema_wants(void **unused)
{
    (void)unused;
    json_t *report = xarf();
    const json_t *reporter = json_object_get(report, "reporter"), *evidence = json_object_get(report, "evidence");
    assert_string_equal(string(report, "report_id"), "00112233-4455-4677-8899-aabbccddeeff");
    assert_string_equal(string(report, "timestamp"), "2026-11-23T08:00:00.000000Z");
    assert_true(json_equal(reporter, json_object_get(report, "sender")));
    assert_int_equal(json_object_size(reporter), 3);
    assert_string_equal(string(reporter, "org"), "Example Hosting");
    assert_string_equal(string(reporter, "contact"), "abuse@host.example");
    assert_string_equal(string(reporter, "domain"), "host.example");
    assert_string_equal(string(report, "category"), "messaging");
    assert_string_equal(string(report, "type"), "spam");
    assert_string_equal(string(report, "evidence_source"), "automated_filter");
    assert_string_equal(string(report, "protocol"), "smtp");
    assert_string_equal(string(report, "smtp_from"), "bounce@shop.example");
    assert_string_equal(string(report, "smtp_to"), "bob@there.example");
    assert_string_equal(string(report, "subject"), "Sale");
    assert_string_equal(string(report, "message_id"), "<abc@shop.example>");
    assert_string_equal(string(report, "description"), "This is the third of its kind.");
    assert_int_equal(json_array_size(json_object_get(report, "tags")), 0);
    assert_int_equal(json_array_size(evidence), 1);
    assert_string_equal(string(json_array_get(evidence, 0), "content_type"), "message/rfc822");
    assert_int_equal(strlen(string(json_array_get(evidence, 0), "hash")), 7 + 64);
    json_decref(report);
}

static void test_evidence_can_be_checked(void **unused)
{
    unsigned char plain[2048], digest[crypto_hash_sha256_BYTES];
    char hash[7 + 2 * sizeof digest + 1] = "sha256:";
    size_t length;
    (void)unused;
    json_t *report = xarf();
    const json_t *item = json_array_get(json_object_get(report, "evidence"), 0);
    const char *payload = string(item, "payload");
    assert_int_equal(sodium_base642bin(plain, sizeof plain, payload, strlen(payload), NULL, &length, NULL,
                                       sodium_base64_VARIANT_ORIGINAL),
                     0);
    assert_int_equal(json_integer_value(json_object_get(item, "size")), length);
    crypto_hash_sha256(digest, plain, length);
    sodium_bin2hex(hash + 7, sizeof hash - 7, digest, sizeof digest);
    assert_string_equal(string(item, "hash"), hash);
    json_decref(report);
}

/* smtp_from is an address, and source_port a number from 1: what cannot be said so is not said by SMTP. */
static void test_the_null_sender_is_not_made_up(void **unused)
{
    (void)unused;
    outgoing.envelope_from = TEXT("");
    json_t *report = xarf();
    assert_string_equal(string(report, "protocol"), "other");
    assert_null(json_object_get(report, "smtp_from"));
    assert_true(is_tagged(report, "smtp:null-sender") && !is_tagged(report, "smtp:no-source-port"));
    json_decref(report);
    outgoing.envelope_from = TEXT("no address");
    report = xarf();
    assert_true(is_tagged(report, "smtp:odd-sender") && !is_tagged(report, "smtp:null-sender"));
    json_decref(report);
    outgoing.envelope_from = TEXT("bounce@shop.example");
    outgoing.source_port = 0;
    outgoing.recipient_count = 0;
    outgoing.is_filtered = false;
    report = xarf();
    assert_string_equal(string(report, "protocol"), "other");
    assert_string_equal(string(report, "smtp_from"), "bounce@shop.example");
    assert_string_equal(string(report, "evidence_source"), "user_complaint");
    assert_null(json_object_get(report, "source_port"));
    assert_null(json_object_get(report, "smtp_to"));
    assert_true(is_tagged(report, "smtp:no-source-port"));
    json_decref(report);
}

static void test_xarf_of_any_bytes_is_json(void **unused)
{
    (void)unused;
    outgoing.message = TEXT("Subject: \xff\"\\\x01\nMessage-ID: <\xfe\"\0@x>\n\n\0\xff\n");
    outgoing.note = TEXT("\xff\"\x1b[2J");
    outgoing.from.name = TEXT("");
    json_t *report = xarf();
    assert_string_equal(string(json_object_get(report, "reporter"), "org"), "host.example");
    assert_string_equal(string(json_array_get(json_object_get(report, "evidence"), 0), "content_type"),
                        "message/rfc822");
    json_decref(report);
}

/* --- redacted --- */

static void test_redacted_nobody_learns_who_received_it(void **unused)
{
    (void)unused;
    outgoing.is_redacted = true;
    read_again();
    assert_false(says("bob") || says("Bob") || says("ann@") || says("Dear"));
    assert_true(says("Who received it is not named."));
    assert_string_equal(one->recipient, "redacted@there.example");
    assert_string_equal(one->message_id, "abc@shop.example");
    assert_true(one->is_redacted && one->has_original && one->words == 0);
    /* A bounce address holds it too. */
    outgoing.envelope_from = TEXT("bounce-7-Bob=there.example@shop.example");
    read_again();
    assert_false(says("bob") || says("Bob"));
    assert_true(says("Original-Mail-From: <bounce-7-redacted=there.example@shop.example>"));
}

static void test_redacted_in_xarf(void **unused)
{
    unsigned char plain[2048];
    size_t length;
    (void)unused;
    outgoing.is_redacted = true;
    json_t *report = xarf();
    const json_t *item = json_array_get(json_object_get(report, "evidence"), 0);
    const char *payload = string(item, "payload");
    assert_int_equal(sodium_base642bin(plain, sizeof plain, payload, strlen(payload), NULL, &length, NULL,
                                       sodium_base64_VARIANT_ORIGINAL),
                     0);
    assert_null(memmem(plain, length, "bob", 3));
    assert_null(memmem(plain, length, "Bob", 3));
    assert_non_null(memmem(plain, length, "for <redacted@there.example>", 28));
    assert_string_equal(string(item, "content_type"), "text/rfc822-headers");
    assert_string_equal(string(report, "smtp_to"), "redacted@there.example");
    assert_string_equal(string(report, "subject"), "Sale");
    assert_true(is_tagged(report, "report:redacted"));
    json_decref(report);
    outgoing.envelope_from = TEXT("bounce-7-bob=there.example@shop.example");
    report = xarf();
    assert_string_equal(string(report, "smtp_from"), "bounce-7-redacted=there.example@shop.example");
    json_decref(report);
}

/* --- all --- */

static void test_the_same_is_the_same(void **unused)
{
    char first[OUTGOING_ID], other[OUTGOING_ID];
    (void)unused;
    struct text composed = compose();
    char *copy = strndup(composed.bytes, composed.length);
    assert_true(text_equals(compose(), text_of(copy)));
    free(copy);
    outgoing_identify(&outgoing, first);
    outgoing.note = TEXT("other words");
    outgoing.now += DAY;
    outgoing_identify(&outgoing, other);
    assert_string_equal(first, other);
    outgoing.to = TEXT("Abuse@Shop.Example");
    outgoing_identify(&outgoing, other);
    assert_string_equal(first, other);
    outgoing.to = TEXT("abuse@elsewhere.example");
    outgoing_identify(&outgoing, other);
    assert_string_not_equal(first, other);
    outgoing.to = TEXT("abuse@shop.example");
    outgoing.is_redacted = true;
    outgoing_identify(&outgoing, other);
    assert_string_not_equal(first, other);
}

static void refuse(const char *why)
{
    struct error error = {0};
    buffer_clear(&mail);
    assert_int_equal(outgoing_compose(&outgoing, &mail, &error), -EINVAL);
    assert_non_null(strstr(error.text, why));
    assert_int_equal(mail.length, 0);
}

static void test_what_cannot_be_said_is_refused(void **unused)
{
    static char note[OUTGOING_NOTE + 1];
    (void)unused;
    outgoing.type = COMPLAINT_AUTH_FAILURE;
    refuse("no word");
    begin(NULL);
    outgoing.source = (struct address){0};
    refuse("sent from");
    begin(NULL);
    outgoing.message = TEXT("");
    refuse("no message");
    begin(NULL);
    outgoing.note = (struct text){note, sizeof note};
    refuse("note");
    begin(NULL);
    outgoing.from.address = TEXT("abuse@[192.0.2.1]");
    refuse("domain");
    outgoing.from.address = TEXT("nobody");
    refuse("domain");
    begin(NULL);
    outgoing.to = TEXT("a@b.example\r\nBcc: c@d.example");
    refuse("");
}

int main(void)
{
    walk_prepare();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_arf_is_read_as_what_was_put_into_it, begin),
        cmocka_unit_test_setup(test_arf_has_its_three_parts, begin),
        cmocka_unit_test_setup(test_types, begin),
        cmocka_unit_test_setup(test_what_is_not_known_is_not_said, begin),
        cmocka_unit_test_setup(test_nobody_writes_a_field_of_the_report_but_we, begin),
        cmocka_unit_test_setup(test_a_message_that_cannot_stand_in_a_mail_shows_its_head, begin),
        cmocka_unit_test_setup(test_a_message_that_is_too_long_shows_its_head, begin),
        cmocka_unit_test_setup(test_lines_end_as_they_do_in_mail, begin),
        cmocka_unit_test_setup(test_redacted_nobody_learns_who_received_it, begin),
        cmocka_unit_test_setup(test_redacted_in_xarf, begin),
        cmocka_unit_test_setup(test_xarf_is_read_as_what_was_put_into_it, begin),
        cmocka_unit_test_setup(test_xarf_has_what_its_schema_wants, begin),
        cmocka_unit_test_setup(test_evidence_can_be_checked, begin),
        cmocka_unit_test_setup(test_the_null_sender_is_not_made_up, begin),
        cmocka_unit_test_setup(test_xarf_of_any_bytes_is_json, begin),
        cmocka_unit_test_setup(test_the_same_is_the_same, begin),
        cmocka_unit_test_setup(test_what_cannot_be_said_is_refused, begin),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
