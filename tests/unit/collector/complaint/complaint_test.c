/* What is read out of complaints in each of their forms, and what is told apart from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "collector/complaint/complaint.h"
#include "collector/mime/walk.h"
#include "common/buffer.h"

static struct complaints got;
static const struct complaint *one; /* the first */

static void read_text(struct text content)
{
    complaints_clear(&got);
    complaints_read(content, &got);
    for (uint32_t i = 0; i < got.count; i++)
        assert_true(complaint_is_sound(&got.items[i]));
    one = got.items;
}

static void read_it(const char *content, enum complaint_finding found, uint32_t count)
{
    read_text(text_of(content));
    if (got.found != found)
        fail_msg("%s (%s), not %s", complaint_finding_name(got.found), got.trouble, complaint_finding_name(found));
    assert_int_equal(got.count, count);
}

static void assert_source(const char *address)
{
    char text[ADDRESS_TEXT];
    assert_string_equal(address_print(&one->source, text), address);
}

static void assert_time(moment when, const char *expected)
{
    char text[MOMENT_TEXT];
    assert_string_equal(moment_print(when, text), expected);
}

#define ORIGINAL                                                                                                       \
    "Return-Path: <bounce@shop.example>\n"                                                                             \
    "Received: from out.shop.example (out.shop.example [203.0.113.9])\n"                                               \
    "\tby mx.example.com with ESMTP id 1; Mon, 23 Nov 2026 08:00:00 +0000\n"                                           \
    "Received: from [10.0.0.1] (unknown [198.51.100.4]) by out.shop.example; Mon, 23 Nov 2026 07:59:00 +0000\n"        \
    "Message-ID: <abc@shop.example>\n"                                                                                 \
    "From: The Shop <news@shop.example>\n"                                                                             \
    "To: Reader <reader@example.com>\n"                                                                                \
    "Date: Mon, 23 Nov 2026 07:58:00 +0000\n"                                                                          \
    "Subject: =?utf-8?q?Sale=21?=\n\n"                                                                                 \
    "Visit our shop today and save on all watches and bags, for this offer ends very soon indeed\n"

#define ARF(fields)                                                                                                    \
    "From: FBL <fbl@Example.COM>\nMessage-ID: <r1@example.com>\nDate: Tue, 24 Nov 2026 08:00:00 +0000\n"               \
    "Subject: FW: Sale\nMIME-Version: 1.0\n"                                                                           \
    "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n"                                      \
    "--b\nContent-Type: text/plain\n\nA report.\n"                                                                     \
    "--b\nContent-Type: message/feedback-report\n\n" fields "\n"                                                       \
    "--b\nContent-Type: message/rfc822\n\n" ORIGINAL "--b--\n"

static void test_arf(void **unused)
{
    (void)unused;
    read_it(ARF("Feedback-Type: abuse\nUser-Agent: FBL/1\nVersion: 1\nSource-IP: 203.0.113.9\nSource-Port: 4321\n"
                "Original-Mail-From: <bounce@shop.example>\nOriginal-Rcpt-To: <reader@example.com>\n"
                "Arrival-Date: Mon, 23 Nov 2026 09:00:01 +0100\nIncidents: 3\nReported-Domain: Shop.example\n"
                "Reported-URI: http://shop.example/x\nOriginal-Envelope-Id: Q1\n"),
            FOUND_COMPLAINTS, 1);
    assert_int_equal(one->format, COMPLAINT_FORMAT_ARF);
    assert_int_equal(one->type, COMPLAINT_ABUSE);
    assert_source("203.0.113.9");
    assert_int_equal(one->source_port, 4321);
    assert_int_equal(one->incidents, 3);
    assert_time(one->time, "2026-11-23T08:00:01.000000Z");
    assert_time(one->sent, "2026-11-24T08:00:00.000000Z");
    assert_string_equal(one->reporter, "example.com");
    assert_string_equal(one->reporter_address, "fbl@Example.COM");
    assert_string_equal(one->report_id, "r1@example.com");
    assert_string_equal(one->category, "messaging");
    assert_string_equal(one->kind, "spam");
    assert_string_equal(one->envelope_from, "bounce@shop.example");
    assert_string_equal(one->envelope_id, "Q1");
    assert_string_equal(one->recipient, "reader@example.com");
    assert_int_equal(one->is_redacted, 0);
    assert_string_equal(one->domains[0], "shop.example");
    assert_string_equal(one->links[0], "http://shop.example/x");
}

