/* spamd: its answers, what is said to it, and the client against servers that behave and that do not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "collector/filter/spamd.h"
#include "tests/unit/collector/filter/server.h"

#define NOW (1800000000 * SECOND)

static const struct filter_settings plain = {
    .address = "spamd", .patience = 300 * MILLISECOND, .certain = {.items = {"GTUBE"}, .count = 1}};
static struct opinion opinion;
static struct error failed;

static int read_opinion(const char *text)
{
    failed = (struct error){0};
    return spamd_read_opinion(&plain, text_of(text), &opinion, &failed);
}

#define HEAD "SPAMD/1.1 0 EX_OK\r\n"

static void an_answer_is_read(void **unused)
{
    (void)unused;
    assert_int_equal(
        read_opinion(HEAD "Content-length: 27\r\nSpam: True ; 1000.0 / 5.0\r\n\r\nGTUBE,NO_RECEIVED,NO_RELAYS"), 0);
    assert_int_equal(opinion.score, 100000);
    assert_int_equal(opinion.threshold, 500);
    assert_true(opinion_is_spam(&opinion));
    assert_true(opinion.certain);
    assert_string_equal(opinion.symbols, "GTUBE NO_RECEIVED NO_RELAYS");
    assert_string_equal(opinion.action, "spam");
    assert_int_equal(read_opinion(HEAD "Spam: False ; -1.9 / 5.0\r\n\r\n"), 0);
    assert_int_equal(opinion.score, -190);
    assert_false(opinion_is_spam(&opinion));
    assert_true(opinion_is_one(&opinion));
    assert_string_equal(opinion.symbols, "");
}

static void its_word_stands_over_its_score(void **unused)
{
    (void)unused;
    assert_int_equal(read_opinion(HEAD "Spam: True ; 3.0 / 5.0\r\n\r\n"), 0);
    assert_true(opinion_is_spam(&opinion));
}

static void half_an_answer_is_none(void **unused)
{
    static const char whole[] = HEAD "Content-length: 11\r\nSpam: True ; 15.0 / 5.0\r\n\r\nGTUBE,OTHER";
    char half[sizeof whole];
    (void)unused;
    assert_int_equal(read_opinion(whole), 0);
    for (size_t length = 0; length < sizeof whole - 1; length++) {
        memcpy(half, whole, length);
        half[length] = 0;
        assert_int_equal(read_opinion(half), -EBADMSG);
    }
}

static void garbage_is_none(void **unused)
{
    static const char *const garbage[] = {
        "",
        "\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "SPAMD/1.1 x EX_OK\r\nSpam: True ; 1.0 / 5.0\r\n\r\n",
        HEAD "Spam: Perhaps ; 1.0 / 5.0\r\n\r\n",
        HEAD "Spam: True ; many / 5.0\r\n\r\n",
        HEAD "Spam: True ; 1.0\r\n\r\n",
        HEAD "\r\n",
        HEAD "Content-length: -1\r\nSpam: True ; 1.0 / 5.0\r\n\r\n",
        HEAD "Content-length: 99999999999999999999\r\nSpam: True ; 1.0 / 5.0\r\n\r\n",
    };
    (void)unused;
    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++)
        assert_int_equal(read_opinion(garbage[i]), -EBADMSG);
}

static void trouble_of_its_own_is_said(void **unused)
{
    (void)unused;
    assert_int_equal(read_opinion("SPAMD/1.0 76 Bad header line: \033x\r\n"), -EIO);
    assert_string_equal(failed.text, "spamd: 76 Bad header line: ?x");
}

static void lessons_are_told_by_what_it_did(void **unused)
{
    (void)unused;
    assert_int_equal(spamd_read_lesson(&plain, TEXT(HEAD "DidSet: local\r\nContent-length: 2\r\n\r\n\r\n"), &failed),
                     0);
    assert_int_equal(spamd_read_lesson(&plain, TEXT(HEAD "DidRemove: local\r\n\r\n"), &failed), 0);
    assert_int_equal(spamd_read_lesson(&plain, TEXT(HEAD "Content-length: 2\r\n\r\n\r\n"), &failed), 1);
    assert_int_equal(spamd_read_lesson(&plain,
                                       TEXT("SPAMD/1.0 69 Service Unavailable: TELL commands are not enabled, "
                                            "set the --allow-tell switch.\r\n"),
                                       &failed),
                     -EIO);
    assert_non_null(strstr(failed.text, "--allow-tell"));
}

static const struct filter_message letter = {
    .name = "0DC5B48D4.A739D",
    .content = {"Subject: x\r\n\r\nbody\r\n", 20},
    .from = {"ann@firm.example", 16},
    .helo = {"mail.firm.example", 17},
    .client = {"203.0.113.7", 11},
    .user = {"ann", 3},
};

static void the_trace_says_who_sent_it(void **unused)
{
    struct buffer trace;
    (void)unused;
    buffer_init(&trace, 8192);
    assert_true(spamd_write_trace(&letter, NOW, &trace));
    assert_true(buffer_append_byte(&trace, 0));
    assert_string_equal(trace.bytes, "X-Envelope-From: <ann@firm.example>\r\n"
                                     "Received: from mail.firm.example (mail.firm.example [203.0.113.7])\r\n"
                                     "\tby postern.invalid (Postfix) with ESMTP id 0DC5B48D4.A739D;\r\n"
                                     "\tFri, 15 Jan 2027 08:00:00 +0000\r\n");
    buffer_clear(&trace);
}

static void a_trace_holds_no_lines_of_strangers(void **unused)
{
    struct filter_message message = letter;
    struct buffer trace;
    (void)unused;
    buffer_init(&trace, 8192);
    message.from = TEXT("a@b>\r\nX-Spam-Flag: NO\r\n");
    message.helo = TEXT("x) (y [127.0.0.1])\n\nbody");
    message.client = TEXT("2001:db8::7");
    assert_true(spamd_write_trace(&message, NOW, &trace));
    assert_true(buffer_append_byte(&trace, 0));
    assert_string_equal(trace.bytes, "X-Envelope-From: <a@b>??X-Spam-Flag: NO?\?>\r\n"
                                     "Received: from x???y??127.0.0.1????body (unknown [IPv6:2001:db8::7])\r\n"
                                     "\tby postern.invalid (Postfix) with ESMTP id 0DC5B48D4.A739D;\r\n"
                                     "\tFri, 15 Jan 2027 08:00:00 +0000\r\n");
    message.client = TEXT("not an address\r\n");
    message.helo = TEXT("");
    buffer_clear(&trace);
    assert_true(spamd_write_trace(&message, NOW, &trace));
    assert_true(text_equals(buffer_text(&trace), TEXT("X-Envelope-From: <a@b>??X-Spam-Flag: NO?\?>\r\n")));
    buffer_clear(&trace);
}

/* --- the client --- */

