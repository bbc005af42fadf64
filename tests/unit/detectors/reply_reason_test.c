/* How answers are read: by code where it decides, by words where it does not; and what real servers have said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "detectors/reply_reason.h"

static const struct row {
    uint16_t code, enhanced;
    const char *phrase;
    enum reply_reason want;
} rows[] = {
    {0, 0, "", REPLY_UNANSWERED},
    {354, 0, "go ahead", REPLY_UNANSWERED},
    {700, 0, "user unknown", REPLY_UNANSWERED},
    {250, 20105, "Ok", REPLY_ACCEPTED},
    {251, 0, "User not local; will forward", REPLY_ACCEPTED},

    /* The codes decide, whatever the words. */
    {550, 50101, "", REPLY_UNKNOWN_USER},
    {550, 50101, "https://support.example/mail/?p=NoSuchUser x123 - gsmtp", REPLY_UNKNOWN_USER},
    {550, 50101, "<spamhaus@there.example>: Recipient address rejected: User unknown", REPLY_UNKNOWN_USER},
    {550, 50110, "RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", REPLY_UNKNOWN_USER},
    {550, 50106, "recipient no longer on server", REPLY_UNKNOWN_USER},
    {552, 50202, "over quota, no such user", REPLY_MAILBOX_FULL},
    {452, 40202, "The recipient's inbox is out of storage space", REPLY_MAILBOX_FULL},
    {553, 50108, "Domain of sender address does not exist", REPLY_SENDER},
    {450, 40108, "Sender address rejected: Domain not found", REPLY_SENDER},
    {550, 50726, "This mail has been blocked because the sender is unauthenticated", REPLY_SENDER},
    {452, 40503, "Too many recipients", REPLY_RATE},

    /* Without an enhanced code. */
    {550, 0, "", REPLY_UNKNOWN_USER},
    {550, 0, "unknown user", REPLY_UNKNOWN_USER},
    {550, 0, "Unrouteable address", REPLY_UNKNOWN_USER},
    {550, 0, "Requested action not taken: mailbox unavailable", REPLY_UNKNOWN_USER},
    {550, 0, "blocked using zen.spamhaus.org", REPLY_LISTED},
    {550, 0, "203.0.113.7 is listed at bl.spamcop.net", REPLY_LISTED},
    {550, 0, "SPF check failed", REPLY_SENDER},
    {550, 0, "Sender verify failed", REPLY_SENDER},
    {550, 0, "Message contains a virus", REPLY_CONTENT},
    {550, 0, "relay not permitted", REPLY_POLICY},
    {550, 0, "Administrative prohibition", REPLY_POLICY},
    {550, 0, "Rejected for policy reasons", REPLY_POLICY},
    {550, 0, "Policy violation: no such user", REPLY_UNKNOWN_USER},
    {550, 0, "Mailbox full", REPLY_MAILBOX_FULL},
    {550, 0, "Too many recipients", REPLY_RATE},
    {552, 0, "", REPLY_MAILBOX_FULL},
    {552, 0, "1 Requested mail action aborted, mailbox not found", REPLY_UNKNOWN_USER},
    {554, 0, "", REPLY_POLICY},
    {554, 0, "delivery error: dd This user doesn't have a yahoo.com account (x@yahoo.com) [0] - mta1.example",
     REPLY_UNKNOWN_USER},
    {554, 0, "delivery error: dd Sorry your message cannot be delivered. This account has been disabled [#102]",
     REPLY_UNKNOWN_USER},
    {421, 0, "", REPLY_RATE},
    {450, 0, "", REPLY_OTHER},

    /* An enhanced code that may mean anything. */
    {550, 50701, "", REPLY_POLICY},
    {550, 50701, "recipient unknown", REPLY_UNKNOWN_USER},
    {554, 50701, "<a.b@there.example>: Relay access denied", REPLY_POLICY},
    {554, 50701, "Service unavailable; Client host [203.0.113.7] blocked using zen.spamhaus.org", REPLY_LISTED},
    {550, 50701, "Unfortunately, messages from [203.0.113.7] weren't sent", REPLY_LISTED},
    {550, 50799, "Access denied, banned sending IP [203.0.113.7]", REPLY_LISTED},
    {550, 50401, "Recipient address rejected: Access denied. AS(201806281)", REPLY_UNKNOWN_USER},
    {550, 50401, "Hop count exceeded", REPLY_OTHER},
    {550, 50100, "<me@here.example>: Sender address rejected: User unknown in virtual mailbox table", REPLY_SENDER},
    {550, 50100, "Address rejected", REPLY_UNKNOWN_USER},
    {550, 50201, "The email account that you tried to reach is disabled.", REPLY_UNKNOWN_USER},
    {550, 50201, "", REPLY_POLICY},
    {550, 50500, "Requested action not taken: mailbox unavailable", REPLY_UNKNOWN_USER},
    {554, 50200, "x1 Recipient Mailbox Full [504]", REPLY_MAILBOX_FULL},
    {550, 50609, "improper use of 8-bit data in message header", REPLY_CONTENT},

    /* Temporary: unknown only for certain. */
    {450, 40101, "", REPLY_OTHER},
    {450, 40101, "unverified address: Address verification in progress", REPLY_OTHER},
    {450, 40101, "unverified address: host mx.there.example said: 550 5.1.1 User unknown", REPLY_UNKNOWN_USER},
    {451, 0, "user unknown: temporary lookup failure", REPLY_OTHER},
    {451, 40300, "user unknown", REPLY_OTHER},
    {450, 0, "Requested action not taken: mailbox unavailable", REPLY_OTHER},
    {450, 40200, "<a@there.example>: Recipient address rejected: Greylisted, see http://postgrey.example",
     REPLY_GREYLISTED},
    {451, 40701, "Greylisting in action, please come back later", REPLY_GREYLISTED},
    {450, 40701, "", REPLY_GREYLISTED},
    {450, 0, "greylisted: user unknown", REPLY_GREYLISTED},
    {451, 40799, "Server busy. Please try again later from [203.0.113.7].", REPLY_RATE},
    {421, 40700, "", REPLY_RATE},
    {421, 40700, "unsolicited mail originating from your IP address. To protect our users", REPLY_LISTED},
    {421, 0, "Messages temporarily deferred due to unexpected volume or user complaints", REPLY_LISTED},

    /* What the client said is cut out. */
    {550, 0, "<greylist@there.example>: User unknown", REPLY_UNKNOWN_USER},
    {550, 0, "spamhaus.list@there.example: no such user", REPLY_UNKNOWN_USER},
    {550, 0, "no such user: spamhaus@there.example", REPLY_UNKNOWN_USER},
    {550, 0, "<spamhaus never closed", REPLY_UNKNOWN_USER},
    {550, 0, "helo=<mailbox full>: nobody here", REPLY_UNKNOWN_USER},

    /* At the beginning of words only. */
    {554, 0, "herbal tea is not welcome", REPLY_POLICY},
    {554, 0, "rbl", REPLY_LISTED},
};