/* What the report does not say, the message that it holds may; and the message's digest is the one that the collector
 * knows it by. */
static void test_what_the_message_says(void **unused)
{
    (void)unused;
    static struct message_facts facts;
    static const struct walk_limits limits = {0};
    char text[ADDRESS_TEXT];
    read_it(ARF("Feedback-Type: abuse\nUser-Agent: FBL/1\nVersion: 1\n"), FOUND_COMPLAINTS, 1);
    assert_int_equal(one->source.family, 0);
    assert_int_equal(one->address_count, 2);
    assert_string_equal(address_print(&one->addresses[0], text), "203.0.113.9");
    assert_string_equal(one->message_id, "abc@shop.example");
    assert_string_equal(one->subject, "Sale!");
    assert_string_equal(one->header_from, "The Shop <news@shop.example>");
    assert_string_equal(one->recipient, "reader@example.com");
    assert_time(one->time, "2026-11-23T07:58:00.000000Z");
    assert_int_equal(one->has_original, 1);
    walk_message(TEXT(ORIGINAL), &limits, &facts);
    assert_int_equal(strlen(facts.body), 32);
    assert_string_equal(one->body, facts.body);
    assert_int_equal(one->words, facts.words);
}

static void test_types_of_feedback(void **unused)
{
    (void)unused;
    read_it(ARF("Feedback-Type: fraud\n"), FOUND_COMPLAINTS, 1);
    assert_int_equal(one->type, COMPLAINT_FRAUD);
    read_it(ARF("Feedback-Type: virus\n"), FOUND_COMPLAINTS, 1);
    assert_int_equal(one->type, COMPLAINT_VIRUS);
    read_it(ARF("Feedback-Type: Not-Spam\n"), FOUND_COMPLAINTS, 1);
    assert_int_equal(one->type, COMPLAINT_NOT_SPAM);
    read_it(ARF("Feedback-Type: auth-failure\nAuth-Failure: dmarc\n"), FOUND_COMPLAINTS, 1);
    assert_int_equal(one->type, COMPLAINT_AUTH_FAILURE);
    assert_string_equal(one->native, "auth-failure/dmarc");
    read_it(ARF("Feedback-Type: of another time\n"), FOUND_COMPLAINTS, 1);
    assert_int_equal(one->type, COMPLAINT_OTHER);
    read_it(ARF("User-Agent: forgot the type\nSource-IP: 192.0.2.1\n"), FOUND_BROKEN, 1);
    assert_source("192.0.2.1");
}

static void test_redacted_recipients(void **unused)
{
    (void)unused;
    read_it(ARF("Feedback-Type: abuse\nRedacted-Address: redacted@\n"), FOUND_COMPLAINTS, 1);
    assert_int_equal(one->is_redacted, 1);
    read_it(ARF("Feedback-Type: abuse\nOriginal-Rcpt-To: cb4a01a48251d4765f489076aa81e2a4@example.net\n"),
            FOUND_COMPLAINTS, 1);
    assert_int_equal(one->is_redacted, 1);
    read_it(ARF("Feedback-Type: abuse\nSource-IP: x.x.x.x\n"), FOUND_COMPLAINTS, 1);
    assert_int_equal(one->source.family, 0);
    assert_string_equal(one->source_text, "x.x.x.x");
}

