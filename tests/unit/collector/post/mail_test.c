/* Mail, as a server hears it: what its answers come to, and that it is marked before it can have arrived. */
#include "collector/post/mail.h"
#include <signal.h>
#include "common/io/clock.h"
#include "tests/unit/collector/filter/server.h"
#include "tests/unit/collector/post/delivering.h"

#define MESSAGE TEXT("Subject: x\r\n\r\n.a dot\r\nan end\r\n")
#define BEGIN                                                                                                          \
    {"", "220 hello\r\n", 0},                                                                                          \
    {                                                                                                                  \
        "EHLO gate.example\r\n", "250-hello\r\n250 8BITMIME\r\n", 0                                                    \
    }
#define FROM                                                                                                           \
    {                                                                                                                  \
        "MAIL FROM:<bounces@firm.example>", "250 well\r\n", 0                                                          \
    }
#define RCPT                                                                                                           \
    {                                                                                                                  \
        "RCPT TO:<a@there.example>\r\n", "250 well\r\n", 0                                                             \
    }
#define DATA                                                                                                           \
    {                                                                                                                  \
        "DATA\r\n", "354 go on\r\n", 0                                                                                 \
    }
#define END                                                                                                            \
    {                                                                                                                  \
        "", NULL, 0                                                                                                    \
    }

static struct mail_settings settings;
static struct delivery delivery;

static struct server *serve(const struct server_step *steps, bool holds, duration patience)
{
    struct server *server = server_start(steps, holds, false);
    memset(&settings, 0, sizeof settings);
    snprintf(settings.server, sizeof settings.server, "smtp://%.40s", server->address);
    strcpy(settings.from, "Desk <abuse@firm.example>");
    strcpy(settings.sender, "bounces@firm.example");
    strcpy(settings.helo, "gate.example");
    settings.patience = patience;
    return server;
}

/* The server's part of it is over when this returns. */
static enum delivered deliver(struct server *server, struct text recipients, struct text bytes)
{
    struct mail *mail = mail_create(&settings);
    delivery = delivering(recipients, bytes);
    enum delivered result = mail_deliver(mail, &delivery);
    mail_destroy(&mail);
    if (server)
        server_end(server);
    return result;
}

static void done(struct server *server)
{
    buffer_clear(&delivery.left);
    free(server);
}

static void what_is_taken_is_delivered(void **state)
{
    const struct server_step steps[] = {BEGIN, FROM, RCPT, DATA, {"\r\n.\r\n", "250 taken\r\n", 0}, END};
    struct server *server = serve(steps, false, 10 * SECOND);
    (void)state;
    assert_int_equal(deliver(server, TEXT("a@there.example"), MESSAGE), DELIVERED);
    assert_non_null(strstr(server->heard, "DATA\r\nSubject: x\r\n\r\n..a dot\r\nan end\r\n.\r\n"));
    assert_int_equal(handed, 1);
    assert_string_equal(delivery.trouble, "");
    done(server);
}

/* Of two connections one would do; the server closes the first behind the answer. */
static void the_next_one_goes_the_same_way(void **state)
{
    const struct server_step steps[] = {
        BEGIN, FROM, RCPT, DATA, {"\r\n.\r\n", "250 taken\r\n", 0}, FROM, RCPT, DATA, {"\r\n.\r\n", "250 taken\r\n", 0},
        END};
    struct server *server = serve(steps, false, 10 * SECOND);
    struct mail *mail = mail_create(&settings);
    (void)state;
    delivery = delivering(TEXT("a@there.example"), MESSAGE);
    assert_int_equal(mail_deliver(mail, &delivery), DELIVERED);
    assert_int_equal(mail_deliver(mail, &delivery), DELIVERED);
    assert_int_equal(handed, 2);
    mail_destroy(&mail);
    server_end(server);
    done(server);
}

static void a_null_sender_is_none(void **state)
{
    const struct server_step steps[] = {BEGIN, {"MAIL FROM:<>", "250 well\r\n", 0}, RCPT,
                                        DATA,  {"\r\n.\r\n", "250 taken\r\n", 0},   END};
    struct server *server = serve(steps, false, 10 * SECOND);
    (void)state;
    strcpy(settings.sender, "<>");
    assert_int_equal(deliver(server, TEXT("a@there.example"), MESSAGE), DELIVERED);
    done(server);
}

