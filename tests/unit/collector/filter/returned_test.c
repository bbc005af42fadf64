/* The dialogue of the listener for returned messages: SMTP and LMTP, whole and in single bytes, and clients that are
 * none. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "collector/filter/returned.h"

static char told[1 << 20]; /* "mailbox|head|" of each that was taken */
static int taken;          /* what take() returns */
static struct buffer replies;
static struct returned *returned;

static int knows(void *context, struct text mailbox)
{
    (void)context;
    if (text_equals(mailbox, TEXT("later@x")))
        return -EAGAIN;
    return text_ends_nocase(mailbox, TEXT("@x"));
}

static int take(void *context, struct text mailbox, struct text head)
{
    size_t length = strlen(told);
    (void)context;
    snprintf(told + length, sizeof told - length, "%.*s|%.*s|", (int)mailbox.length, mailbox.bytes, (int)head.length,
             head.bytes ? head.bytes : "");
    return taken;
}

static const struct returned_owner owner = {"gate", 100000, knows, take, NULL};

static int setup(void **unused)
{
    (void)unused;
    told[0] = 0;
    taken = 0;
    buffer_init(&replies, RETURNED_REPLIES_MOST);
    returned = returned_create(&owner);
    return returned && returned_greet(returned, &replies) ? 0 : -1;
}

static int teardown(void **unused)
{
    (void)unused;
    returned_destroy(&returned);
    buffer_clear(&replies);
    return 0;
}

/* The codes of all replies, with a blank between them; a line of several is one. */
static const char *codes(void)
{
    static char result[8192];
    struct text rest = buffer_text(&replies);
    size_t length = 0;
    result[0] = 0;
    while (rest.length > 0 && length + 8 < sizeof result) {
        struct text line = text_split(&rest, '\n');
        if (line.length > 3 && line.bytes[3] == ' ')
            length +=
                (size_t)snprintf(result + length, sizeof result - length, "%s%.3s", length ? " " : "", line.bytes);
    }
    buffer_clear(&replies);
    return result;
}

static bool feed(const char *text)
{
    return returned_feed(returned, text_of(text), &replies);
}

#define HELLO "EHLO gate\r\nMAIL FROM:<>\r\nRCPT TO:<a@x>\r\nDATA\r\n"

static void a_message_is_taken(void **unused)
{
    (void)unused;
    assert_true(feed(HELLO "Subject: x\r\nX-Spam: Yes\r\n\r\nbody\r\n.\r\n"));
    assert_string_equal(codes(), "220 250 250 250 354 250");
    assert_string_equal(told, "a@x|Subject: x\r\nX-Spam: Yes\r\n\r\n|");
    assert_false(feed("QUIT\r\n"));
    assert_string_equal(codes(), "221");
}

static void any_pieces_will_do(void **unused)
{
    static const char whole[] = HELLO "..a: x\r\n.b: y\r\n\r\n.\rx\r\n..\r\n.\r\nRSET\r\n" HELLO "\r\n.\r\nNOOP\r\n";
    (void)unused;
    for (size_t i = 0; i < sizeof whole - 1; i++)
        assert_true(returned_feed(returned, (struct text){whole + i, 1}, &replies));
    assert_string_equal(codes(), "220 250 250 250 354 250 250 250 250 250 354 250 250");
    assert_string_equal(told, "a@x|.a: x\r\nb: y\r\n\r\n|a@x|\r\n|");
}

static void only_a_dot_between_crlf_ends_a_message(void **unused)
{
    (void)unused;
    assert_true(feed(HELLO "a: b\n.\n\n.\r\nc\r\n.\nd\r\n.\re"));
    assert_string_equal(codes(), "220 250 250 250 354");
    assert_true(feed("\r\n.\r\n"));
    assert_string_equal(codes(), "250");
    assert_string_equal(told, "a@x|a: b\n.\n\n|");
}

static void lmtp_answers_for_each_recipient(void **unused)
{
    (void)unused;
    assert_true(
        feed("LHLO gate\r\nMAIL FROM:<b@y>\r\nRCPT TO:<a@x>\r\nRCPT TO:<c@y>\r\nRCPT TO:<d@x>\r\nDATA\r\n\r\n.\r\n"));
    assert_string_equal(codes(), "220 250 250 250 550 250 354 250 250");
    assert_string_equal(told, "a@x|\r\n|d@x|\r\n|");
}

static void what_cannot_be_kept_is_brought_again(void **unused)
{
    (void)unused;
    taken = -EIO;
    assert_true(feed(HELLO "\r\n.\r\n"));
    assert_string_equal(codes(), "220 250 250 250 354 451");
    assert_true(feed("MAIL FROM:<>\r\nRCPT TO:<later@x>\r\n"));
    assert_string_equal(codes(), "250 451");
}

static void nothing_is_relayed(void **unused)
{
    (void)unused;
    assert_true(feed("HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<victim@y>\r\nRCPT TO:<>\r\nDATA\r\n"));
    assert_string_equal(codes(), "220 250 250 550 550 503");
    assert_string_equal(told, "");
}

