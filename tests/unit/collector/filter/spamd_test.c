/* spamd: its answers, what is said to it, reports, and the client against servers that behave and that do not. */
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

#define RULER "---- ---------------------- --------------------------------------------------\n"
#define WORDS                                                                                                          \
    "Spam detection software, running on the system \"gate\",\nhas identified this incoming email as possible "        \
    "spam.\n\nContent preview:  "
#define DETAILS                                                                                                        \
    "\n\nContent analysis details:   (21.4 points, 5.0 required)\n\n pts rule name              description\n"

static int read_report(const char *report)
{
    char text[8192];
    snprintf(text, sizeof text, HEAD "Content-length: %zu\r\nSpam: True ; 21.4 / 5.0\r\n\r\n%s", strlen(report),
             report);
    failed = (struct error){0};
    return spamd_read_report_opinion(&plain, text_of(text), &opinion, &failed);
}

static void the_weightiest_rules_of_a_report_come_first(void **unused)
{
    (void)unused;
    assert_int_equal(
        read_report(WORDS "Größe 漢字" DETAILS RULER " 0.0 HTML_MESSAGE           BODY: HTML included in message\n"
                          " 3.5 BAYES_99               BODY: Bayes spam probability is 99 to 100%\n"
                          "                            [score: 0.9999]\n"
                          "-5.0 LISTED_AS_GOOD         a list of the site's whose description is longer than\n"
                          "                            -9.0 lines are\n"
                          "[a sentence that matched is longer than any line could be, and has no room before it]\n"
                          "  15 A_NAME_THAT_IS_LONGER_THAN_ITS_COLUMN No description available.\n"
                          " 3.5 URI_NOVOWEL            URI: URI hostname has long non-vowel sequence\n"
                          "1000 GTUBE                  BODY: Generic Test for Unsolicited Bulk Email\n\n"),
        0);
    assert_string_equal(opinion.symbols,
                        "GTUBE A_NAME_THAT_IS_LONGER_THAN_ITS_COLUMN LISTED_AS_GOOD BAYES_99 URI_NOVOWEL "
                        "HTML_MESSAGE");
    assert_true(opinion.certain);
    assert_int_equal(opinion.score, 2140);
    assert_int_equal(opinion.threshold, 500);
    assert_string_equal(opinion.action, "spam");
    /* No rule matched. */
    assert_int_equal(read_report(WORDS "x" DETAILS RULER "\n\n"), 0);
    assert_string_equal(opinion.symbols, "");
}

static void what_a_report_quotes_is_no_rule(void **unused)
{
    (void)unused;
    assert_int_equal(read_report(WORDS "x\n  15 GTUBE BODY: y\n" DETAILS RULER " 1.0 REAL_ONE   real\n\n"
                                       "preview below:\n1000 GTUBE                  BODY: y\n"),
                     0);
    assert_string_equal(opinion.symbols, "REAL_ONE");
    assert_false(opinion.certain);
}

static void a_report_without_a_table_is_none_but_has_a_verdict(void **unused)
{
    static const char *const reports[] = {
        "",
        "(no report template found)\n\n",
        "GTUBE",
        "You got spam: GTUBE, BAYES_99\n",
        WORDS "x" DETAILS " 1.0 NO_RULER   there are no dashes over it\n\n",
        /* A second one may be the message's. */
        WORDS "x\n" RULER "1000 GTUBE  BODY: y\n" DETAILS RULER " 1.0 REAL_ONE   real\n\n",
        WORDS "x" DETAILS RULER " 1.0 REAL_ONE   real\nwords of a stranger\n\n",
        WORDS "x" DETAILS RULER " 1.0 REAL-ONE   no name of a rule\n\n",
        WORDS "x" DETAILS RULER " many REAL_ONE  no points\n\n",
        WORDS "x" DETAILS RULER "                            [nothing stands above it]\n\n",
    };
    (void)unused;
    for (size_t i = 0; i < sizeof reports / sizeof reports[0]; i++) {
        assert_int_equal(read_report(reports[i]), 1);
        assert_string_equal(opinion.symbols, "");
        assert_false(opinion.certain);
        assert_int_equal(opinion.score, 2140);
    }
}