static const char *verb; /* "ask" or "learn" */
static enum lesson lesson;

static int converse(const struct server_step *steps, bool holds, bool trickles, struct server **server)
{
    struct filter_settings settings = plain;
    strcpy(settings.user, "learner");
    settings.reports = lesson == LESSON_SPAM;
    *server = server_start(steps, holds, trickles);
    memcpy(settings.address, (*server)->address, sizeof(*server)->address);
    failed = (struct error){0};
    int status = strcmp(verb, "ask") == 0 ? filter_spamd.ask(&settings, &letter, &opinion, &failed)
                                          : filter_spamd.learn(&settings, &letter, lesson, &failed);
    server_end(*server);
    return status;
}

static void it_is_asked_for_symbols(void **unused)
{
    static const struct server_step steps[] = {
        {"body\r\n", HEAD "Content-length: 5\r\nSpam: True ; 15.0 / 5.0\r\n\r\nGTUBE", 0}, {0}};
    struct server *server;
    char start[200];
    (void)unused;
    verb = "ask";
    assert_int_equal(converse(steps, false, false, &server), 0);
    assert_int_equal(opinion.score, 1500);
    const char *body = strstr(server->heard, "\r\n\r\n") + 4;
    snprintf(start, sizeof start,
             "SYMBOLS SPAMC/1.5\r\nContent-length: %zu\r\nUser: learner\r\n\r\nX-Envelope-From: <ann@",
             server->length - (size_t)(body - server->heard));
    assert_memory_equal(server->heard, start, strlen(start));
    assert_string_equal(server->heard + server->length - letter.content.length, letter.content.bytes);
    free(server);
}

