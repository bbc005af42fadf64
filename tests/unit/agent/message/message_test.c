/* Who may say what to whom, and what a receiver refuses: the table, then real sockets. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "agent/message/message.h"
#include "agent/sample/budget.h"
#include "common/words/verdict.h"

static void test_every_kind_has_a_row(void **state)
{
    (void)state;
    for (int kind = MESSAGE_NONE + 1; kind < MESSAGE_KINDS; kind++) {
        bool someone = false;
        for (int from = 0; from < ROLES; from++)
            for (int to = 0; to < ROLES; to++)
                someone = someone || message_is_allowed((enum message_kind)kind, (enum role)from, (enum role)to);
        assert_true(someone);
        assert_true(message_size((enum message_kind)kind) >= sizeof(struct message_head));
        assert_true(message_size((enum message_kind)kind) <= sizeof(union message));
        assert_string_not_equal(message_kind_name((enum message_kind)kind), "unknown");
    }
    assert_int_equal(message_size(MESSAGE_NONE), 0);
    assert_int_equal(message_size(MESSAGE_KINDS), 0);
    assert_string_equal(message_kind_name(MESSAGE_KINDS), "unknown");
}

static void test_directions(void **state)
{
    static const struct {
        const char *name;
        enum message_kind kind;
        enum role from, to;
        bool want;
    } rows[] = {
        {"the watcher orders", MESSAGE_ORDER, ROLE_WATCHER, ROLE_WARDEN, true},
        {"the courier may not order", MESSAGE_ORDER, ROLE_COURIER, ROLE_WARDEN, false},
        {"the warden tells the courier of orders", MESSAGE_ORDER_TOLD, ROLE_WARDEN, ROLE_COURIER, true},
        {"the watcher may not: the warden checks first", MESSAGE_ORDER_TOLD, ROLE_WATCHER, ROLE_COURIER, false},
        {"the watcher may not switch", MESSAGE_ASK_ENFORCE, ROLE_WATCHER, ROLE_WARDEN, false},
        {"a person switches through the courier", MESSAGE_ASK_ENFORCE, ROLE_COURIER, ROLE_WARDEN, true},
        {"a person orders through the watcher", MESSAGE_COMMAND, ROLE_COURIER, ROLE_WATCHER, true},
        {"settings come through the courier", MESSAGE_SETTINGS, ROLE_COURIER, ROLE_WARDEN, true},
        {"the watcher sets nothing", MESSAGE_SETTINGS, ROLE_WATCHER, ROLE_WARDEN, false},
        {"what a milter says goes to who judges", MESSAGE_CONTENT, ROLE_COURIER, ROLE_WATCHER, true},
        {"the watcher says nothing of content", MESSAGE_CONTENT, ROLE_WATCHER, ROLE_COURIER, false},
        {"the courier may not reset", MESSAGE_RESET, ROLE_COURIER, ROLE_WARDEN, false},
        {"what other nodes know comes through the courier", MESSAGE_CAMPAIGN, ROLE_COURIER, ROLE_WATCHER, true},
        {"the watcher tells of bodies and does not hear of them", MESSAGE_BODY, ROLE_COURIER, ROLE_WATCHER, false},
        {"packets are for the watcher alone", MESSAGE_PORT_OPENED, ROLE_WARDEN, ROLE_COURIER, false},
        {"nobody speaks to itself", MESSAGE_EVENT, ROLE_WARDEN, ROLE_WARDEN, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (message_is_allowed(rows[i].kind, rows[i].from, rows[i].to) != rows[i].want)
            fail_msg("%s", rows[i].name);
}

/* A sound message of each kind with texts and senders in it. */
static union message sound(enum message_kind kind)
{
    union message message;
    const struct address address = address_from_ipv4((const uint8_t[]){203, 0, 113, 7});
    const struct sender sender = sender_from_address(&address);
    message_prepare(&message, kind, 7);
    switch (kind) {
    case MESSAGE_ORDER:
    case MESSAGE_ORDER_TOLD:
    case MESSAGE_ORDER_ROW:
        message.order.order.target = sender;
        break;
    case MESSAGE_RESET:
        message.reset.family = 4;
        message.reset.client_port = 1024;
        message.reset.server_port = 25;
        break;
    case MESSAGE_ASK_OWNER:
    case MESSAGE_OWNER:
        message.owner.family = 6;
        break;
    case MESSAGE_SETTINGS:
        message.settings.revision = 1;
        break;
    case MESSAGE_ASK_EXPLAIN:
        message.ask_explain.sender = sender;
        break;
    case MESSAGE_COMMAND:
        message.command.sender = sender;
        break;
    case MESSAGE_CONTENT:
        message.content.queue[0] = '4';
        break;
    case MESSAGE_FILTERED:
        message.filtered.sender = sender;
        message.filtered.filter[0] = 'f';
        break;
    case MESSAGE_LISTED:
        message.listed.sender = sender;
        message.listed.zone[0] = 'z';
        break;
    case MESSAGE_COMPLAINED:
        message.complained.sender = sender;
        message.complained.count = 1;
        break;
    case MESSAGE_SAMPLE:
        message.sample.sender = sender;
        message.sample.envelope = 3;
        break;
    case MESSAGE_SENDER_ROW:
        message.sender_row.sender = sender;
        break;
    case MESSAGE_CUSTOMER_ROW:
        message.customer_row.senders = 2;
        for (int i = 0; i < 2; i++) {
            message.customer_row.members[i].sender = sender;
            message.customer_row.members[i].whose = (struct whose){.proof = CUSTOMER_MAPPED, .customer = "acme"};
        }
        break;
    case MESSAGE_EVIDENCE:
        message.evidence.sender = sender;
        break;
    case MESSAGE_TRAFFIC:
        message.traffic.sender = sender;
        message.traffic.seconds = 60;
        break;
    case MESSAGE_CAMPAIGN:
        message.campaign.campaign =
            (struct fleet_campaign){.likeness = {{1}}, .customers = 2, .senders = 3, .nodes = 2, .recipients = 30};
        break;
    case MESSAGE_CUSTOMER:
        memcpy(message.customer.customer.name, "acme", 4);
        break;
    case MESSAGE_BODY:
        message.body.sender = sender;
        message.body.likeness.parts[3] = 1;
        break;
    case MESSAGE_POINTS:
        message.points.sender = sender;
        memcpy(message.points.whose.customer, "acme", 4);
        message.points.whose.proof = CUSTOMER_MAPPED;
        break;
    case MESSAGE_VERDICT:
        message.verdict.sender = sender;
        break;
    default:
        break;
    }
    return message;
}