static void reads(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct reply reply = {rows[i].code, rows[i].enhanced, text_of(rows[i].phrase)};
        enum reply_reason got = reply_reason(&reply);
        if (got != rows[i].want)
            fail_msg("%u %u %s: %s, not %s", rows[i].code, rows[i].enhanced, rows[i].phrase, reply_reason_name(got),
                     reply_reason_name(rows[i].want));
    }
}

static void hostile(void **state)
{
    (void)state;
    uint64_t random = 5;
    char bytes[600];
    for (int i = 0; i < 20000; i++) {
        for (size_t k = 0; k < sizeof bytes; k++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            bytes[k] = "<>@ ausbl\xff"[(random >> 33) % 10];
        }
        char *exact = malloc(i % 300 + 1); /* so that a sanitizer sees a step beyond */
        memcpy(exact, bytes, (size_t)(i % 300 + 1));
        struct reply reply = {(uint16_t)(random >> 40) % 700, (uint16_t)(random >> 20), {exact, (size_t)(i % 300 + 1)}};
        assert_in_range(reply_reason(&reply), 0, REPLY_REASONS - 1);
        free(exact);
    }
    assert_string_equal(reply_reason_name((enum reply_reason)1000), "unknown");
}

/* Answers in logs and bounces that others published: the file, where the answer begins, how it is to be read. */
static const struct {
    const char *file, *at;
    enum reply_reason want;
} published[] = {
    {"mtalog/infohtreasure__Postfix-Maillog-Dump/maillog", "550 5.1.1 <", REPLY_UNKNOWN_USER},
    {"complaint/sisimai__set-of-emails/maildir/bsd/rhost-google-01.eml", "550 5.2.1 The email", REPLY_UNKNOWN_USER},
    {"complaint/sisimai__set-of-emails/maildir/bsd/lhost-sendmail-41.eml", "554 delivery error", REPLY_UNKNOWN_USER},
    {"complaint/sisimai__set-of-emails/maildir/bsd/lhost-sendmail-50.eml", "550 : User unknown", REPLY_UNKNOWN_USER},
    {"complaint/sisimai__set-of-emails/maildir/bsd/lhost-sendmail-26.eml", "550 unknown user", REPLY_UNKNOWN_USER},
    {"complaint/sisimai__set-of-emails/maildir/bsd/lhost-postfix-76.eml", "550 User not found", REPLY_UNKNOWN_USER},
    {"complaint/sisimai__set-of-emails/maildir/bsd/lhost-postfix-57.eml", "550 5.2.1 <", REPLY_UNKNOWN_USER},
    {"complaint/sisimai__set-of-emails/maildir/bsd/rhost-microsoft-03.eml", "550 5.1.10 RESOLVER", REPLY_UNKNOWN_USER},
    {"complaint/sisimai__set-of-emails/maildir/bsd/rhost-outlook-04.eml", "550 5.2.2 <", REPLY_MAILBOX_FULL},
    {"complaint/sisimai__set-of-emails/maildir/bsd/lhost-amazonses-14.eml", "554 5.7.1 <a8-95", REPLY_LISTED},
    {"complaint/sisimai__set-of-emails/maildir/bsd/lhost-postfix-73.eml", "550 5.7.1 Email rejected per DMARC",
     REPLY_SENDER},
    {"complaint/sisimai__set-of-emails/maildir/bsd/lhost-exim-48.eml", "550 5.7.1 Connections not", REPLY_SENDER},
    {"complaint/sisimai__set-of-emails/maildir/bsd/lhost-postfix-51.eml", "550 5.7.0 Local Policy", REPLY_POLICY},
    {"mtalog/whyscream__postfix-grok-patterns/test/smtpd_0038.yaml", "451 4.7.1 Greylisting", REPLY_GREYLISTED},
    {"mtalog/gvengel__exim_exporter/test/mainlog", "550 Message was not accepted", REPLY_UNKNOWN_USER},
    {"mtalog/gvengel__exim_exporter/test/mainlog", "554 5.2.0 ", REPLY_MAILBOX_FULL},
    {"mtalog/infohtreasure__Postfix-Maillog-Dump/maillog", "552 1 Requested", REPLY_UNKNOWN_USER},
    {"mtalog/kumina__postfix_exporter/postfix_exporter_test.go.lines.txt", "554 DT:SPM", REPLY_CONTENT},
    {"mtalog/crowdsecurity__hub/.tests/postfix-logs/postfix-logs.log", "454 4.7.1 <", REPLY_POLICY},
};