static void test_line_ends_of_all_kinds(void **unused)
{
    (void)unused;
    static const char content[] = "\xef\xbb\xbf\n" ARF("Feedback-Type: abuse\nSource-IP: IPv6:2001:db8::1\n");
    char changed[2 * sizeof content];
    size_t length = 0;
    read_it(content, FOUND_COMPLAINTS, 1);
    assert_source("2001:db8::1");
    for (size_t i = 0; i < sizeof content - 1; i++)
        changed[i] = content[i] == '\n' ? '\r' : content[i];
    read_text((struct text){changed, sizeof content - 1});
    assert_int_equal(got.found, FOUND_COMPLAINTS);
    assert_string_equal(one->message_id, "abc@shop.example");
    for (size_t i = 0; i < sizeof content - 1; i++) {
        if (content[i] == '\n')
            changed[length++] = '\r';
        changed[length++] = content[i];
    }
    read_text((struct text){changed, length});
    assert_int_equal(got.found, FOUND_COMPLAINTS);
    assert_string_equal(one->message_id, "abc@shop.example");
}

#define FOUR                                                                                                           \
    "{\"xarf_version\":\"4.2.0\",\"report_id\":\"02eb480f-8172-431a-9276-c28ba90f694a\","                              \
    "\"timestamp\":\"2026-11-23T08:00:00Z\",\"reporter\":{\"org\":\"Trap\",\"contact\":\"r@trap.example\","            \
    "\"domain\":\"Trap.example\"},\"source_identifier\":\"203.0.113.9\",\"source_port\":25,"                           \
    "\"category\":\"messaging\",\"type\":\"spam\",\"protocol\":\"smtp\",\"smtp_from\":\"a@shop.example\","             \
    "\"subject\":\"Sale\",\"evidence\":[{\"content_type\":\"message/rfc822\","                                         \
    "\"payload\":\"TWVzc2FnZS1JRDogPGFiY0BzaG9wLmV4YW1wbGU+CgpIaQo=\"}]}"

static void test_xarf_four(void **unused)
{
    (void)unused;
    read_it(FOUR, FOUND_COMPLAINTS, 1);
    assert_int_equal(one->format, COMPLAINT_FORMAT_XARF);
    assert_int_equal(one->type, COMPLAINT_ABUSE);
    assert_source("203.0.113.9");
    assert_int_equal(one->source_port, 25);
    assert_string_equal(one->reporter, "trap.example");
    assert_string_equal(one->report_id, "02eb480f-8172-431a-9276-c28ba90f694a");
    assert_string_equal(one->envelope_from, "a@shop.example");
    assert_string_equal(one->message_id, "abc@shop.example");
    assert_time(one->time, "2026-11-23T08:00:00.000000Z");
    read_it("[" FOUR "," FOUR "]", FOUND_COMPLAINTS, 2);
    read_it("{\"xarf_version\":\"4.0.0\",\"category\":\"nonsense\",\"type\":\"spam\"}", FOUND_BROKEN, 1);
    read_it("{\"xarf_version\":\"4.0.0\",\"category\":\"messaging\",\"type\":\"spam\"}", FOUND_BROKEN, 1);
}

static void test_xarf_of_before(void **unused)
{
    (void)unused;
    read_it("{\"Version\":\"3\",\"ReporterInfo\":{\"ReporterOrgDomain\":\"example.com\"},\"Report\":{\"ReportClass\":"
            "\"Activity\",\"ReportType\":\"LoginAttack\",\"Date\":\"2026-11-23T08:00:00Z\",\"SourceIp\":"
            "\"192.0.2.55\",\"SourcePort\":54321,\"DestinationIp\":\"198.51.100.33\",\"DestinationPort\":22}}",
            FOUND_COMPLAINTS, 1);
    assert_string_equal(one->native, "Activity/LoginAttack");
    assert_string_equal(one->category, "connection");
    assert_string_equal(one->kind, "login_attack");
    assert_source("192.0.2.55");
    assert_int_equal(one->destination_port, 22);
    read_it("{\"Version\":\"3.0.0\",\"Report\":{\"ReportClass\":\"Content\",\"ReportType\":\"phishing\",\"Source\":"
            "{\"URL\":\"https://bad.example/\"}}}",
            FOUND_COMPLAINTS, 1);
    assert_int_equal(one->type, COMPLAINT_FRAUD);
    assert_string_equal(one->links[0], "https://bad.example/");
    /* No text is cut inside of a character. */
    read_it("{\"Version\":\"3\",\"Report\":{\"ReportClass\":"
            "\"x\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
            "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\",\"ReportType\":\"Spam\",\"SourceIp\":\"192.0.2.55\"}}",
            FOUND_COMPLAINTS, 1);
    read_it("{\"Version\":\"3\",\"Report\":{}}", FOUND_BROKEN, 1);
    read_it("{\"hello\":1}", FOUND_BROKEN, 0);
    read_it("{\"xarf_version\":", FOUND_BROKEN, 0);
}

