/* Appliances: the message as it is shown to them, mailboxes, refusals, and the client against servers of all kinds. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "collector/filter/appliance.h"
#include "tests/unit/collector/filter/server.h"

#define NOW (1800000000 * SECOND)

static const struct filter_settings plain = {.name = "assp",
                                             .patience = 300 * MILLISECOND,
                                             .mailbox = "filter.firm.example",
                                             .headers = "builtin:spamassassin",
                                             .virus_is_certain = true};
static struct filter_message letter = {.name = "0DC5B48D4.A739D",
                                       .content = {"Subject: x\r\n\r\nbody\r\n", 20},
                                       .from = {"ann@firm.example", 16},
                                       .helo = {"mail.firm.example", 17},
                                       .client = {"203.0.113.7", 11}};
static struct opinion opinion;
static struct error failed;

/* --- mailboxes --- */

static void mailboxes_are_read_as_they_are_written(void **unused)
{
    char text[APPLIANCE_MAILBOX_MOST];
    struct appliance_mailbox mailbox;
    (void)unused;
    appliance_write_mailbox(&plain, &letter, text);
    assert_string_equal(text, "0DC5B48D4.A739D.assp@filter.firm.example");
    assert_true(appliance_read_mailbox(text_of(text), &mailbox));
    assert_string_equal(mailbox.message, "0DC5B48D4.A739D");
    assert_string_equal(mailbox.filter, "assp");
    assert_true(text_equals(mailbox.domain, TEXT("filter.firm.example")));
    assert_true(appliance_read_mailbox(TEXT("0dc5b48d4.a739d.My-own.filter_2@X"), &mailbox));
    assert_string_equal(mailbox.message, "0DC5B48D4.A739D");
    assert_string_equal(mailbox.filter, "My-own.filter_2");
}

static void other_mailboxes_are_none(void **unused)
{
    static const char *const wrong[] = {"",
                                        "@",
                                        "postmaster@filter.firm.example",
                                        "0DC5B48D4.A739D@filter.firm.example",
                                        "0DC5B48D4.A739D.@filter.firm.example",
                                        "0DC5B48D4.A739D.assp",
                                        "0DC5B48D4.A739D.assp@",
                                        ".A739D.assp@x",
                                        "0DC5B48D4..assp@x",
                                        "0DC5B48D40000.A739D.assp@x",
                                        "0DC5B48DX.A739D.assp@x",
                                        "0DC5B48D4.A739D.as/../sp@x",
                                        "0DC5B48D4.A739D.name-that-is-longer-than-any-may-be@x"};
    struct appliance_mailbox mailbox;
    (void)unused;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(appliance_read_mailbox(text_of(wrong[i]), &mailbox));
}

/* --- the message --- */

static void assert_shown(const char *names, const char *content, size_t length, const char *expected)
{
    struct filter_message message = letter;
    struct headers *headers = NULL;
    struct buffer shown;
    message.content = (struct text){content, length ? length : strlen(content)};
    buffer_init(&shown, 1 << 20);
    assert_int_equal(headers_open(names, &headers, &failed), 0);
    assert_true(appliance_write_message(headers, &message, NOW, &shown));
    assert_true(buffer_append_byte(&shown, 0));
    assert_memory_equal(shown.bytes, "Received: from mail.firm.example ", 33);
    assert_string_equal(strstr(shown.bytes, "+0000\r\n") + 7, expected);
    buffer_clear(&shown);
    headers_destroy(&headers);
}

static void forged_verdicts_are_taken_out(void **unused)
{
    (void)unused;
    assert_shown(
        "builtin:spamassassin",
        "X-Spam-Status: No, score=-9\r\n\trequired=5\r\nFrom: a\r\nx-spam-FLAG : NO\r\nX-Assp-Spam: YES\r\n\r\n"
        "X-Spam-Flag: in the body\r\n",
        0, "From: a\r\nX-Assp-Spam: YES\r\n\r\nX-Spam-Flag: in the body\r\n.\r\n");
    assert_shown("builtin:assp", "X-Assp-Spam: NO\r\nX-Assp-Version: 1\r\nX-Spam-Flag: NO\r\n\r\n", 0,
                 "X-Spam-Flag: NO\r\n\r\n.\r\n");
}

static void a_line_that_is_no_field_does_not_end_the_head(void **unused)
{
    (void)unused;
    assert_shown("builtin:spamassassin", "From: a\r\nnonsense\r\nX-Spam-Flag: NO\r\n\r\nbody", 0,
                 "From: a\r\nnonsense\r\n\r\nbody\r\n.\r\n");
}

static void a_bare_cr_begins_no_line_in_the_head(void **unused)
{
    static const char content[] = "From: a\rX-Spam-Flag: NO\r\n\0X-Spam-Flag: NO\n\nb\rc\n";
    (void)unused;
    assert_shown("builtin:spamassassin", content, sizeof content - 1,
                 "From: a X-Spam-Flag: NO\r\n X-Spam-Flag: NO\r\n\r\nb\rc\r\n.\r\n");
}

