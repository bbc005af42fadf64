/* rspamd: its answers, what is said to it, and the client against servers that behave and that do not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "collector/filter/rspamd.h"
#include "tests/unit/collector/filter/server.h"

static const struct filter_settings plain = {.address = "rspamd",
                                             .controller = "controller",
                                             .patience = 300 * MILLISECOND,
                                             .threshold = 600,
                                             .virus_is_certain = true,
                                             .certain = {.items = {"GTUBE"}, .count = 1}};
static struct opinion opinion;
static struct error failed;

static int read_opinion(const char *text)
{
    failed = (struct error){0};
    return rspamd_read_opinion(&plain, text_of(text), &opinion, &failed);
}

static void symbols_stand_by_their_weight(void **unused)
{
    (void)unused;
    assert_int_equal(
        read_opinion(
            "{\"is_skipped\":false,\"score\":7.255,\"required_score\":15.0,\"action\":\"add header\",\"symbols\":{"
            "\"A_LITTLE\":{\"name\":\"A_LITTLE\",\"score\":0.1},\"BAYES_HAM\":{\"score\":-3.0},"
            "\"MUCH\":{\"score\":10.0},\"A\":{\"score\":0},\"B\":{}}}"),
        0);
    assert_int_equal(opinion.score, 726);
    assert_string_equal(opinion.action, "add header");
    assert_string_equal(opinion.symbols, "MUCH BAYES_HAM A_LITTLE A B");
}

static void the_threshold_is_that_of_marking(void **unused)
{
    (void)unused;
    assert_int_equal(read_opinion("{\"score\":7,\"required_score\":15,\"action\":\"add header\"}"), 0);
    assert_int_equal(opinion.threshold, 600);
    assert_true(opinion_is_spam(&opinion));
    assert_int_equal(read_opinion("{\"score\":5,\"required_score\":15,\"action\":\"no action\",\"thresholds\":"
                                  "{\"reject\":15,\"add header\":8.5,\"greylist\":4}}"),
                     0);
    assert_int_equal(opinion.threshold, 850);
    assert_int_equal(opinion.score, 500);
    assert_false(opinion_is_spam(&opinion));
}

static void its_action_stands_over_its_score(void **unused)
{
    (void)unused;
    assert_int_equal(read_opinion("{\"score\":1,\"required_score\":15,\"action\":\"reject\"}"), 0);
    assert_true(opinion_is_spam(&opinion));
    assert_int_equal(read_opinion("{\"score\":100,\"required_score\":15,\"action\":\"no action\"}"), 0);
    assert_false(opinion_is_spam(&opinion));
    assert_int_equal(read_opinion("{\"score\":7,\"required_score\":15,\"action\":\"soft reject\"}"), 0);
    assert_true(opinion_is_spam(&opinion)); /* which is for now, and says nothing: its score does */
}

static void a_test_pattern_is_certain(void **unused)
{
    (void)unused;
    assert_int_equal(read_opinion("{\"is_skipped\":true,\"score\":0,\"required_score\":15,\"action\":\"reject\","
                                  "\"symbols\":{\"GTUBE\":{\"score\":0}}}"),
                     0);
    assert_true(opinion.certain);
    assert_true(opinion_is_spam(&opinion));
}

static void a_virus_of_its_scanners_is_one(void **unused)
{
    (void)unused;
    assert_int_equal(read_opinion("{\"score\":4,\"required_score\":15,\"action\":\"reject\",\"symbols\":"
                                  "{\"CLAM_VIRUS\":{\"score\":4},\"CLAM_VIRUS_FAIL\":{\"score\":0}}}"),
                     0);
    assert_true(opinion.virus);
    assert_int_equal(read_opinion("{\"score\":0,\"required_score\":15,\"action\":\"no action\",\"symbols\":"
                                  "{\"CLAM_VIRUS_FAIL\":{\"score\":0}}}"),
                     0);
    assert_false(opinion.virus);
}

static void what_it_skips_has_no_verdict(void **unused)
{
    (void)unused;
    assert_int_equal(read_opinion("{\"is_skipped\":true,\"score\":0,\"required_score\":0,\"action\":\"no action\"}"),
                     0);
    assert_false(opinion_is_one(&opinion));
    assert_string_equal(opinion.action, "skipped");
}

static void garbage_is_none(void **unused)
{
    static const char *const garbage[] = {
        "",
        "{",
        "[]",
        "\"reject\"",
        "{}",
        "{\"score\":5}",
        "{\"score\":\"5\",\"action\":\"reject\"}",
        "{\"score\":5,\"action\":7}",
        "{\"score\":5,\"action\":\"reject\",\"symbols\":[]}",
        "{\"score\":5,\"action\":\"reject\"",
        "{\"score\":1e999,\"action\":\"reject\"}",
        "{\"error\":\"no\"}",
    };
    (void)unused;
    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++)
        assert_int_equal(read_opinion(garbage[i]), -EBADMSG);
}