static uint16_t enhanced_of(const char **at)
{
    unsigned part[3];
    int length = 0;
    if (sscanf(*at, "%1u.%2u.%2u%n", &part[0], &part[1], &part[2], &length) < 3 || length == 0)
        return 0;
    *at += length;
    return (uint16_t)(part[0] * 10000 + part[1] * 100 + part[2]);
}

static void as_published(void **state)
{
    (void)state;
    const char *top = getenv("POSTERN_TESTDATA") ? getenv("POSTERN_TESTDATA") : "../shared/testdata";
    static char content[1 << 22];
    unsigned read = 0;
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", top, published[i].file);
        FILE *file = fopen(path, "r");
        if (!file)
            continue;
        content[fread(content, 1, sizeof content - 1, file)] = '\0';
        fclose(file);
        const char *at = strstr(content, published[i].at);
        if (at == NULL)
            fail_msg("%s has no %s", path, published[i].at);
        struct reply reply = {.code = (uint16_t)atoi(at)};
        at += 4;
        reply.enhanced = enhanced_of(&at);
        at += *at == ' ';
        reply.phrase = (struct text){at, strcspn(at, "\r\n")};
        enum reply_reason got = reply_reason(&reply);
        if (got != published[i].want)
            fail_msg("%s: %.60s: %s", path, at, reply_reason_name(got));
        read++;
    }
    if (read == 0)
        print_message("skipped: there is no test data (POSTERN_TESTDATA, or testdata beside the checkout)\n");
    else
        assert_int_equal(read, sizeof published / sizeof published[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads),
        cmocka_unit_test(hostile),
        cmocka_unit_test(as_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
