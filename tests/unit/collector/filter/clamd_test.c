/* clamd: its answers, and the client against servers that behave and that do not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "collector/filter/clamd.h"
#include "tests/unit/collector/filter/server.h"

static const struct filter_settings plain = {
    .address = "clamd", .patience = 300 * MILLISECOND, .virus_is_certain = true};
static struct opinion opinion;
static struct error failed;

static int read_answer(const char *text)
{
    failed = (struct error){0};
    return clamd_read_answer(&plain, text_of(text), &opinion, &failed);
}

static void what_is_clean_is_no_verdict(void **unused)
{
    (void)unused;
    assert_int_equal(read_answer("stream: OK"), 0);
    assert_false(opinion_is_one(&opinion));
    assert_string_equal(opinion.action, "OK");
}

static void a_virus_is_named(void **unused)
{
    (void)unused;
    assert_int_equal(read_answer("stream: Eicar-Test-Signature FOUND"), 0);
    assert_true(opinion.virus);
    assert_true(opinion.certain);
    assert_true(opinion_is_spam(&opinion));
    assert_string_equal(opinion.symbols, "Eicar-Test-Signature");
    assert_string_equal(opinion.action, "FOUND");
}

static void a_guess_is_spam_and_no_virus(void **unused)
{
    (void)unused;
    assert_int_equal(read_answer("stream: Heuristics.Phishing.Email.SpoofedDomain FOUND"), 0);
    assert_false(opinion.virus);
    assert_false(opinion.certain);
    assert_true(opinion_is_spam(&opinion));
    assert_int_equal(read_answer("stream: PUA.Win.Tool FOUND"), 0);
    assert_false(opinion.virus);
}

static void too_long_is_not_asked_again(void **unused)
{
    (void)unused;
    assert_int_equal(read_answer("INSTREAM size limit exceeded. ERROR"), 0);
    assert_false(opinion_is_one(&opinion));
}

static void anything_else_is_asked_again(void **unused)
{
    (void)unused;
    assert_int_equal(read_answer("Can't allocate memory ERROR"), -EIO);
    assert_int_equal(read_answer(""), -EBADMSG);
    assert_int_equal(read_answer("stream:  FOUND"), -EBADMSG);
    assert_int_equal(read_answer("stream: FOUND"), -EBADMSG);
    assert_int_equal(read_answer("HTTP/1.1 400 Bad Request"), -EBADMSG);
}

/* --- the client --- */

static int ask(const struct server_step *steps, bool holds, struct server **server)
{
    struct filter_settings settings = plain;
    const struct filter_message message = {.name = "0DC5B48D4.A739D", .content = TEXT("Subject: x\r\n\r\nbody\r\n")};
    *server = server_start(steps, holds, false);
    memcpy(settings.address, (*server)->address, sizeof(*server)->address);
    failed = (struct error){0};
    int status = filter_clamd.ask(&settings, &message, &opinion, &failed);
    server_end(*server);
    return status;
}

static const char pieces[] = "zINSTREAM\0\0\0\0\x14Subject: x\r\n\r\nbody\r\n\0\0\0\0";

static void the_message_goes_in_pieces(void **unused)
{
    static const struct server_step steps[] = {{"body", "stream: Worm FOUND", sizeof "stream: Worm FOUND"}, {0}};
    struct server *server;
    (void)unused;
    assert_int_equal(ask(steps, true, &server), 0);
    assert_int_equal(server->length, sizeof pieces - 1);
    assert_memory_equal(server->heard, pieces, sizeof pieces - 1);
    assert_string_equal(opinion.symbols, "Worm");
    free(server);
}

static void half_an_answer_is_none(void **unused)
{
    static const struct server_step steps[] = {{"body", "stream: O", 0}, {0}};
    struct server *server;
    (void)unused;
    assert_int_equal(ask(steps, false, &server), -ECONNRESET);
    free(server);
}

static void silence_ends_with_patience(void **unused)
{
    static const struct server_step steps[] = {{0}};
    struct server *server;
    (void)unused;
    assert_int_equal(ask(steps, true, &server), -ETIMEDOUT);
    free(server);
}

static void an_endless_answer_is_cut_short(void **unused)
{
    static char much[20000];
    const struct server_step steps[] = {{"", much, sizeof much}, {0}};
    struct server *server;
    (void)unused;
    memset(much, 'x', sizeof much);
    assert_int_equal(ask(steps, true, &server), -EMSGSIZE);
    free(server);
}

static void nobody_there_is_said(void **unused)
{
    struct filter_settings settings = plain;
    const struct filter_message message = {.name = "0DC5B48D4.A739D"};
    (void)unused;
    strcpy(settings.address, "unix:/nonexistent/socket");
    assert_int_equal(filter_clamd.ask(&settings, &message, &opinion, &failed), -ENOENT);
    assert_non_null(strstr(failed.text, "unix:/nonexistent/socket: "));
    strcpy(settings.address, "clamd.firm.example:3310");
    assert_int_equal(filter_clamd.ask(&settings, &message, &opinion, &failed), -EINVAL);
}

static void ping_wants_pong(void **unused)
{
    static const struct server_step good[] = {{"zPING", "PONG", 5}, {0}}, bad[] = {{"zPING", "HTTP/1.1 400", 13}, {0}};
    struct filter_settings settings = plain;
    struct server *server = server_start(good, false, false);
    (void)unused;
    memcpy(settings.address, server->address, sizeof server->address);
    assert_int_equal(filter_clamd.ping(&settings, &failed), 0);
    server_end(server);
    free(server);
    server = server_start(bad, false, false);
    memcpy(settings.address, server->address, sizeof server->address);
    assert_int_equal(filter_clamd.ping(&settings, &failed), -EBADMSG);
    server_end(server);
    free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_clean_is_no_verdict),
        cmocka_unit_test(a_virus_is_named),
        cmocka_unit_test(a_guess_is_spam_and_no_virus),
        cmocka_unit_test(too_long_is_not_asked_again),
        cmocka_unit_test(anything_else_is_asked_again),
        cmocka_unit_test(the_message_goes_in_pieces),
        cmocka_unit_test(half_an_answer_is_none),
        cmocka_unit_test(silence_ends_with_patience),
        cmocka_unit_test(an_endless_answer_is_cut_short),
        cmocka_unit_test(nobody_there_is_said),
        cmocka_unit_test(ping_wants_pong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