static void wild_numbers_are_cut(void **unused)
{
    (void)unused;
    assert_int_equal(read_opinion("{\"score\":1e300,\"required_score\":-1e300,\"action\":\"reject\",\"symbols\":"
                                  "{\"X\":{\"score\":-1e308},\"a\\u001b c\":{\"score\":2}}}"),
                     0);
    assert_int_equal(opinion.score, OPINION_SCORE_MOST);
    assert_true(opinion_is_spam(&opinion));
}

static void lessons_are_told_by_status(void **unused)
{
    (void)unused;
    assert_int_equal(rspamd_read_lesson(&plain, 200, TEXT("{\"success\":true}"), &failed), 0);
    assert_int_equal(rspamd_read_lesson(&plain, 208,
                                        TEXT("{\"error\":\"<a@b> has been already learned as spam, ignore it\"}"),
                                        &failed),
                     1);
    assert_int_equal(rspamd_read_lesson(&plain, 204, TEXT(""), &failed), 1);
    assert_int_equal(
        rspamd_read_lesson(&plain, 404, TEXT("{\"error\":\"No content to generate fuzzy for flag 11\"}"), &failed), 1);
    assert_int_equal(rspamd_read_lesson(&plain, 404, TEXT("{\"error\":\"no\\nsuch\"}"), &failed), -EIO);
    assert_string_equal(failed.text, "controller: it did not learn: 404 no?such");
    assert_int_equal(rspamd_read_lesson(&plain, 401, TEXT(""), &failed), -EACCES);
    assert_int_equal(rspamd_read_lesson(&plain, 200, TEXT("<html>"), &failed), -EIO);
}

/* --- the client --- */

static struct text to[120];
static struct filter_message letter = {
    .name = "0DC5B48D4.A739D",
    .content = {"Subject: x\r\n\r\nbody\r\n", 20},
    .from = {"ann@firm.example", 16},
    .recipients = to,
    .helo = {"mail\r\nPassword: x", 17},
    .client = {"203.0.113.7", 11},
};

#define REPLY(body) "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n\r\n" body
static const struct server_step good[] = {
    {"body\r\n", REPLY("{\"score\":1,\"required_score\":15,\"action\":\"no action\"}"), 0}, {0}};

static int ask(const struct server_step *steps, bool holds, bool trickles, struct server **server)
{
    struct filter_settings settings = plain;
    *server = server_start(steps, holds, trickles);
    memcpy(settings.address, (*server)->address, sizeof(*server)->address);
    failed = (struct error){0};
    int status = filter_rspamd.ask(&settings, &letter, &opinion, &failed);
    server_end(*server);
    return status;
}

static void the_envelope_stands_in_headers(void **unused)
{
    static const char *const lines[] = {"POST /checkv2 HTTP/1.0\r\n",
                                        "\r\nFrom: <ann@firm.example>\r\n",
                                        "\r\nRcpt: <bob@there.example>\r\nRcpt: <eve@there.example>\r\n",
                                        "\r\nIP: 203.0.113.7\r\n",
                                        "\r\nHelo: mail??Password: x\r\n",
                                        "\r\nQueue-Id: 0DC5B48D4.A739D\r\n",
                                        "\r\nContent-Length: 20\r\n"};
    struct server *server;
    (void)unused;
    to[0] = TEXT("bob@there.example");
    to[1] = TEXT("eve@there.example");
    letter.recipient_count = 2;
    assert_int_equal(ask(good, false, false, &server), 0);
    assert_int_equal(opinion.score, 100);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_non_null(strstr(server->heard, lines[i]));
    assert_null(strstr(server->heard, "User:"));
    assert_null(strstr(server->heard, "\nPassword"));
    assert_null(strstr(server->heard, "Expect"));
    free(server);
}

static void the_first_hundred_recipients_are_told(void **unused)
{
    struct server *server;
    size_t count = 0;
    (void)unused;
    for (size_t i = 0; i < 120; i++)
        to[i] = TEXT("bob@there.example");
    letter.recipient_count = 120;
    letter.from = TEXT("");
    assert_int_equal(ask(good, false, false, &server), 0);
    for (const char *at = server->heard; (at = strstr(at, "\r\nRcpt: ")); at++)
        count++;
    assert_int_equal(count, 100);
    assert_non_null(strstr(server->heard, "\r\nFrom: <>\r\n")); /* the null sender is one */
    letter.recipient_count = 1;
    letter.from = TEXT("ann@firm.example");
    free(server);
}