static void some_recipients_are_taken(void **state)
{
    const struct server_step steps[] = {BEGIN,
                                        FROM,
                                        RCPT,
                                        {"RCPT TO:<b@there.example>\r\n", "550 nobody\r\n", 0},
                                        {"RCPT TO:<c@there.example>\r\n", "450-full\r\n450 later\r\n", 0},
                                        DATA,
                                        {"\r\n.\r\n", "250 taken\r\n", 0},
                                        END};
    struct server *server = serve(steps, false, 10 * SECOND);
    (void)state;
    assert_int_equal(deliver(server, TEXT("a@there.example b@there.example x>y@there c@there.example"), MESSAGE),
                     DELIVERED);
    assert_says(&delivery, "b@there.example: 550 nobody");
    assert_says(&delivery, "x>y@there: it is no address");
    assert_true(text_equals(buffer_text(&delivery.left), TEXT("c@there.example ")));
    assert_null(strstr(server->heard, "x>y"));
    done(server);
}

struct refusal {
    const char *command, *answer;
    enum delivered result;
};

static void refusals_are_told_apart(void **state)
{
    static const struct refusal refusals[] = {
        {"MAIL ", "550 not you\r\n", DELIVERY_REFUSED},   {"MAIL ", "451 later\r\n", DELIVERY_LATER},
        {"MAIL ", "530 log in first\r\n", DELIVERY_AWAY}, {"RCPT ", "550 nobody\r\n", DELIVERY_REFUSED},
        {"RCPT ", "450 later\r\n", DELIVERY_LATER},       {"RCPT ", "421 I close\r\n", DELIVERY_AWAY},
        {"DATA", "554 no\r\n", DELIVERY_REFUSED},         {"DATA", "451 later\r\n", DELIVERY_LATER},
        {"\r\n.\r\n", "554 spam\r\n", DELIVERY_REFUSED},  {"\r\n.\r\n", "452 full\r\n", DELIVERY_LATER},
        {"EHLO ", "554 not you\r\n", DELIVERY_AWAY},
    };
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct server_step well[] = {{"", "220 hello\r\n", 0},     {"EHLO ", "250 hello\r\n", 0},
                                           {"MAIL ", "250 well\r\n", 0}, {"RCPT ", "250 well\r\n", 0},
                                           {"DATA", "354 go on\r\n", 0}, {"\r\n.\r\n", "250 taken\r\n", 0}};
        struct server_step steps[8] = {0};
        size_t count = 0;
        do
            steps[count] = well[count];
        while (strcmp(well[count++].await, refusals[i].command) != 0);
        steps[count - 1].say = refusals[i].answer;
        if (strcmp(refusals[i].command, "EHLO ") == 0) /* it is said HELO as well */
            steps[count++] = (struct server_step){"HELO ", refusals[i].answer, 0};
        steps[count] = (struct server_step)END;
        struct server *server = serve(steps, false, 10 * SECOND);
        enum delivered result = deliver(server, TEXT("a@there.example"), MESSAGE);
        if (result != refusals[i].result)
            fail_msg("%s %s: %d, \"%s\"", refusals[i].command, refusals[i].answer, (int)result, delivery.trouble);
        assert_true(strlen(delivery.trouble) > 5);
        assert_int_equal(delivery.left.length, 0);
        assert_int_equal(handed, refusals[i].command[0] == '\r');
        done(server);
    }
}

/* It may have been taken: nobody sends it again. */
static void without_an_answer_it_is_in_doubt(void **state)
{
    const struct server_step steps[] = {BEGIN, FROM, RCPT, DATA, {"\r\n.\r\n", "", SERVER_NEXT}, END};
    struct server *server = serve(steps, false, 5 * SECOND);
    (void)state;
    struct mail *mail = mail_create(&settings);
    delivery = delivering(TEXT("a@there.example"), MESSAGE);
    assert_int_equal(mail_deliver(mail, &delivery), DELIVERY_IN_DOUBT);
    assert_says(&delivery, "did not say whether it took it");
    mail_destroy(&mail);
    shutdown(server->listener, SHUT_RDWR);
    server_end(server);
    done(server);
}