static void test_xarf_in_a_mail(void **unused)
{
    (void)unused;
    read_it("From: <r@trap.example>\nMessage-ID: <m@trap.example>\nX-XARF: PLAIN\nMIME-Version: 1.0\n"
            "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nSee below.\n--b\n"
            "Content-Type: application/json; name=xarf.json\n\n" FOUR "\n--b--\n",
            FOUND_COMPLAINTS, 1);
    assert_int_equal(one->format, COMPLAINT_FORMAT_XARF);
    assert_string_equal(one->report_id, "02eb480f-8172-431a-9276-c28ba90f694a");
}

#define LINES                                                                                                          \
    "Reported-From: autogenerated@blocklist.de\nCategory: abuse\nReport-Type: login-attack\nReport-ID: '42@x'\n"       \
    "Service: ssh\nPort: 22\nUser-Agent: Fail2BanFeedBackScript\nDate: Mon, 23 Nov 2026 08:00:00 +0000\n"              \
    "Source-Type: ipv4\nSource: 203.0.113.9\n"

static void test_xarf_lines(void **unused)
{
    (void)unused;
    read_it("From: autogenerated@blocklist.de\nX-XARF: PLAIN\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\n"
            "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nDear abuse team\n--b\nContent-Type: text/plain; "
            "name=report.txt\n\n" LINES "\n--b\nContent-Type: text/plain; name=logfile.log\n\nlog\n--b--\n",
            FOUND_COMPLAINTS, 1);
    assert_int_equal(one->format, COMPLAINT_FORMAT_XARF_MAIL);
    assert_string_equal(one->native, "login-attack");
    assert_string_equal(one->kind, "login_attack");
    assert_string_equal(one->reporter, "blocklist.de");
    assert_string_equal(one->report_id, "42@x");
    assert_source("203.0.113.9");
    assert_int_equal(one->destination_port, 22);
    read_it(LINES, FOUND_COMPLAINTS, 1);
    assert_source("203.0.113.9");
}

static void test_hotmail(void **unused)
{
    (void)unused;
    read_it("From: staff@hotmail.com\nSubject: complaint about message from [203.0.113.9]\nMIME-Version: 1.0\n"
            "Content-Type: message/rfc822\n\nX-HmXmrOriginalRecipient: reader@hotmail.com\n" ORIGINAL,
            FOUND_COMPLAINTS, 1);
    assert_int_equal(one->format, COMPLAINT_FORMAT_JMRP);
    assert_int_equal(one->type, COMPLAINT_ABUSE);
    assert_source("203.0.113.9");
    assert_string_equal(one->recipient, "reader@hotmail.com");
    assert_string_equal(one->reporter, "hotmail.com");
}

static void test_spamcop(void **unused)
{
    (void)unused;
    read_it("From: Someone <7012345678@reports.spamcop.net>\nMessage-ID: <rid@msgid.spamcop.net>\n"
            "Subject: [SpamCop (203.0.113.9) id:7012345678]Sale\n\n[ SpamCop V5.3.0 ]\n"
            "This message is brief for your comfort.\n\nEmail from 203.0.113.9 / Mon, 23 Nov 2026 08:00:00 +0000\n"
            "https://www.spamcop.net/w3m?i=z1\n\n[ Offending message ]\n" ORIGINAL,
            FOUND_COMPLAINTS, 1);
    assert_int_equal(one->format, COMPLAINT_FORMAT_SPAMCOP);
    assert_source("203.0.113.9");
    assert_string_equal(one->report_id, "7012345678");
    assert_string_equal(one->message_id, "abc@shop.example");
    assert_string_equal(one->subject, "Sale");
    assert_time(one->time, "2026-11-23T08:00:00.000000Z");
}

