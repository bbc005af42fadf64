/* A mailbox, as far as a server that stops answering goes; the rest is tested against Dovecot. */
#include "collector/desk/imap.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "common/io/clock.h"
#include "tests/unit/collector/filter/server.h"

static int take_none(void *context, const struct brought *brought, struct error *error)
{
    (void)context, (void)brought, (void)error;
    return 0;
}

/* What it would say to LOGOUT is not waited for. */
static void a_server_that_falls_silent_holds_up_nobody(void **state)
{
    static const struct server_step steps[] = {
        {"", "* OK [CAPABILITY IMAP4rev1] hello\r\n", 0},
        {"A001 CAPABILITY\r\n", "* CAPABILITY IMAP4rev1\r\nA001 OK\r\n", 0},
        {"A002 LOGIN", "A002 OK\r\n", 0},
        {"A003 SELECT INBOX\r\n", "* OK [UIDVALIDITY 7] it is\r\nA003 OK\r\n", 0},
        {"A004 UID SEARCH", "* SEARCH\r\nA004 OK\r\n", 0},
        {"", NULL, 0}};
    struct server *server = server_start(steps, true, false);
    char address[96];
    struct error error = {0};
    const struct taker taker = {.take = take_none};
    snprintf(address, sizeof address, "imap://%s", server->address);
    const struct imap_settings settings = {.server = address,
                                           .mailbox = "INBOX",
                                           .user = "ann",
                                           .password = "secret",
                                           .authority = "",
                                           .patience = 20 * SECOND};
    (void)state;
    duration begun = clock_steady();
    int status = imap_read(&settings, 10, "", &taker, &error);
    if (status < 0)
        fail_msg("%s", error.text);
    assert_true(clock_steady() - begun < 8 * SECOND);
    server_end(server);
    assert_non_null(strstr(server->heard, " LOGOUT\r\n"));
    free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_server_that_falls_silent_holds_up_nobody)};
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