static void before_its_end_it_is_in_no_doubt(void **state)
{
    const struct server_step steps[] = {BEGIN, FROM, RCPT, {"DATA\r\n", "", SERVER_NEXT}, END};
    struct server *server = serve(steps, false, 5 * SECOND);
    (void)state;
    struct mail *mail = mail_create(&settings);
    delivery = delivering(TEXT("a@there.example"), MESSAGE);
    assert_int_equal(mail_deliver(mail, &delivery), DELIVERY_AWAY);
    assert_int_equal(handed, 0);
    mail_destroy(&mail);
    shutdown(server->listener, SHUT_RDWR);
    server_end(server);
    done(server);
}

/* What was marked by nobody has no end: the server hears none, and takes nothing. */
static void what_cannot_be_marked_is_not_sent(void **state)
{
    const struct server_step steps[] = {BEGIN, FROM, RCPT, DATA, END};
    struct server *server = serve(steps, true, 5 * SECOND);
    struct mail *mail = mail_create(&settings);
    (void)state;
    delivery = delivering(TEXT("a@there.example"), MESSAGE);
    may_hand = false;
    assert_int_equal(mail_deliver(mail, &delivery), DELIVERY_LATER);
    mail_destroy(&mail);
    server_end(server);
    assert_null(strstr(server->heard, "\r\n.\r\n"));
    assert_null(strstr(server->heard, "an end\r\n"));
    done(server);
}

static void a_server_that_is_silent_is_away(void **state)
{
    const struct server_step steps[] = {{"", "220 hello\r\n", 0}, {"EHLO ", "250 hello\r\n", 0}, END};
    struct server *server = serve(steps, true, SECOND);
    (void)state;
    assert_int_equal(deliver(server, TEXT("a@there.example"), MESSAGE), DELIVERY_AWAY);
    assert_says(&delivery, "did not answer in time");
    done(server);
}

static void a_server_that_is_not_there_is_away(void **state)
{
    const struct server_step steps[] = {END};
    struct server *server = serve(steps, false, SECOND);
    (void)state;
    shutdown(server->listener, SHUT_RDWR);
    server_end(server);
    assert_int_equal(deliver(NULL, TEXT("a@there.example"), MESSAGE), DELIVERY_AWAY);
    assert_says(&delivery, "127.0.0.1");
    settings.server[0] = '\0';
    assert_int_equal(deliver(NULL, TEXT("a@there.example"), MESSAGE), DELIVERY_AWAY);
    assert_says(&delivery, "set server in [mail]");
    done(server);
}

static void who_ends_is_not_kept_waiting(void **state)
{
    const struct server_step steps[] = {{"", "220 hello\r\n", 0}, END};
    struct server *server = serve(steps, true, MINUTE);
    struct mail *mail = mail_create(&settings);
    (void)state;
    delivery = delivering(TEXT("a@there.example"), MESSAGE);
    over = true;
    assert_int_equal(mail_deliver(mail, &delivery), DELIVERY_AWAY);
    assert_int_equal(handed, 0);
    mail_destroy(&mail);
    shutdown(server->listener, SHUT_RDWR);
    server_end(server);
    done(server);
}

/* Whoever ends does not wait for ever for what a server says to QUIT, or to the end of a message. */
static void a_server_that_falls_silent_holds_up_nobody(void **state)
{
    static const struct {
        const char *last, *answer;
        enum delivered result;
        bool hears_quit;
    } cases[] = {{"\r\n.\r\n", "250 taken\r\n", DELIVERED, true},
                 {"\r\n.\r\n", "554 spam\r\n", DELIVERY_REFUSED, true},
                 {"DATA\r\n", "354 go on\r\n", DELIVERY_IN_DOUBT, false}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct server_step steps[] = {BEGIN, FROM, RCPT, DATA, {cases[i].last, cases[i].answer, 0}, END};
        const struct server_step short_steps[] = {BEGIN, FROM, RCPT, DATA, END};
        struct server *server = serve(i == 2 ? short_steps : steps, true, 30 * SECOND);
        struct mail *mail = mail_create(&settings);
        duration begun = clock_steady();
        delivery = delivering(TEXT("a@there.example"), MESSAGE);
        over_when_handed = true;
        assert_int_equal(mail_deliver(mail, &delivery), cases[i].result);
        mail_destroy(&mail);
        assert_true(clock_steady() - begun < 8 * SECOND);
        server_end(server);
        assert_int_equal(strstr(server->heard, "\r\nQUIT\r\n") != NULL, cases[i].hears_quit);
        done(server);
    }
}

