/* The courier as a whole: a real process in its sandbox, a real control socket; the test plays the warden and the
 * watcher. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/message/role.h"
#include "common/io/clock.h"
#include "common/words/verdict.h"

static struct scene {
    char folder[64], path[96], policy_path[96];
    int listener, policy;
    pid_t courier;
    struct channel to_courier; /* as the warden */
    struct channel watcher;    /* as the watcher */
} scene;

static void say(const struct channel *channel, union message *message, int descriptor)
{
    struct error error = {0};
    if (message_send(channel, message, descriptor, &error) < 0)
        fail_msg("%s", error.text);
}

static void say_plain(const struct channel *channel, enum message_kind kind, uint32_t question, int descriptor)
{
    union message message;
    message_prepare(&message, kind, question);
    say(channel, &message, descriptor);
}

/* Wait for a message of that kind; the courier's ALIVEs are passed over. */
static void expect(const struct channel *channel, enum message_kind kind, union message *result)
{
    for (int i = 0; i < 100; i++) {
        struct pollfd wait = {channel->descriptor, POLLIN, 0};
        struct error error = {0};
        int descriptor = -1;
        assert_true(poll(&wait, 1, 5000) == 1);
        assert_int_equal(message_receive(channel, result, &descriptor, &error), 1);
        if (result->head.kind == kind)
            return;
        assert_int_equal(result->head.kind, MESSAGE_ALIVE);
    }
    fail_msg("only ALIVEs came");
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(client >= 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    struct timeval patience = {10, 0};
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return client;
}

static int connect_client(void)
{
    return connect_to(scene.path);
}

static int connect_mail_server(void)
{
    return connect_to(scene.policy_path);
}

static void write_all(int client, const char *text)
{
    assert_int_equal(send(client, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Everything up to and with the line that says end. */
static char *read_answer(int client)
{
    static char answer[1 << 16];
    size_t length = 0;
    answer[0] = 0;
    while (length + 1 < sizeof answer) {
        ssize_t got = read(client, answer + length, sizeof answer - 1 - length);
        assert_true(got > 0);
        length += (size_t)got;
        answer[length] = 0;
        char *end = strstr(answer, "\"record\":\"end\"");
        if (end && strchr(end, '\n'))
            return answer;
    }
    fail_msg("no end");
    return NULL;
}

static void meet_watcher(void)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    say_plain(&scene.to_courier, MESSAGE_PEER, 0, pair[1]);
    close(pair[1]);
    if (scene.watcher.descriptor >= 0)
        close(scene.watcher.descriptor);
    scene.watcher = (struct channel){pair[0], ROLE_WATCHER, ROLE_COURIER};
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool listens = bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 64) == 0;
    return listens ? listener : -1;
}

static int start(void **state)
{
    (void)state;
    int pair[2];
    memset(&scene, 0, sizeof scene);
    scene.watcher.descriptor = -1;
    strcpy(scene.folder, "/tmp/courier-test-XXXXXX");
    if (!mkdtemp(scene.folder))
        return -1;
    snprintf(scene.path, sizeof scene.path, "%s/agent.sock", scene.folder);
    snprintf(scene.policy_path, sizeof scene.policy_path, "%s/policy", scene.folder);
    scene.listener = listen_at(scene.path);
    scene.policy = listen_at(scene.policy_path);
    if (scene.listener < 0 || scene.policy < 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
        return -1;
    scene.courier = fork();
    if (scene.courier == 0) {
        close(pair[0]);
        const struct role_start begin = {ROLE_COURIER, pair[1], scene.listener, scene.policy, -1, -1, scene.folder, 0};
        _exit(courier_main(&begin));
    }
    close(pair[1]);
    scene.to_courier = (struct channel){pair[0], ROLE_WARDEN, ROLE_COURIER};
    meet_watcher();
    say_plain(&scene.to_courier, MESSAGE_READY, 0, -1);
    return 0;
}

/* Closing the warden's channel ends the courier well. */
static int stop(void **state)
{
    (void)state;
    int status = 0;
    close(scene.to_courier.descriptor);
    close(scene.watcher.descriptor);
    close(scene.listener);
    close(scene.policy);
    assert_int_equal(waitpid(scene.courier, &status, 0), scene.courier);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", scene.folder);
    return system(command);
}

static struct sender a_sender(void)
{
    struct sender sender;
    assert_true(sender_parse(TEXT("203.0.113.7"), &sender));
    return sender;
}

static void test_a_question_goes_to_the_watcher_and_its_rows_come_back(void **state)
{
    (void)state;
    union message message;
    int client = connect_client();
    write_all(client, "{\"command\":\"senders\",\"top\":3}\n");
    expect(&scene.watcher, MESSAGE_ASK_SENDERS, &message);
    assert_int_equal(message.ask_senders.most, 3);
    uint32_t question = message.head.question;
    message_prepare(&message, MESSAGE_SENDER_ROW, question);
    message.sender_row.sender = a_sender();
    message.sender_row.score = 1234;
    message.sender_row.messages = 42;
    say(&scene.watcher, &message, -1);
    say_plain(&scene.watcher, MESSAGE_END, question, -1);
    const char *answer = read_answer(client);
    assert_non_null(strstr(answer, "\"sender\":\"203.0.113.7\""));
    assert_non_null(strstr(answer, "\"score\":12.34"));
    assert_non_null(strstr(answer, "\"messages\":42"));
    assert_non_null(strstr(answer, "\"ok\":true"));
    close(client);
}

static void test_customers_are_told_with_their_members(void **state)
{
    (void)state;
    union message message;
    int client = connect_client();
    write_all(client, "{\"command\":\"customers\",\"top\":3}\n");
    expect(&scene.watcher, MESSAGE_ASK_CUSTOMERS, &message);
    assert_int_equal(message.ask_senders.most, 3);
    uint32_t question = message.head.question;
    message_prepare(&message, MESSAGE_CUSTOMER_ROW, question);
    struct message_customer_row *row = &message.customer_row;
    row->senders = 6;
    row->messages = 42;
    row->worst = VERDICT_BLOCK;
    for (int i = 0; i < CUSTOMER_MEMBERS; i++)
        row->members[i] =
            (struct message_customer_member){.sender = sender_from_port("tap101i0"),
                                             .whose = {.address = address_from_ipv4((const uint8_t[]){203, 0, 113, 7}),
                                                       .proof = CUSTOMER_NUMBERED,
                                                       .customer = "vm101"}};
    say(&scene.watcher, &message, -1);
    say_plain(&scene.watcher, MESSAGE_END, question, -1);
    const char *answer = read_answer(client);
    assert_non_null(strstr(answer, "{\"record\":\"customer\",\"customer\":\"vm101\",\"senders\":6,"));
    assert_non_null(strstr(answer, "\"worst_verdict\":\"block\""));
    assert_non_null(strstr(answer, "\"members\":[{\"sender\":\"port:tap101i0\",\"address\":\"203.0.113.7\","
                                   "\"known_by\":\"number\",\"verdict\":\"clear\",\"worst_verdict\":\"clear\"},{"));
    close(client);
}

static void test_status_waits_for_both(void **state)
{
    (void)state;
    union message message;
    int client = connect_client();
    write_all(client, "{\"command\":\"status\"}\n");
    expect(&scene.to_courier, MESSAGE_ASK_STATUS, &message);
    uint32_t question = message.head.question;
    message_prepare(&message, MESSAGE_STATUS_WARDEN, question);
    say(&scene.to_courier, &message, -1);
    expect(&scene.watcher, MESSAGE_ASK_STATUS, &message);
    message_prepare(&message, MESSAGE_STATUS_WATCHER, question);
    say(&scene.watcher, &message, -1);
    const char *answer = read_answer(client);
    assert_non_null(strstr(answer, "\"record\":\"watcher\""));
    assert_non_null(strstr(answer, "\"record\":\"warden\""));
    assert_non_null(strstr(answer, "\"record\":\"courier\""));
    close(client);
}

static void test_an_order_carries_who_and_why_and_is_on_record(void **state)
{
    (void)state;
    union message message;
    int client = connect_client();
    write_all(client,
              "{\"command\":\"block\",\"sender\":\"203.0.113.7\",\"for\":\"1h\",\"reason\":\"phishing, ticket 77\"}\n");
    expect(&scene.watcher, MESSAGE_COMMAND, &message);
    assert_int_equal(message.command.deed, DEED_BLOCK);
    assert_int_equal(message.command.length, HOUR);
    assert_string_equal(message.command.why, "phishing, ticket 77");
    assert_true(message.command.person[0] != 0);
    uint32_t question = message.head.question;
    message_prepare(&message, MESSAGE_DONE, question);
    say(&scene.watcher, &message, -1);
    assert_non_null(strstr(read_answer(client), "\"ok\":true"));
    write_all(client, "{\"command\":\"events\"}\n");
    const char *answer = read_answer(client);
    assert_non_null(strstr(answer, "\"deed\":\"block\""));
    assert_non_null(strstr(answer, "phishing, ticket 77"));
    close(client);
}

static void test_what_the_watcher_refuses_is_said(void **state)
{
    (void)state;
    union message message;
    int client = connect_client();
    write_all(client, "{\"command\":\"release\",\"sender\":\"203.0.113.7\",\"reason\":\"mistake\"}\n");
    expect(&scene.watcher, MESSAGE_COMMAND, &message);
    uint32_t question = message.head.question;
    message_prepare(&message, MESSAGE_DONE, question);
    message.done.code = -ENOENT;
    strcpy(message.done.text, "203.0.113.7 is not known here");
    say(&scene.watcher, &message, -1);
    const char *answer = read_answer(client);
    assert_non_null(strstr(answer, "\"ok\":false"));
    assert_non_null(strstr(answer, "not known here"));
    close(client);
}

static void tell_verdict(int score)
{
    union message message;
    message_prepare(&message, MESSAGE_VERDICT, 0);
    message.verdict.time = clock_now();
    message.verdict.sender = a_sender();
    message.verdict.verdict = 4;
    message.verdict.score = score;
    say(&scene.watcher, &message, -1);
    message_prepare(&message, MESSAGE_EVIDENCE_ROW, 0);
    strcpy(message.evidence_row.evidence.detector, "rejects");
    strcpy(message.evidence_row.evidence.reason, "14 of 16 recipients unknown");
    say(&scene.watcher, &message, -1);
    say_plain(&scene.watcher, MESSAGE_END, 0, -1);
}

static void test_a_verdict_reaches_the_journal_and_those_who_follow(void **state)
{
    (void)state;
    int client = connect_client();
    write_all(client, "{\"command\":\"events\",\"follow\":true}\n");
    tell_verdict(2150);
    char answer[4096] = "";
    size_t length = 0;
    while (!strchr(answer, '\n')) {
        ssize_t got = read(client, answer + length, sizeof answer - 1 - length);
        assert_true(got > 0);
        length += (size_t)got;
    }
    assert_non_null(strstr(answer, "\"verdict\":\"block\""));
    assert_non_null(strstr(answer, "\"score\":21.50"));
    assert_non_null(strstr(answer, "14 of 16 recipients unknown"));
    close(client);
}

static void test_a_dead_watcher_is_said_and_the_next_one_answers(void **state)
{
    (void)state;
    union message message;
    int client = connect_client();
    write_all(client, "{\"command\":\"senders\"}\n");
    expect(&scene.watcher, MESSAGE_ASK_SENDERS, &message);
    close(scene.watcher.descriptor);
    scene.watcher.descriptor = -1;
    assert_non_null(strstr(read_answer(client), "the watcher does not answer"));
    meet_watcher();
    write_all(client, "{\"command\":\"senders\"}\n");
    expect(&scene.watcher, MESSAGE_ASK_SENDERS, &message);
    say_plain(&scene.watcher, MESSAGE_END, message.head.question, -1);
    assert_non_null(strstr(read_answer(client), "\"ok\":true"));
    close(client);
}

static void test_a_silent_watcher_is_not_waited_for_for_ever(void **state)
{
    (void)state;
    int client = connect_client();
    write_all(client, "{\"command\":\"senders\"}\n");
    assert_non_null(strstr(read_answer(client), "the watcher does not answer"));
    close(client);
}

static void test_who_asks_nothing_locks_nobody_out(void **state)
{
    (void)state;
    int idle[100];
    for (int i = 0; i < 100; i++)
        idle[i] = connect_client();
    int client = connect_client();
    write_all(client, "nonsense\n");
    assert_non_null(strstr(read_answer(client), "no JSON object"));
    close(client);
    for (int i = 0; i < 100; i++)
        close(idle[i]);
}

static void test_hostile_clients_harm_nobody(void **state)
{
    (void)state;
    int clients[80];
    for (int i = 0; i < 80; i++)
        clients[i] = connect_client();
    char *noise = malloc(100000);
    memset(noise, 'x', 100000);
    for (int i = 0; i < 20; i++) {
        ssize_t ignored = send(clients[i], noise, 100000, MSG_DONTWAIT | MSG_NOSIGNAL);
        (void)ignored;
    }
    free(noise);
    for (int i = 0; i < 80; i++)
        close(clients[i]);
    usleep(300000);
    int client = connect_client();
    write_all(client, "nonsense\n");
    assert_non_null(strstr(read_answer(client), "no JSON object"));
    close(client);
}

/* --- mail servers --- */

#define ASKS_FOR(account) "request=smtpd_access_policy\nprotocol_state=RCPT\nsasl_username=" account "\n\n"

static void order_on_alice(enum deed deed)
{
    union message message;
    message_prepare(&message, MESSAGE_ORDER_TOLD, 0);
    message.order.order = (struct order){.id = 7,
                                         .target = sender_from_account(TEXT("alice@example.com")),
                                         .deed = (uint8_t)deed,
                                         .until = deed == DEED_RELEASE ? 0 : clock_now() + HOUR};
    say(&scene.to_courier, &message, -1);
}

static void enforce(bool on)
{
    union message message;
    message_prepare(&message, MESSAGE_ENFORCEMENT, 0);
    message.enforcement.on = on;
    say(&scene.to_courier, &message, -1);
}

/* The warden is heard before whoever asks now: an answered question of status is behind all that it said. */
static void settle(void)
{
    union message message;
    int client = connect_client();
    write_all(client, "{\"command\":\"orders\"}\n");
    expect(&scene.to_courier, MESSAGE_ASK_ORDERS, &message);
    say_plain(&scene.to_courier, MESSAGE_END, message.head.question, -1);
    (void)read_answer(client);
    close(client);
}

/* One answer: all up to the empty line; "" where the connection was closed. */
static const char *answer_to(int client, const char *question)
{
    static char answer[4096];
    size_t length = 0;
    answer[0] = 0;
    if (question)
        write_all(client, question);
    while (!strstr(answer, "\n\n") && length + 1 < sizeof answer) {
        ssize_t got = read(client, answer + length, 1);
        if (got <= 0)
            return "";
        length += (size_t)got;
        answer[length] = 0;
    }
    return answer;
}

static void test_a_mail_server_is_told_whom_to_refuse(void **state)
{
    (void)state;
    int server = connect_mail_server();
    order_on_alice(DEED_BLOCK);
    settle();
    assert_string_equal(answer_to(server, ASKS_FOR("alice@example.com")), "action=DUNNO\n\n"); /* we observe */
    enforce(true);
    settle();
    const char *answer = answer_to(server, ASKS_FOR("alice@example.com"));
    assert_ptr_equal(strstr(answer, "action=554 5.7.1 "), answer);
    assert_non_null(strstr(answer, "account:alice@example.com\n\n"));
    assert_string_equal(answer_to(server, ASKS_FOR("bob@example.com")), "action=DUNNO\n\n");
    assert_string_equal(answer_to(server, ASKS_FOR("")), "action=DUNNO\n\n");
    enforce(false);
    settle();
    assert_string_equal(answer_to(server, ASKS_FOR("alice@example.com")), "action=DUNNO\n\n");
    enforce(true);
    order_on_alice(DEED_RELEASE);
    settle();
    assert_string_equal(answer_to(server, ASKS_FOR("alice@example.com")), "action=DUNNO\n\n");
    close(server);
}

/* Exim closes its side behind the question and reads to the end; Postfix asks again and again, in pieces at times. */
static void test_both_ways_to_ask_are_answered(void **state)
{
    (void)state;
    int exim = connect_mail_server(), postfix = connect_mail_server();
    write_all(exim, ASKS_FOR("bob"));
    shutdown(exim, SHUT_WR);
    assert_string_equal(answer_to(exim, NULL), "action=DUNNO\n\n");
    assert_string_equal(answer_to(exim, NULL), "");
    write_all(postfix, ASKS_FOR("a") "request=smtpd_acc");
    assert_string_equal(answer_to(postfix, NULL), "action=DUNNO\n\n");
    assert_string_equal(answer_to(postfix, "ess_policy\n\n"), "action=DUNNO\n\n");
    close(exim);
    close(postfix);
}

static void test_what_mail_servers_asked_is_told(void **state)
{
    (void)state;
    union message message;
    int server = connect_mail_server(), client = connect_client();
    enforce(true);
    order_on_alice(DEED_BLOCK);
    settle();
    for (int asked = 0; asked < 2; asked++) {
        write_all(client, "{\"command\":\"explain\",\"sender\":\"account:alice@example.com\"}\n");
        expect(&scene.watcher, MESSAGE_ASK_EXPLAIN, &message);
        uint32_t number = message.head.question;
        say_plain(&scene.watcher, MESSAGE_END, number, -1);
        expect(&scene.to_courier, MESSAGE_ASK_EXPLAIN, &message);
        message_prepare(&message, MESSAGE_DONE, number);
        say(&scene.to_courier, &message, -1);
        const char *answer = read_answer(client);
        assert_non_null(strstr(answer, asked ? "\"asked\":1,\"refused\":1" : "\"asked\":0,\"refused\":0"));
        assert_non_null(strstr(answer, asked ? "\"any_asked_last\":\"" : "\"any_asked_last\":null"));
        (void)answer_to(server, ASKS_FOR("alice@example.com"));
    }
    write_all(client, "{\"command\":\"orders\"}\n");
    expect(&scene.to_courier, MESSAGE_ASK_ORDERS, &message);
    uint32_t question = message.head.question;
    message_prepare(&message, MESSAGE_ORDER_ROW, question);
    message.order_row.order =
        (struct order){.id = 7, .target = sender_from_account(TEXT("alice@example.com")), .deed = DEED_BLOCK};
    say(&scene.to_courier, &message, -1);
    say_plain(&scene.to_courier, MESSAGE_END, question, -1);
    assert_non_null(strstr(read_answer(client), "\"refused\":2"));
    close(server);
    close(client);
}

static void test_hostile_mail_servers_lock_nobody_out(void **state)
{
    (void)state;
    int crowd[600];
    for (int i = 0; i < 600; i++) {
        crowd[i] = connect_mail_server();
        if (i % 3 == 0)
            write_all(crowd[i], "request=smtpd_access_policy\n");
    }
    assert_string_equal(answer_to(crowd[598], "no question\n\n"), "");
    int server = connect_mail_server();
    char *flood = malloc(1 << 20);
    memset(flood, 'x', 1 << 20);
    ssize_t ignored = send(crowd[599], flood, 1 << 20, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)ignored;
    free(flood);
    assert_string_equal(answer_to(server, ASKS_FOR("bob")), "action=DUNNO\n\n");
    settle();
    for (int i = 0; i < 600; i++)
        close(crowd[i]);
    close(server);
}

int main(void)
{
#define WITH_COURIER(test) cmocka_unit_test_setup_teardown(test, start, stop)
    const struct CMUnitTest tests[] = {
        WITH_COURIER(test_a_question_goes_to_the_watcher_and_its_rows_come_back),
        WITH_COURIER(test_customers_are_told_with_their_members),
        WITH_COURIER(test_status_waits_for_both),
        WITH_COURIER(test_an_order_carries_who_and_why_and_is_on_record),
        WITH_COURIER(test_what_the_watcher_refuses_is_said),
        WITH_COURIER(test_a_verdict_reaches_the_journal_and_those_who_follow),
        WITH_COURIER(test_a_dead_watcher_is_said_and_the_next_one_answers),
        WITH_COURIER(test_a_silent_watcher_is_not_waited_for_for_ever),
        WITH_COURIER(test_who_asks_nothing_locks_nobody_out),
        WITH_COURIER(test_hostile_clients_harm_nobody),
        WITH_COURIER(test_a_mail_server_is_told_whom_to_refuse),
        WITH_COURIER(test_both_ways_to_ask_are_answered),
        WITH_COURIER(test_what_mail_servers_asked_is_told),
        WITH_COURIER(test_hostile_mail_servers_lock_nobody_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
