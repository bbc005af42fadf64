/* A message that people release, as the site's mail server hears it: nothing in it is a command, and whoever does not
 * get it is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "collector/sorter/relay.h"
#include "common/io/clock.h"
#include "tests/unit/collector/filter/server.h"

#define PATIENCE (10 * SECOND)

static char answer[RELAY_ANSWER];

static enum relayed release(struct server *server, struct text content, const struct text *recipients, uint32_t count,
                            uint32_t left_out)
{
    const struct relay_message message = {.name = "0DC5B48D4.A739D",
                                          .from = TEXT("ann@firm.example"),
                                          .recipients = recipients,
                                          .recipient_count = count,
                                          .recipients_left_out = left_out,
                                          .content = content};
    enum relayed result = relay_send(server->address, "gate.example", PATIENCE, &message, answer);
    server_end(server);
    return result;
}

static const struct server_step takes_it[] = {{"", "220 hello\r\n", 0},
                                              {"EHLO gate.example\r\n", "250 hello\r\n", 0},
                                              {"MAIL FROM:<ann@firm.example>\r\n", "250 well\r\n", 0},
                                              {"RCPT TO:<bob@there.example>\r\n", "250 well\r\n", 0},
                                              {"DATA\r\n", "354 go on\r\n", 0},
                                              {"\r\n.\r\n", "250 taken\r\n", 0},
                                              {"", NULL, 0}};

static void a_message_is_sent_as_it_was(void **state)
{
    const struct text to[] = {TEXT("bob@there.example")};
    struct server *server = server_start(takes_it, false, false);
    (void)state;
    assert_int_equal(release(server, TEXT("Subject: x\r\n\r\n.a dot\r\nwithout an end"), to, 1, 0), RELAYED);
    assert_non_null(strstr(server->heard, "\r\nX-Postern-Released: 0DC5B48D4.A739D\r\nSubject: x\r\n\r\n..a dot\r\n"
                                          "without an end\r\n.\r\n"));
    assert_string_equal(answer, "250 taken");
    free(server);
}

/* Some servers take a bare CR, or a bare LF, for the end of a line: what follows a dot between two would be commands.
 */
static void no_line_in_it_ends_it(void **state)
{
    const struct text to[] = {TEXT("bob@there.example")};
    struct server *server = server_start(takes_it, false, false);
    (void)state;
    assert_int_equal(release(server, TEXT("a: b\r\n\r\none\r.\r\ntwo\n.\r\nthree\r.\rMAIL FROM:<x@y>\r\r\n"), to, 1, 0),
                     RELAYED);
    assert_non_null(
        strstr(server->heard, "\r\n\r\none\r\n..\r\ntwo\r\n..\r\nthree\r\n..\r\nMAIL FROM:<x@y>\r\n\r\n.\r\n"));
    free(server);
}

static void whoever_does_not_get_it_is_named(void **state)
{
    const struct text to[] = {TEXT("bob@there.example"), TEXT("b>\r\nRSET@x")};
    struct server *server = server_start(takes_it, false, false);
    (void)state;
    assert_int_equal(release(server, TEXT("a: b\r\n\r\n"), to, 2, 40), RELAYED);
    assert_null(strstr(server->heard, "RSET"));
    assert_string_equal(answer, "250 taken (but: 1 recipient cannot be written; 40 are not known)");
    free(server);
}

static void without_a_recipient_nothing_is_sent(void **state)
{
    static const struct server_step steps[] = {{"", "220 hello\r\n", 0},
                                               {"EHLO gate.example\r\n", "250 hello\r\n", 0},
                                               {"MAIL FROM:<ann@firm.example>\r\n", "250 well\r\n", 0},
                                               {"", NULL, 0}};
    struct server *server = server_start(steps, false, false);
    (void)state;
    assert_int_equal(release(server, TEXT("a: b\r\n\r\n"), NULL, 0, 0), RELAY_REFUSED);
    assert_string_equal(answer, "it is for nobody");
    free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_sent_as_it_was),
        cmocka_unit_test(no_line_in_it_ends_it),
        cmocka_unit_test(whoever_does_not_get_it_is_named),
        cmocka_unit_test(without_a_recipient_nothing_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