static void what_could_be_a_command_is_not_sent(void **state)
{
    (void)state;
    memset(&settings, 0, sizeof settings);
    strcpy(settings.server, "smtp://127.0.0.1:1");
    settings.patience = SECOND;
    assert_int_equal(deliver(NULL, TEXT("a@there.example"), TEXT("a: b\r\n\r\nx\n.\r\nMAIL FROM:<x@y>\r\n")),
                     DELIVERY_REFUSED);
    assert_int_equal(deliver(NULL, TEXT("a@there.example"), TEXT("a: b\r\n\r\nx\r.\r\n")), DELIVERY_REFUSED);
    assert_int_equal(deliver(NULL, TEXT("a@there.example"), TEXT("")), DELIVERY_REFUSED);
    assert_int_equal(deliver(NULL, TEXT(" "), MESSAGE), DELIVERY_REFUSED);
    assert_says(&delivery, "for nobody");
    assert_int_equal(deliver(NULL, TEXT("a@b\r\nRCPT"), MESSAGE), DELIVERY_REFUSED);
}

static void a_password_is_read_from_its_file(void **state)
{
    char path[] = "/tmp/password.XXXXXX";
    int descriptor = mkstemp(path);
    const struct server_step steps[] = {{"", "220 hello\r\n", 0},
                                        {"EHLO ", "250-hello\r\n250 AUTH PLAIN\r\n", 0},
                                        {"AUTH PLAIN", "334 \r\n", 0},
                                        {"AGFubgBzZWNyZXQ=\r\n", "235 well\r\n", 0}, /* \0ann\0secret */
                                        FROM,
                                        RCPT,
                                        DATA,
                                        {"\r\n.\r\n", "250 taken\r\n", 0},
                                        END};
    struct server *server = serve(steps, false, 10 * SECOND);
    (void)state;
    assert_int_equal(write(descriptor, "secret\nnext\n", 12), 12);
    close(descriptor);
    strcpy(settings.user, "ann");
    strcpy(settings.password, path);
    assert_int_equal(deliver(server, TEXT("a@there.example"), MESSAGE), DELIVERED);
    done(server);
    const struct server_step refuses[] = {{"", "220 hello\r\n", 0},
                                          {"EHLO ", "250-hello\r\n250 AUTH PLAIN\r\n", 0},
                                          {"AUTH PLAIN", "334 \r\n", 0},
                                          {"=\r\n", "535 5.7.8 no\r\n", 0},
                                          END};
    server = serve(refuses, false, 10 * SECOND);
    strcpy(settings.user, "ann");
    strcpy(settings.password, path);
    assert_int_equal(deliver(server, TEXT("a@there.example"), MESSAGE), DELIVERY_AWAY);
    assert_says(&delivery, "535 5.7.8 no");
    done(server);
    unlink(path);
    assert_int_equal(deliver(NULL, TEXT("a@there.example"), MESSAGE), DELIVERY_AWAY);
    assert_says(&delivery, path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_taken_is_delivered),
        cmocka_unit_test(the_next_one_goes_the_same_way),
        cmocka_unit_test(a_null_sender_is_none),
        cmocka_unit_test(some_recipients_are_taken),
        cmocka_unit_test(refusals_are_told_apart),
        cmocka_unit_test(without_an_answer_it_is_in_doubt),
        cmocka_unit_test(before_its_end_it_is_in_no_doubt),
        cmocka_unit_test(what_cannot_be_marked_is_not_sent),
        cmocka_unit_test(a_server_that_is_silent_is_away),
        cmocka_unit_test(a_server_that_is_not_there_is_away),
        cmocka_unit_test(who_ends_is_not_kept_waiting),
        cmocka_unit_test(a_server_that_falls_silent_holds_up_nobody),
        cmocka_unit_test(what_could_be_a_command_is_not_sent),
        cmocka_unit_test(a_password_is_read_from_its_file),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