static void who_answers_badly_is_asked_again(void **unused)
{
    static const struct server_step half[] = {{"body", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"score\":1", 0},
                                              {0}};
    static const struct server_step trouble[] = {{"body", "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", 0}, {0}};
    static const struct server_step garbage[] = {{"body", "\x16\x03\x01 garbage\r\n\r\n", 0}, {0}};
    static const struct server_step moved[] = {
        {"body", "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 0}, {0}};
    struct server *server;
    (void)unused;
    assert_int_equal(ask(half, false, false, &server), -EBADMSG);
    free(server);
    assert_int_equal(ask(trouble, false, false, &server), -EIO);
    free(server);
    assert_int_equal(ask(garbage, false, false, &server), -EBADMSG);
    free(server);
    assert_int_equal(ask(moved, false, false, &server), -EIO);
    free(server);
}

static void who_is_silent_or_slow_is_given_up(void **unused)
{
    static const struct server_step nothing[] = {{0}};
    struct server *server;
    (void)unused;
    assert_int_equal(ask(nothing, true, false, &server), -ETIMEDOUT);
    free(server);
    assert_int_equal(ask(good, true, true, &server), -ETIMEDOUT);
    free(server);
}

static void an_endless_answer_is_cut_short(void **unused)
{
    enum { MUCH = 4 << 20 };
    char *much = malloc(MUCH);
    struct server *server;
    (void)unused;
    memset(much, ' ', MUCH);
    memcpy(much, REPLY("{"), sizeof REPLY("{") - 1);
    const struct server_step steps[] = {{"body", much, MUCH}, {0}};
    assert_int_equal(ask(steps, false, false, &server), -EMSGSIZE);
    free(server);
    free(much);
}

static int learn(struct filter_settings *settings, enum lesson lesson, const struct server_step *steps,
                 struct server **server)
{
    *server = server_start(steps, false, false);
    memcpy(settings->controller, (*server)->address, sizeof(*server)->address);
    failed = (struct error){0};
    int status = filter_rspamd.learn(settings, &letter, lesson, &failed);
    server_end(*server);
    return status;
}

static void lessons_go_to_the_controller(void **unused)
{
    static const struct server_step learned[] = {{"body\r\n", REPLY("{\"success\":true}"), 0}, {0}};
    struct filter_settings settings = plain;
    struct server *server;
    (void)unused;
    strcpy(settings.password, "a word");
    assert_int_equal(learn(&settings, LESSON_SPAM, learned, &server), 0);
    assert_memory_equal(server->heard, "POST /learnspam HTTP/1.0\r\n", 26);
    assert_non_null(strstr(server->heard, "\r\nPassword: a word\r\n"));
    free(server);
    assert_int_equal(learn(&settings, LESSON_HAM, learned, &server), 0);
    assert_memory_equal(server->heard, "POST /learnham HTTP/1.0\r\n", 25);
    free(server);
    settings.fuzzy_flag = 11;
    assert_int_equal(learn(&settings, LESSON_FORGET, learned, &server), 0);
    assert_memory_equal(server->heard, "POST /fuzzydel HTTP/1.0\r\n", 25);
    assert_non_null(strstr(server->heard, "\r\nFlag: 11\r\n"));
    free(server);
}

static void its_bayes_cannot_forget(void **unused)
{
    struct filter_settings settings = plain;
    (void)unused;
    assert_int_equal(filter_rspamd.learn(&settings, &letter, LESSON_FORGET, &failed), -ENOTSUP);
    settings.controller[0] = 0;
    assert_int_equal(filter_rspamd.learn(&settings, &letter, LESSON_SPAM, &failed), -ENOTSUP);
}

static void ping_wants_pong(void **unused)
{
    static const struct server_step pong[] = {{"GET /ping", REPLY("pong\r\n"), 0}, {0}},
                                    web[] = {{"GET", REPLY("<html>"), 0}, {0}};
    struct filter_settings settings = plain;
    struct server *server = server_start(pong, false, false);
    (void)unused;
    memcpy(settings.address, server->address, sizeof server->address);
    assert_int_equal(filter_rspamd.ping(&settings, &failed), 0);
    server_end(server);
    free(server);
    server = server_start(web, false, false);
    memcpy(settings.address, server->address, sizeof server->address);
    assert_int_equal(filter_rspamd.ping(&settings, &failed), -EBADMSG);
    server_end(server);
    free(server);
    strcpy(settings.address, "rspamd.firm.example:11333/x");
    assert_int_equal(filter_rspamd.ping(&settings, &failed), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(symbols_stand_by_their_weight),
        cmocka_unit_test(the_threshold_is_that_of_marking),
        cmocka_unit_test(its_action_stands_over_its_score),
        cmocka_unit_test(a_test_pattern_is_certain),
        cmocka_unit_test(a_virus_of_its_scanners_is_one),
        cmocka_unit_test(what_it_skips_has_no_verdict),
        cmocka_unit_test(garbage_is_none),
        cmocka_unit_test(wild_numbers_are_cut),
        cmocka_unit_test(lessons_are_told_by_status),
        cmocka_unit_test(the_envelope_stands_in_headers),
        cmocka_unit_test(the_first_hundred_recipients_are_told),
        cmocka_unit_test(who_answers_badly_is_asked_again),
        cmocka_unit_test(who_is_silent_or_slow_is_given_up),
        cmocka_unit_test(an_endless_answer_is_cut_short),
        cmocka_unit_test(lessons_go_to_the_controller),
        cmocka_unit_test(its_bayes_cannot_forget),
        cmocka_unit_test(ping_wants_pong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