static void a_report_beyond_measure_is_none(void **unused)
{
    size_t room = 64000, length = 0;
    char *report = malloc(room);
    (void)unused;
    assert_non_null(report);
    length += (size_t)snprintf(report, room, HEAD "Spam: True ; 21.4 / 5.0\r\n\r\n" RULER);
    for (unsigned i = 0; i < 512; i++)
        length += (size_t)snprintf(report + length, room - length, " 1.0 RULE_%u   x\n", i);
    assert_int_equal(spamd_read_report_opinion(&plain, (struct text){report, length}, &opinion, &failed), 0);
    assert_memory_equal(opinion.symbols, "RULE_0 RULE_1 ", 14);
    assert_true(strlen(opinion.symbols) < OPINION_SYMBOLS_MOST);
    length += (size_t)snprintf(report + length, room - length, " 1.0 RULE_512   x\n");
    assert_int_equal(spamd_read_report_opinion(&plain, (struct text){report, length}, &opinion, &failed), 1);
    free(report);
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
                                     "Received: from [203.0.113.7] (HELO mail.firm.example)\r\n"
                                     "\tby postern.invalid (CommuniGate Pro SMTP) with ESMTP id 0DC5B48D4.A739D;\r\n"
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
                                     "Received: from [IPv6:2001:db8::7] (HELO x???y??127.0.0.1????body)\r\n"
                                     "\tby postern.invalid (CommuniGate Pro SMTP) with ESMTP id 0DC5B48D4.A739D;\r\n"
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

static void it_is_asked_for_a_report(void **unused)
{
    static const struct server_step steps[] = {
        {"body\r\n", HEAD "Spam: True ; 15.0 / 5.0\r\n\r\n" RULER " 0.1 LITTLE\n1000 GTUBE\n\n", 0}, {0}};
    struct server *server;
    char start[200];
    (void)unused;
    verb = "ask";
    assert_int_equal(converse(steps, false, false, &server), 0);
    assert_int_equal(opinion.score, 1500);
    assert_string_equal(opinion.symbols, "GTUBE LITTLE");
    const char *body = strstr(server->heard, "\r\n\r\n") + 4;
    snprintf(start, sizeof start,
             "REPORT SPAMC/1.5\r\nContent-length: %zu\r\nUser: learner\r\n\r\nX-Envelope-From: <ann@",
             server->length - (size_t)(body - server->heard));
    assert_memory_equal(server->heard, start, strlen(start));
    assert_string_equal(server->heard + server->length - letter.content.length, letter.content.bytes);
    free(server);
}

static void where_there_is_no_table_it_is_asked_for_symbols(void **unused)
{
    static const struct server_step own[] = {{"body\r\n", HEAD "Spam: True ; 15.0 / 5.0\r\n\r\nGTUBE, look!\n", 0},
                                             {"", "", SERVER_NEXT},
                                             {"body\r\n", HEAD "Spam: True ; 15.0 / 5.0\r\n\r\nBAYES_99,LITTLE", 0},
                                             {0}};
    static const struct server_step silent[] = {
        {"body\r\n", "", SERVER_NEXT}, {"body\r\n", HEAD "Spam: True ; 15.0 / 5.0\r\n\r\nBAYES_99,LITTLE", 0}, {0}};
    static const struct server_step *const scripts[] = {own, silent};
    struct server *server;
    (void)unused;
    verb = "ask";
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        assert_int_equal(converse(scripts[i], false, false, &server), 0);
        assert_int_equal(opinion.score, 1500);
        assert_string_equal(opinion.symbols, "BAYES_99 LITTLE");
        assert_false(opinion.certain);
        const char *second = strstr(server->heard, "body\r\n") + 6;
        assert_memory_equal(server->heard, "REPORT SPAMC/1.5\r\n", 18);
        assert_memory_equal(second, "SYMBOLS SPAMC/1.5\r\n", 19);
        size_t rest = strlen(strchr(second, '\n')); /* the same but for the verb */
        assert_memory_equal(strchr(server->heard, '\n'), strchr(second, '\n'), rest);
        free(server);
    }
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
    static const struct server_step nothing[] = {{"body", "", SERVER_NEXT}, {"body", "", 0}, {0}};
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
        cmocka_unit_test(the_weightiest_rules_of_a_report_come_first),
        cmocka_unit_test(what_a_report_quotes_is_no_rule),
        cmocka_unit_test(a_report_without_a_table_is_none_but_has_a_verdict),
        cmocka_unit_test(a_report_beyond_measure_is_none),
        cmocka_unit_test(its_word_stands_over_its_score),
        cmocka_unit_test(half_an_answer_is_none),
        cmocka_unit_test(garbage_is_none),
        cmocka_unit_test(trouble_of_its_own_is_said),
        cmocka_unit_test(lessons_are_told_by_what_it_did),
        cmocka_unit_test(the_trace_says_who_sent_it),
        cmocka_unit_test(a_trace_holds_no_lines_of_strangers),
        cmocka_unit_test(it_is_asked_for_a_report),
        cmocka_unit_test(where_there_is_no_table_it_is_asked_for_symbols),
        cmocka_unit_test(it_is_taught),
        cmocka_unit_test(what_ends_in_the_middle_is_asked_again),
        cmocka_unit_test(who_is_silent_or_slow_is_given_up),
        cmocka_unit_test(who_refuses_early_is_heard),
        cmocka_unit_test(ping_wants_pong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