static void test_spamhaus_and_netcraft(void **unused)
{
    (void)unused;
    read_it("From: Spamhaus SBL <sbl@spamhaus.org>\nSubject: SBL Notify: 203.0.113.0/24 in SBL123456\n\n"
            "See https://www.spamhaus.org/sbl/query/SBL123456 please.\n",
            FOUND_COMPLAINTS, 1);
    assert_int_equal(one->format, COMPLAINT_FORMAT_SPAMHAUS);
    assert_source("203.0.113.0/24");
    assert_string_equal(one->report_id, "SBL123456");
    assert_string_equal(one->links[0], "https://www.spamhaus.org/sbl/query/SBL123456");
    read_it("From: Netcraft <takedown@netcraft.com>\nSubject: Issue 98765: Phishing attack at "
            "hxxps://bad[.]example/login\n\nThe attack is hosted at IP address 203.0.113.9.\n",
            FOUND_COMPLAINTS, 1);
    assert_int_equal(one->format, COMPLAINT_FORMAT_NETCRAFT);
    assert_int_equal(one->type, COMPLAINT_FRAUD);
    assert_string_equal(one->report_id, "98765");
    assert_string_equal(one->links[0], "https://bad.example/login");
    assert_source("203.0.113.9");
}

#define CSV                                                                                                            \
    "\"timestamp\",\"ip\",\"protocol\",\"port\",\"hostname\",\"tag\"\n"                                                \
    "\"2026-11-23 08:00:00\",\"203.0.113.9\",\"udp\",\"53\",\"a.shop.example\",\"open, \"\"dns\"\"\"\n"                \
    "\"2026-11-23 08:00:01\",\"2001:db8::5\",\"udp\",\"53\",\"\",\"dns\"\n"

static void test_shadowserver(void **unused)
{
    (void)unused;
    read_it(CSV, FOUND_COMPLAINTS, 2);
    assert_int_equal(one->format, COMPLAINT_FORMAT_SHADOWSERVER);
    assert_source("203.0.113.9");
    assert_string_equal(one->native, "open, \"dns\"");
    assert_string_equal(one->domains[0], "a.shop.example");
    assert_int_equal(one->source_port, 53);
    assert_time(one->time, "2026-11-23T08:00:00.000000Z");
    read_it(
        "From: autoreports@shadowserver.org\nSubject: report\nMIME-Version: 1.0\nContent-Type: multipart/mixed; "
        "boundary=b\n\n--b\n\nHello\n--b\nContent-Type: text/csv; name=2026-11-23-event4_sinkhole-shop-asn.csv\n\n" CSV
        "\n--b--\n",
        FOUND_COMPLAINTS, 2);
    assert_string_equal(one->native, "event4_sinkhole");
    assert_int_equal(one->type, COMPLAINT_VIRUS);
    assert_string_equal(one->reporter, "shadowserver.org");
    read_it("\"timestamp\",\"ip\"\n", FOUND_BROKEN, 0);
}

/* Nobody's complaint, whatever came back with it. */
static void test_bounces_and_replies(void **unused)
{
    (void)unused;
    read_it("From: MAILER-DAEMON@mx.example.com\nSubject: hm\nMIME-Version: 1.0\nContent-Type: multipart/report; "
            "report-type=delivery-status; boundary=c\n\n--c\n\nSorry\n--c\nContent-Type: "
            "message/delivery-status\n\nAction: failed\n\n--c\nContent-Type: message/rfc822\n\n" ARF(
                "Feedback-Type: abuse\nSource-IP: 192.0.2.1\n") "--c--\n",
            FOUND_BOUNCE, 0);
    read_it("From: someone@example.com\nSubject: Fwd: Undeliverable: Sale\n\nSee.\n", FOUND_BOUNCE, 0);
    read_it("From: someone@example.com\nSubject: Away\nAuto-Submitted: auto-replied\n\nBack on Monday.\n", FOUND_REPLY,
            0);
}