static void lines_and_dots_are_as_smtp_wants_them(void **unused)
{
    (void)unused;
    assert_shown("builtin:spamassassin", "From: a\n\n.\n..\n.a\nlast", 0,
                 "From: a\r\n\r\n..\r\n...\r\n..a\r\nlast\r\n.\r\n");
    assert_shown("builtin:spamassassin", "", 0, ".\r\n");
    assert_shown("builtin:spamassassin", "\r\n\r\n.\r\n", 0, "\r\n\r\n..\r\n.\r\n");
}

/* --- refusals --- */

static void refuse(int code, const char *reply)
{
    appliance_read_refusal(&plain, code, text_of(reply), &opinion);
}

static void a_refusal_for_policy_is_a_verdict(void **unused)
{
    (void)unused;
    refuse(554, "5.7.1 Spam message rejected");
    assert_true(opinion_is_spam(&opinion));
    assert_string_equal(opinion.symbols, "REFUSED");
    assert_string_equal(opinion.action, "5.7.1 Spam message rejected");
    refuse(550, "Mail appears to be unsolicited");
    assert_true(opinion_is_spam(&opinion));
    refuse(554, "5.7.0 Reject, id=00012-01 - INFECTED: Eicar");
    assert_true(opinion.virus);
    assert_true(opinion.certain);
}

static void other_refusals_are_none(void **unused)
{
    static const char *const replies[] = {"5.3.4 Message size exceeds fixed limit", "5.4.6 too many hops",
                                          "5.6.0 bad line", "5.5.2 bare LF", "5.1.1 no such user"};
    (void)unused;
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        refuse(554, replies[i]);
        assert_false(opinion_is_one(&opinion));
        assert_string_equal(opinion.action, replies[i]);
    }
    refuse(552, "too much mail data");
    assert_false(opinion_is_one(&opinion));
}

/* --- the client --- */

static int ask(const struct server_step *steps, bool holds, struct server **server)
{
    struct filter_settings settings = plain;
    *server = server_start(steps, holds, false);
    memcpy(settings.address, (*server)->address, sizeof(*server)->address);
    failed = (struct error){0};
    int status = filter_smtp.ask(&settings, &letter, &opinion, &failed);
    server_end(*server);
    return status;
}

#define HELLO                                                                                                          \
    {"", "220 gate ESMTP\r\n", 0},                                                                                     \
    {                                                                                                                  \
        "EHLO", "250-gate\r\n250-SIZE 1000\r\n250-8BITMIME\r\n250 DSN\r\n", 0                                          \
    }
#define SENDER                                                                                                         \
    {                                                                                                                  \
        "MAIL FROM", "250 2.1.0 Ok\r\n", 0                                                                             \
    }

static void a_message_is_handed_over(void **unused)
{
    static const struct server_step steps[] = {HELLO,
                                               SENDER,
                                               {"RCPT TO", "250 2.1.5 Ok\r\n", 0},
                                               {"DATA", "354 go on\r\n", 0},
                                               {"\r\n.\r\n", "250 2.0.0 Ok: queued\r\n", 0},
                                               {0}};
    struct server *server;
    (void)unused;
    assert_int_equal(ask(steps, true, &server), FILTER_LATER);
    const char *mail = strstr(server->heard, "MAIL FROM:<ann@firm.example> SIZE="),
               *content = strstr(server->heard, "DATA\r\n") + 6;
    assert_memory_equal(server->heard, "EHLO filter.firm.example\r\n", 26);
    assert_non_null(mail);
    assert_non_null(
        strstr(mail, " BODY=8BITMIME\r\nRCPT TO:<0DC5B48D4.A739D.assp@filter.firm.example> NOTIFY=NEVER\r\nDATA\r\n"));
    assert_non_null(strstr(content, "\r\nSubject: x\r\n\r\nbody\r\n.\r\nQUIT\r\n"));
    free(server);
}

static void a_plain_server_is_told_plainly(void **unused)
{
    static const struct server_step steps[] = {
        {"", "220 gate\r\n", 0},    {"EHLO", "250 gate\r\n", 0}, SENDER, {"RCPT TO", "250 Ok\r\n", 0},
        {"DATA", "354 go on\n", 0}, {"\r\n.\r\n", "250\r\n", 0}, {0}};
    struct server *server;
    (void)unused;
    letter.from = TEXT("two words\r\nRCPT TO:<x@y>");
    assert_int_equal(ask(steps, true, &server), FILTER_LATER);
    letter.from = TEXT("ann@firm.example");
    assert_non_null(
        strstr(server->heard, "\r\nMAIL FROM:<>\r\nRCPT TO:<0DC5B48D4.A739D.assp@filter.firm.example>\r\nDATA\r\n"));
    free(server);
}

static void a_refused_content_is_a_verdict(void **unused)
{
    static const struct server_step steps[] = {HELLO,
                                               SENDER,
                                               {"RCPT", "250 Ok\r\n", 0},
                                               {"DATA", "354 go on\r\n", 0},
                                               {"\r\n.\r\n", "554-5.7.1 it is\r\n554 5.7.1 spam\r\n", 0},
                                               {0}};
    struct server *server;
    (void)unused;
    assert_int_equal(ask(steps, true, &server), 0);
    assert_true(opinion_is_spam(&opinion));
    free(server);
}