static void commands_have_an_order(void **unused)
{
    (void)unused;
    assert_true(
        feed("MAIL FROM:<>\r\nDATA\r\nRCPT TO:<a@x>\r\nHELO x\r\nRCPT TO:<a@x>\r\nMAIL FROM:<>\r\nMAIL FROM:<>\r\n"
             "DATA\r\nVRFY a\r\nMAIL TO:<x>\r\nRCPT a@x\r\nSTARTTLS\r\n\r\n"));
    assert_string_equal(codes(), "220 503 503 503 250 503 250 503 503 252 503 501 500 500");
}

static void parameters_and_cases_do_not_matter(void **unused)
{
    (void)unused;
    assert_true(
        feed("ehlo gate\r\nmail from: <a@y> SIZE=10 BODY=8BITMIME\r\nrcpt to:<a@X> NOTIFY=NEVER\r\ndata\r\n\r\n.\r\n"));
    assert_string_equal(codes(), "220 250 250 250 354 250");
    assert_string_equal(told, "a@X|\r\n|");
}

static void who_makes_mistakes_is_sent_away(void **unused)
{
    int count = 0;
    (void)unused;
    while (feed("GET / HTTP/1.1\r\n") && count < 100)
        count++;
    assert_int_equal(count, 20);
    assert_non_null(strstr(codes(), "421"));
    assert_false(feed("NOOP\r\n"));
    assert_string_equal(codes(), "");
}

static void endless_lines_are_refused(void **unused)
{
    static char line[10000];
    (void)unused;
    memset(line, 'x', sizeof line - 1);
    assert_true(feed(line));
    assert_true(feed(line));
    assert_true(feed("\r\nNOOP\r\n"));
    assert_string_equal(codes(), "220 500 250");
}

static void recipients_are_bounded(void **unused)
{
    (void)unused;
    assert_true(feed("EHLO x\r\nMAIL FROM:<>\r\n"));
    for (int i = 0; i < RETURNED_RECIPIENTS_MOST; i++)
        assert_true(feed("RCPT TO:<a@x>\r\n"));
    (void)codes();
    assert_true(feed("RCPT TO:<a@x>\r\n"));
    assert_string_equal(codes(), "452");
}

static void of_a_long_head_the_beginning_is_kept(void **unused)
{
    static char much[3000];
    (void)unused;
    assert_true(feed(HELLO "X-Spam: Yes\r\n"));
    memset(much, 'x', sizeof much - 1);
    for (int i = 0; i < 20; i++)
        assert_true(feed(much));
    assert_true(feed("\r\n\r\n"));
    for (int i = 0; i < 10; i++)
        assert_true(feed(much));
    assert_true(feed("\r\n.\r\n"));
    assert_string_equal(codes(), "220 250 250 250 354 250");
    assert_memory_equal(told, "a@x|X-Spam: Yes\r\nxxx", 20);
    assert_true(strlen(told) < 70000);
}

static void too_large_a_message_is_refused(void **unused)
{
    static char much[3001];
    (void)unused;
    memset(much, 'x', sizeof much - 1);
    assert_true(feed(HELLO));
    for (int i = 0; i < 40; i++)
        assert_true(feed(much));
    assert_true(feed("\r\n.\r\n"));
    assert_string_equal(codes(), "220 250 250 250 354 552");
    assert_string_equal(told, "");
}

static void a_message_that_has_been_everywhere_is_refused(void **unused)
{
    (void)unused;
    assert_true(feed(HELLO));
    for (int i = 0; i <= RETURNED_HOPS_MOST; i++)
        assert_true(feed("Received: from a by b\r\n\tagain\r\n"));
    assert_true(feed("\r\n.\r\n"));
    assert_string_equal(codes(), "220 250 250 250 354 554");
    assert_string_equal(told, "");
}

static void a_flood_of_commands_has_room(void **unused)
{
    static char much[4097];
    (void)unused;
    for (size_t i = 0; i + 7 < sizeof much; i += 6)
        memcpy(much + i, "EHLO\r\n", 7);
    assert_true(feed(much));
    (void)codes();
    assert_true(feed("NOOP\r\n"));
    assert_string_equal(codes(), "250");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_message_is_taken),
        TEST(any_pieces_will_do),
        TEST(only_a_dot_between_crlf_ends_a_message),
        TEST(lmtp_answers_for_each_recipient),
        TEST(what_cannot_be_kept_is_brought_again),
        TEST(nothing_is_relayed),
        TEST(commands_have_an_order),
        TEST(parameters_and_cases_do_not_matter),
        TEST(who_makes_mistakes_is_sent_away),
        TEST(endless_lines_are_refused),
        TEST(recipients_are_bounded),
        TEST(of_a_long_head_the_beginning_is_kept),
        TEST(too_large_a_message_is_refused),
        TEST(a_message_that_has_been_everywhere_is_refused),
        TEST(a_flood_of_commands_has_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