static void test_other_mail(void **unused)
{
    (void)unused;
    read_it("From: someone@example.com\nSubject: Spam from your host 203.0.113.9!\n\nStop it.\n", FOUND_OTHER, 1);
    assert_int_equal(one->format, COMPLAINT_FORMAT_NONE);
    assert_source("203.0.113.9");
    assert_string_equal(one->reporter, "example.com");
    read_it("", FOUND_OTHER, 1);
    read_it("no mail at all", FOUND_OTHER, 1);
}

static void test_a_complaint_that_is_forwarded(void **unused)
{
    (void)unused;
    read_it("From: noc@example.net\nSubject: Fwd\nMIME-Version: 1.0\nContent-Type: multipart/mixed; "
            "boundary=c\n\n--c\n\nFor you.\n--c\nContent-Type: message/rfc822\n\n" ARF(
                "Feedback-Type: abuse\nSource-IP: 192.0.2.1\n") "--c--\n",
            FOUND_COMPLAINTS, 1);
    assert_string_equal(one->reporter, "example.com");
    assert_source("192.0.2.1");
}

static void test_too_many_rows(void **unused)
{
    (void)unused;
    struct buffer csv;
    buffer_init(&csv, 1 << 20);
    assert_true(buffer_append(&csv, TEXT("timestamp,ip\n")));
    for (int i = 0; i < COMPLAINTS_MOST + 10; i++)
        assert_true(buffer_printf(&csv, "2026-11-23 08:00:00,203.0.%d.%d\n", i / 250 % 250, i % 250));
    read_text(buffer_text(&csv));
    assert_int_equal(got.found, FOUND_COMPLAINTS);
    assert_int_equal(got.count, COMPLAINTS_MOST);
    assert_int_equal(got.cut, 1);
    buffer_clear(&csv);
}

#define RESULTS "Authentication-Results: mx.host.example"

static void test_whose_mail_is_authentic(void **unused)
{
    (void)unused;
    static const struct {
        const char *name, *head;
        bool is_authentic;
    } rows[] = {
        {"signed", RESULTS "; dkim=pass header.d=example.com\n", true},
        {"signed, as whom", RESULTS "; dkim=pass (2048-bit key) header.i=@example.COM header.s=k\n", true},
        {"the second signature", RESULTS ";\n\tdkim=pass header.d=list.example;\n\tdkim=pass header.d=example.com\n",
         true},
        {"DMARC", RESULTS " 1; spf=pass smtp.mailfrom=x; dmarc=pass header.from=Example.com\n", true},
        {"nothing was done", RESULTS "; none\n", false},
        {"nobody says", "", false},
        {"the signature is broken", RESULTS "; dkim=fail header.d=example.com\n", false},
        {"of another", RESULTS "; dkim=pass header.d=ample.com\n", false},
        {"SPF says nothing of From", RESULTS "; spf=pass header.d=example.com\n", false},
        {"in a comment", RESULTS "; dkim=fail (; dkim=pass header.d=example.com)\n", false},
        {"in quotes", RESULTS "; spf=pass smtp.mailfrom=\"; dkim=pass header.d=example.com\"@evil.example\n", false},
        {"in a quoted quote", RESULTS "; spf=pass smtp.mailfrom=\"a\\\"; dkim=pass header.d=example.com\"@e.example\n",
         false},
        {"by one that came along", RESULTS "; none\n" RESULTS "; dkim=pass header.d=example.com\n", false},
        {"of which of two", RESULTS "; dkim=pass header.d=example.com\nFrom: <evil@evil.example>\n", false},
        {"no end", RESULTS "; dkim=pass (\n", false},
        {"no server", "Authentication-Results: ; dkim=pass header.d=example.com\n", false},
    };
    char mail[4096];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(mail, sizeof mail, "%s%s", rows[i].head, ARF("Feedback-Type: abuse\nSource-IP: 203.0.113.9\n"));
        read_it(mail, FOUND_COMPLAINTS, 1);
        bool is_authentic =
            strcmp(one->authentic, "fbl@Example.COM") == 0 && strcmp(one->authserv, "mx.host.example") == 0;
        if (is_authentic != rows[i].is_authentic || (one->authentic[0] && !is_authentic))
            fail_msg("%s: \"%s\" by \"%s\"", rows[i].name, one->authentic, one->authserv);
    }
}