static void a_refused_sender_is_none(void **unused)
{
    static const struct server_step steps[] = {HELLO, {"MAIL", "550 5.7.1 your domain is on a list\r\n", 0}, {0}};
    struct server *server;
    (void)unused;
    assert_int_equal(ask(steps, true, &server), 0);
    assert_false(opinion_is_one(&opinion));
    assert_string_equal(opinion.action, "5.7.1 your domain is on a list");
    free(server);
}

static void a_refused_mailbox_is_our_trouble(void **unused)
{
    static const struct server_step steps[] = {HELLO, SENDER, {"RCPT", "554 5.7.1 Relay access denied\r\n", 0}, {0}};
    struct server *server;
    (void)unused;
    assert_int_equal(ask(steps, true, &server), -EACCES);
    assert_non_null(strstr(failed.text, "it takes no mail for filter.firm.example: 554 5.7.1 Relay access denied"));
    free(server);
}

static void later_means_later(void **unused)
{
    static const struct server_step grey[] = {HELLO, SENDER, {"RCPT", "450 4.7.1 Greylisted\r\n", 0}, {0}};
    static const struct server_step busy[] = {{"", "421 busy\r\n", 0}, {0}};
    static const struct server_step full[] = {HELLO,
                                              SENDER,
                                              {"RCPT", "250 Ok\r\n", 0},
                                              {"DATA", "354 go on\r\n", 0},
                                              {"\r\n.\r\n", "452 4.3.1 no room\r\n", 0},
                                              {0}};
    struct server *server;
    (void)unused;
    assert_int_equal(ask(grey, true, &server), -EAGAIN);
    assert_non_null(strstr(failed.text, "450 4.7.1 Greylisted"));
    free(server);
    assert_int_equal(ask(busy, true, &server), -EAGAIN);
    free(server);
    assert_int_equal(ask(full, true, &server), -EAGAIN);
    free(server);
}

static void too_long_is_not_asked_again(void **unused)
{
    static const struct server_step steps[] = {
        {"", "220 gate ESMTP\r\n", 0}, {"EHLO", "250-gate\r\n250 SIZE 10\r\n", 0}, {0}};
    struct server *server;
    (void)unused;
    assert_int_equal(ask(steps, true, &server), 0);
    assert_false(opinion_is_one(&opinion));
    assert_null(strstr(server->heard, "MAIL"));
    free(server);
}

static void rubbish_silence_and_ends_are_asked_again(void **unused)
{
    static const struct server_step web[] = {{"", "HTTP/1.1 400 Bad Request\r\n", 0}, {0}};
    static const struct server_step silent[] = {{"", "220 gate\r\n", 0}, {0}};
    static const struct server_step ends[] = {HELLO, SENDER, {"RCPT", "25", 0}, {0}};
    static char endless[200000];
    const struct server_step talks[] = {{"", endless, sizeof endless}, {0}};
    struct server *server;
    (void)unused;
    assert_int_equal(ask(web, true, &server), -EBADMSG);
    free(server);
    assert_int_equal(ask(silent, true, &server), -ETIMEDOUT);
    free(server);
    assert_int_equal(ask(ends, false, &server), -ECONNRESET);
    free(server);
    for (size_t i = 0; i + 10 <= sizeof endless; i += 10)
        memcpy(endless + i, "220-more\r\n", 10);
    assert_int_equal(ask(talks, true, &server), -EBADMSG);
    free(server);
}

static void ping_greets_and_leaves(void **unused)
{
    static const struct server_step steps[] = {HELLO, {"QUIT", "221 bye\r\n", 0}, {0}};
    struct filter_settings settings = plain;
    struct server *server = server_start(steps, false, false);
    (void)unused;
    memcpy(settings.address, server->address, sizeof server->address);
    assert_int_equal(filter_smtp.ping(&settings, &failed), 0);
    server_end(server);
    free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mailboxes_are_read_as_they_are_written),
        cmocka_unit_test(other_mailboxes_are_none),
        cmocka_unit_test(forged_verdicts_are_taken_out),
        cmocka_unit_test(a_line_that_is_no_field_does_not_end_the_head),
        cmocka_unit_test(a_bare_cr_begins_no_line_in_the_head),
        cmocka_unit_test(lines_and_dots_are_as_smtp_wants_them),
        cmocka_unit_test(a_refusal_for_policy_is_a_verdict),
        cmocka_unit_test(other_refusals_are_none),
        cmocka_unit_test(a_message_is_handed_over),
        cmocka_unit_test(a_plain_server_is_told_plainly),
        cmocka_unit_test(a_refused_content_is_a_verdict),
        cmocka_unit_test(a_refused_sender_is_none),
        cmocka_unit_test(a_refused_mailbox_is_our_trouble),
        cmocka_unit_test(later_means_later),
        cmocka_unit_test(too_long_is_not_asked_again),
        cmocka_unit_test(rubbish_silence_and_ends_are_asked_again),
        cmocka_unit_test(ping_greets_and_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