static void it_is_taught(void **unused)
{
    static const struct server_step steps[] = {{"body\r\n", HEAD "DidSet: local\r\nContent-length: 2\r\n\r\n\r\n", 0},
                                               {0}};
    static const char *const expected[LESSONS] = {
        [LESSON_SPAM] = "Message-class: spam\r\nSet: local, remote\r\nUser: learner\r\n\r\nSubject: x\r\n",
        [LESSON_HAM] = "Message-class: ham\r\nSet: local\r\nUser: learner\r\n\r\nSubject: x\r\n",
        [LESSON_FORGET] = "Remove: local\r\nUser: learner\r\n\r\nSubject: x\r\n"};
    struct server *server;
    (void)unused;
    verb = "learn";
    for (lesson = 0; lesson < LESSONS; lesson++) {
        assert_int_equal(converse(steps, false, false, &server), 0);
        assert_memory_equal(server->heard, "TELL SPAMC/1.5\r\nContent-length: 20\r\n", 36);
        assert_memory_equal(server->heard + 36, expected[lesson], strlen(expected[lesson]));
        free(server);
    }
}

static void what_ends_in_the_middle_is_asked_again(void **unused)
{
    static const struct server_step half[] = {
        {"body", HEAD "Content-length: 50\r\nSpam: True ; 15.0 / 5.0\r\n\r\nGTUBE", 0}, {0}};
    static const struct server_step nothing[] = {{"body", "", 0}, {0}};
    struct server *server;
    (void)unused;
    verb = "ask";
    assert_int_equal(converse(half, false, false, &server), -EBADMSG);
    free(server);
    assert_int_equal(converse(nothing, false, false, &server), -EBADMSG);
    free(server);
}

static void who_is_silent_or_slow_is_given_up(void **unused)
{
    static const struct server_step nothing[] = {{0}};
    static const struct server_step slow[] = {{"", HEAD "Content-length: 5\r\nSpam: True ; 15.0 / 5.0\r\n\r\nGTUBE", 0},
                                              {0}};
    struct server *server;
    (void)unused;
    verb = "ask";
    assert_int_equal(converse(nothing, true, false, &server), -ETIMEDOUT);
    free(server);
    assert_int_equal(converse(slow, true, true, &server), -ETIMEDOUT);
    free(server);
}

static void who_refuses_early_is_heard(void **unused)
{
    static const struct server_step steps[] = {{"TELL", "SPAMD/1.0 69 Service Unavailable: no TELL\r\n", 0}, {0}};
    struct server *server;
    (void)unused;
    verb = "learn";
    lesson = LESSON_HAM;
    assert_int_equal(converse(steps, false, false, &server), -EIO);
    assert_non_null(strstr(failed.text, "69 Service Unavailable"));
    free(server);
}

static void ping_wants_pong(void **unused)
{
    static const struct server_step good[] = {{"PING", "SPAMD/1.5 0 PONG\r\n", 0}, {0}},
                                    bad[] = {{"PING", HEAD "\r\n", 0}, {0}};
    struct filter_settings settings = plain;
    struct server *server = server_start(good, false, false);
    (void)unused;
    memcpy(settings.address, server->address, sizeof server->address);
    assert_int_equal(filter_spamd.ping(&settings, &failed), 0);
    server_end(server);
    free(server);
    server = server_start(bad, false, false);
    memcpy(settings.address, server->address, sizeof server->address);
    assert_int_equal(filter_spamd.ping(&settings, &failed), -EBADMSG);
    server_end(server);
    free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_read),
        cmocka_unit_test(its_word_stands_over_its_score),
        cmocka_unit_test(half_an_answer_is_none),
        cmocka_unit_test(garbage_is_none),
        cmocka_unit_test(trouble_of_its_own_is_said),
        cmocka_unit_test(lessons_are_told_by_what_it_did),
        cmocka_unit_test(the_trace_says_who_sent_it),
        cmocka_unit_test(a_trace_holds_no_lines_of_strangers),
        cmocka_unit_test(it_is_asked_for_symbols),
        cmocka_unit_test(it_is_taught),
        cmocka_unit_test(what_ends_in_the_middle_is_asked_again),
        cmocka_unit_test(who_is_silent_or_slow_is_given_up),
        cmocka_unit_test(who_refuses_early_is_heard),
        cmocka_unit_test(ping_wants_pong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