/* What is signed is another's address than what is shown. */
static void test_who_is_named_beside_the_signer(void **unused)
{
    (void)unused;
    static const char *const names[] = {"\"<fbl@arf.example.com>\" <user@example.com>",
                                        "fbl@example.com, user@example.com", "fbl@arf.example.com <user@example.com>",
                                        "nobody"};
    char mail[4096];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(mail, sizeof mail, RESULTS "; dkim=pass header.d=example.com\nFrom: %s\n%s", names[i],
                 strchr(ARF("Feedback-Type: abuse\nSource-IP: 203.0.113.9\n"), '\n') + 1);
        read_it(mail, FOUND_COMPLAINTS, 1);
        assert_string_equal(one->authentic, "");
    }
}

/* Its head was written by whoever forwards it. */
static void test_a_forwarded_one_is_nobodys(void **unused)
{
    (void)unused;
    char mail[8192];
    snprintf(mail, sizeof mail,
             "From: <me@evil.example>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=o\n\n--o\n"
             "Content-Type: message/rfc822\n\n" RESULTS "; dkim=pass header.d=example.com\n%s\n--o--\n",
             ARF("Feedback-Type: abuse\nSource-IP: 203.0.113.9\n"));
    read_it(mail, FOUND_COMPLAINTS, 1);
    assert_string_equal(one->authentic, "");
}

static void test_soundness(void **unused)
{
    (void)unused;
    static struct complaint changed;
    read_it(FOUR, FOUND_COMPLAINTS, 1);
    changed = *one;
    changed.format = COMPLAINT_FORMATS;
    assert_false(complaint_is_sound(&changed));
    changed = *one;
    memset(changed.subject, 'a', sizeof changed.subject);
    assert_false(complaint_is_sound(&changed));
    changed = *one;
    changed.subject[0] = '\x1b';
    assert_false(complaint_is_sound(&changed));
    changed = *one;
    changed.source.prefix = 33;
    assert_false(complaint_is_sound(&changed));
    changed = *one;
    changed.link_count = COMPLAINT_LINKS + 1;
    assert_false(complaint_is_sound(&changed));
}

int main(void)
{
    walk_prepare();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arf),
        cmocka_unit_test(test_what_the_message_says),
        cmocka_unit_test(test_types_of_feedback),
        cmocka_unit_test(test_redacted_recipients),
        cmocka_unit_test(test_line_ends_of_all_kinds),
        cmocka_unit_test(test_xarf_four),
        cmocka_unit_test(test_xarf_of_before),
        cmocka_unit_test(test_xarf_in_a_mail),
        cmocka_unit_test(test_xarf_lines),
        cmocka_unit_test(test_hotmail),
        cmocka_unit_test(test_spamcop),
        cmocka_unit_test(test_spamhaus_and_netcraft),
        cmocka_unit_test(test_shadowserver),
        cmocka_unit_test(test_bounces_and_replies),
        cmocka_unit_test(test_other_mail),
        cmocka_unit_test(test_a_complaint_that_is_forwarded),
        cmocka_unit_test(test_too_many_rows),
        cmocka_unit_test(test_whose_mail_is_authentic),
        cmocka_unit_test(test_who_is_named_beside_the_signer),
        cmocka_unit_test(test_a_forwarded_one_is_nobodys),
        cmocka_unit_test(test_soundness),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    complaints_clear(&got);
    return failed;
}