static void test_soundness(void **state)
{
    (void)state;
    for (int kind = MESSAGE_NONE + 1; kind < MESSAGE_KINDS; kind++) {
        union message message = sound((enum message_kind)kind);
        if (!message_is_sound(&message))
            fail_msg("%s", message_kind_name((enum message_kind)kind));
        message.head.size++;
        assert_false(message_is_sound(&message));
    }
#define SPOIL(name, kind, change)                                                                                      \
    do {                                                                                                               \
        union message m = sound(kind);                                                                                 \
        change;                                                                                                        \
        if (message_is_sound(&m))                                                                                      \
            fail_msg("%s", name);                                                                                      \
    } while (0)
    SPOIL("a text without end", MESSAGE_EVENT, memset(m.event.text, 'x', sizeof(m.event.text)));
    SPOIL("a word without end", MESSAGE_EVENT, memset(m.event.what, 'x', sizeof(m.event.what)));
    SPOIL("an unknown severity", MESSAGE_EVENT, m.event.severity = 3);
    SPOIL("an unknown deed", MESSAGE_ORDER, m.order.order.deed = DEEDS);
    SPOIL("an unknown author", MESSAGE_ORDER, m.order.order.author = ORDER_AUTHORS);
    SPOIL("a family", MESSAGE_OWNER, m.owner.family = 5);
    SPOIL("an owner of no kind", MESSAGE_OWNER, m.owner.owned = OWNED_KINDS);
    SPOIL("a program without an end", MESSAGE_OWNER, memset(m.owner.program, 'x', sizeof m.owner.program));
    SPOIL("an unknown sender", MESSAGE_ORDER, m.order.order.target.kind = SENDER_KINDS);
    SPOIL("an unknown family", MESSAGE_RESET, m.reset.family = 5);
    SPOIL("no time at all", MESSAGE_TRAFFIC, m.traffic.seconds = 0);
    SPOIL("a campaign of one customer", MESSAGE_CAMPAIGN, m.campaign.campaign.customers = 1);
    SPOIL("a campaign of one node", MESSAGE_CAMPAIGN, m.campaign.campaign.nodes = 1);
    SPOIL("more customers than senders", MESSAGE_CAMPAIGN, m.campaign.campaign.customers = 4);
    SPOIL("a campaign of nobody", MESSAGE_CAMPAIGN, m.campaign.campaign.senders = 0);
    SPOIL("a campaign of no text", MESSAGE_CAMPAIGN, m.campaign.campaign.likeness.parts[0] = 0);
    SPOIL("a customer without a name", MESSAGE_CUSTOMER, m.customer.customer.name[0] = 0);
    SPOIL("a customer's name without end", MESSAGE_CUSTOMER, memset(m.customer.customer.name, 'x', CUSTOMER_TEXT));
    SPOIL("a name with a bell in it", MESSAGE_CUSTOMER, m.customer.customer.name[1] = 7);
    SPOIL("points of nobody", MESSAGE_CUSTOMER, m.customer.customer.points = 100);
    SPOIL("negative points", MESSAGE_CUSTOMER, m.customer.customer.points = -1;
          m.customer.customer.senders = m.customer.customer.nodes = 1);
    SPOIL("a body of no text", MESSAGE_BODY, m.body.likeness.parts[3] = 0);
    SPOIL("a body of a customer with a space", MESSAGE_BODY, memcpy(m.body.whose.customer, "a b", 3));
    SPOIL("points of a customer without end", MESSAGE_POINTS, memset(m.points.whose.customer, 'x', CUSTOMER_TEXT));
    SPOIL("port 0", MESSAGE_RESET, m.reset.server_port = 0);
    SPOIL("a tag beyond 12 bits", MESSAGE_RESET, m.reset.vlan = 4096);
    SPOIL("neither on nor off", MESSAGE_ASK_ENFORCE, m.ask_enforce.on = 2);
    SPOIL("a negative time", MESSAGE_COMMAND, m.command.length = -1);
    SPOIL("no queue id", MESSAGE_CONTENT, m.content.queue[0] = 0);
    SPOIL("an account without end", MESSAGE_CONTENT, memset(m.content.account, 'x', sizeof m.content.account));
    SPOIL("a family of a client", MESSAGE_CONTENT, m.content.client.family = 5);
    SPOIL("a family of a message's client", MESSAGE_FILTERED, m.filtered.address.family = 5);
    SPOIL("an opinion of nobody", MESSAGE_FILTERED, m.filtered.filter[0] = 0);
    SPOIL("symbols without end", MESSAGE_FILTERED, memset(m.filtered.symbols, 'x', sizeof m.filtered.symbols));
    SPOIL("neither certain nor not", MESSAGE_FILTERED, m.filtered.certain = 2);
    SPOIL("a listing by nobody", MESSAGE_LISTED, m.listed.zone[0] = 0);
    SPOIL("a zone without end", MESSAGE_LISTED, memset(m.listed.zone, 'z', sizeof m.listed.zone));
    SPOIL("a weight that is none", MESSAGE_LISTED, m.listed.weight = 9);
    SPOIL("neither listed nor not", MESSAGE_LISTED, m.listed.listed = 2);
    SPOIL("a family of a list's answer", MESSAGE_LISTED, m.listed.code.family = 5);
    SPOIL("no complaint at all", MESSAGE_COMPLAINED, m.complained.count = 0);
    SPOIL("a type that is none", MESSAGE_COMPLAINED, m.complained.type = 6);
    SPOIL("a reporter without end", MESSAGE_COMPLAINED, memset(m.complained.reporter, 'r', 128));
    SPOIL("neither withdrawn nor not", MESSAGE_COMPLAINED, m.complained.withdrawn = 2);
    SPOIL("a sample without an envelope", MESSAGE_SAMPLE, m.sample.envelope = 0);
    SPOIL("a sample for no reason that there is", MESSAGE_SAMPLE, m.sample.why = SAMPLE_WHYS);
    SPOIL("a sample of nobody", MESSAGE_SAMPLE, m.sample.sender.kind = SENDER_NONE);
    SPOIL("an unknown verdict", MESSAGE_SENDER_ROW, m.sender_row.worst = VERDICTS);
    SPOIL("an unknown proof", MESSAGE_VERDICT, m.verdict.whose.proof = CUSTOMER_PROOFS);
    SPOIL("a customer that no map has", MESSAGE_ORDER, m.order.order.whose.customer[0] = '\n');
    SPOIL("an address of no family", MESSAGE_TRAFFIC, m.traffic.whose.address.prefix = 32);
    SPOIL("a name without end", MESSAGE_EVIDENCE, memset(m.evidence.whose.customer, 'x', CUSTOMER_TEXT));
    SPOIL("a customer without a sender", MESSAGE_CUSTOMER_ROW, m.customer_row.senders = 0);
    SPOIL("an unknown member", MESSAGE_CUSTOMER_ROW, m.customer_row.senders = 3);
    SPOIL("another customer's member", MESSAGE_CUSTOMER_ROW, m.customer_row.members[1].whose.customer[0] = 'b');
    SPOIL("a name without end", MESSAGE_PORT_OPENED, memset(m.port_opened.interface, 'x', 16));
}

struct pair {
    struct channel watcher, warden; /* as each of them sees it */
};

static int make_pair(void **state)
{
    static struct pair pair;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return -1;
    pair.watcher = (struct channel){ends[0], ROLE_WATCHER, ROLE_WARDEN};
    pair.warden = (struct channel){ends[1], ROLE_WARDEN, ROLE_WATCHER};
    *state = &pair;
    return 0;
}

static int close_pair(void **state)
{
    struct pair *pair = *state;
    close(pair->watcher.descriptor);
    close(pair->warden.descriptor);
    return 0;
}

static void test_a_message_arrives_as_it_was_sent(void **state)
{
    struct pair *pair = *state;
    struct error error = {0};
    union message sent = sound(MESSAGE_ORDER), received;
    int descriptor = 99;
    assert_int_equal(message_receive(&pair->warden, &received, &descriptor, &error), 0);
    assert_int_equal(message_send(&pair->watcher, &sent, -1, &error), 0);
    assert_int_equal(message_receive(&pair->warden, &received, &descriptor, &error), 1);
    assert_memory_equal(&sent, &received, sent.head.size);
    assert_int_equal(descriptor, -1);
}

static void test_a_descriptor_comes_along(void **state)
{
    struct pair *pair = *state;
    struct error error = {0};
    union message message = sound(MESSAGE_MEMORY), received;
    int pipes[2], descriptor = -1;
    char byte = 0;
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(message_send(&pair->warden, &message, -1, &error), -EPROTO); /* it belongs to this kind */
    assert_int_equal(message_send(&pair->warden, &message, pipes[1], &error), 0);
    close(pipes[1]);
    assert_int_equal(message_receive(&pair->watcher, &received, &descriptor, &error), 1);
    assert_true(fcntl(descriptor, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(write(descriptor, "x", 1), 1);
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    close(descriptor);
    assert_int_equal(read(pipes[0], &byte, 1), 0); /* it was the last one: nothing leaked */
    close(pipes[0]);
}

/* What a process that is no longer ours might send. */
static void test_broken_rules_end_the_conversation(void **state)
{
    struct pair *pair = *state;
    union message order = sound(MESSAGE_ORDER), enforce = sound(MESSAGE_ASK_ENFORCE), event = sound(MESSAGE_EVENT);
    union message lying = order;
    lying.head.size = 12;
    union message unsound = order;
    unsound.order.order.deed = 77;
    union message unknown = order;
    unknown.head.kind = 9999;
    uint8_t huge[2048] = {0};
    const struct {
        const char *name;
        const void *bytes;
        size_t length;
    } rows[] = {
        {"too short for a head", &order, 3},
        {"cut short", &order, order.head.size - 1U},
        {"longer than its kind", &order, order.head.size + 1U},
        {"another size in its head", &lying, order.head.size},
        {"not sound", &unsound, order.head.size},
        {"no such kind", &unknown, order.head.size},
        {"not for the watcher to say", &enforce, enforce.head.size},
        {"not for the warden to hear", &event, event.head.size},
        {"longer than any", huge, sizeof(huge)},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct error error = {0};
        union message received;
        int descriptor = -1;
        assert_int_equal(send(pair->watcher.descriptor, rows[i].bytes, rows[i].length, 0), rows[i].length);
        if (message_receive(&pair->warden, &received, &descriptor, &error) != -EPROTO)
            fail_msg("%s", rows[i].name);
    }
}

static int lowest_free_descriptor(void)
{
    int descriptor = dup(STDERR_FILENO);
    close(descriptor);
    return descriptor;
}

/* As a process that was taken over might: whatever it sends along, nothing of it may stay open in ours. */
static void send_with_descriptors(int socket, const union message *message, size_t length, size_t number)
{
    union {
        char bytes[CMSG_SPACE(4 * sizeof(int))];
        struct cmsghdr aligned;
    } control = {.bytes = {0}};
    struct iovec part = {(void *)(uintptr_t)message, length};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = CMSG_SPACE(number * sizeof(int))};
    struct cmsghdr *along = CMSG_FIRSTHDR(&header);
    *along = (struct cmsghdr){CMSG_LEN(number * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    const int descriptors[4] = {STDERR_FILENO, STDERR_FILENO, STDERR_FILENO, STDERR_FILENO};
    assert_true(number <= 4);
    memcpy(CMSG_DATA(along), descriptors, number * sizeof(int));
    assert_int_equal(sendmsg(socket, &header, 0), length);
}

static void test_descriptors_that_nobody_asked_for(void **state)
{
    struct pair *pair = *state;
    union message message = sound(MESSAGE_ALIVE), received;
    int before = lowest_free_descriptor();
    for (size_t number = 1; number <= 4; number++) {
        struct error error = {0};
        int descriptor = -1;
        send_with_descriptors(pair->watcher.descriptor, &message, message.head.size, number);
        assert_int_equal(message_receive(&pair->warden, &received, &descriptor, &error), -EPROTO);
        assert_int_equal(lowest_free_descriptor(), before);
        send_with_descriptors(pair->watcher.descriptor, &message, 0, number); /* looks like the end */
        assert_int_equal(message_receive(&pair->warden, &received, &descriptor, &error), -ECONNRESET);
        assert_int_equal(lowest_free_descriptor(), before);
        assert_int_equal(descriptor, -1);
    }
}

static void test_we_do_not_break_them_either(void **state)
{
    struct pair *pair = *state;
    struct error error = {0};
    union message message = sound(MESSAGE_ASK_ENFORCE);
    assert_int_equal(message_send(&pair->watcher, &message, -1, &error), -EPROTO);
    message = sound(MESSAGE_ORDER);
    message.order.order.deed = DEEDS;
    assert_int_equal(message_send(&pair->watcher, &message, -1, &error), -EPROTO);
}

static void test_the_other_side_is_gone(void **state)
{
    struct pair *pair = *state;
    struct error error = {0};
    union message message = sound(MESSAGE_ORDER), received;
    int descriptor;
    assert_int_equal(message_send(&pair->watcher, &message, -1, &error), 0);
    shutdown(pair->watcher.descriptor, SHUT_RDWR);
    assert_int_equal(message_receive(&pair->warden, &received, &descriptor, &error), 1); /* what was said before */
    assert_int_equal(message_receive(&pair->warden, &received, &descriptor, &error), -ECONNRESET);
    assert_int_equal(message_send(&pair->watcher, &message, -1, &error), -ECONNRESET);
}

static void test_a_receiver_that_is_behind(void **state)
{
    struct pair *pair = *state;
    struct error error = {0};
    union message message = sound(MESSAGE_ORDER), received;
    int code = 0, sent = 0, descriptor, got = 0;
    while ((code = message_send(&pair->watcher, &message, -1, &error)) == 0 && sent < 1000000)
        sent++;
    assert_int_equal(code, -EAGAIN);
    while (message_receive(&pair->warden, &received, &descriptor, &error) == 1)
        got++;
    assert_int_equal(got, sent);
}

int main(void)
{
#define ON_A_PAIR(test) cmocka_unit_test_setup_teardown(test, make_pair, close_pair)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_has_a_row),
        cmocka_unit_test(test_directions),
        cmocka_unit_test(test_soundness),
        ON_A_PAIR(test_a_message_arrives_as_it_was_sent),
        ON_A_PAIR(test_a_descriptor_comes_along),
        ON_A_PAIR(test_broken_rules_end_the_conversation),
        ON_A_PAIR(test_descriptors_that_nobody_asked_for),
        ON_A_PAIR(test_we_do_not_break_them_either),
        ON_A_PAIR(test_the_other_side_is_gone),
        ON_A_PAIR(test_a_receiver_that_is_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
