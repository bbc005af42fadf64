/* One connection's dialogue: greeting, STARTTLS, login, transactions, goodbye, as the flow's software speaks it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/lab/sending.h"

#define CONTENT_MOST (1024 * 1024)
#define LONG_LINE    (1024 * 1024)
#define LOOK_ALIKES  5   /* forged connections beside each of its own */
#define HALF_OPEN    20  /* openings at once */
#define BATCH        100 /* commands sent at once */
#define MANY         66000

struct talk {
    struct lab_sending *sending;
    struct lab_wire *wire;
    struct lab_receiver receiver;
    bool pipelining;
};

static duration think(struct talk *talk, duration about)
{
    return about / 2 + (duration)lab_below(&talk->sending->random, (uint64_t)about);
}

static void ask(struct talk *talk, const char *command)
{
    lab_wire_client(talk->wire, 0, command, strlen(command));
}

static void answer(struct talk *talk, const char *reply, size_t length, duration about)
{
    lab_wire_server(talk->wire, think(talk, about), reply, length);
}

static void answer_text(struct talk *talk, const char *reply)
{
    answer(talk, reply, strlen(reply), 3 * MILLISECOND);
}

/* --- greeting --- */

static void greet(struct talk *talk, const char *helo, bool tls)
{
    char line[LAB_ADDRESS + 16], reply[LAB_REPLY];
    bool extended =
        talk->sending->flow->pipelining != LAB_PIPELINING_UNASKED || tls || talk->sending->flow->auth != LAB_NO_AUTH;
    snprintf(line, sizeof line, "%s %s\r\n", extended ? "EHLO" : "HELO", helo);
    ask(talk, line);
    if (extended)
        answer(talk, reply,
               lab_reply_ehlo(&talk->receiver, tls && !talk->wire->encrypted, talk->sending->flow->auth != LAB_NO_AUTH,
                              reply),
               2 * MILLISECOND);
    else
        answer(talk, reply, (size_t)snprintf(reply, sizeof reply, "250 %s\r\n", talk->receiver.host), 2 * MILLISECOND);
}

static void begin(struct talk *talk, const char *helo)
{
    struct lab_wire *wire = talk->wire;
    const struct lab_flow *flow = talk->sending->flow;
    uint64_t software = lab_mix(flow->label == LAB_ABUSER ? talk->sending->text_key : talk->sending->customer->key, 81);
    bool tls = flow->tls == LAB_STARTTLS && lab_receiver_offers_tls(&talk->receiver, talk->sending->terms.tls_share);
    char banner[LAB_REPLY], early[LAB_ADDRESS + 16];
    lab_wire_open(wire);
    if (flow->tls == LAB_IMPLICIT)
        lab_wire_encrypt(wire, talk->receiver.host, software);
    if (flow->early) {
        snprintf(early, sizeof early, "HELO %s\r\n", helo);
        ask(talk, early);
    }
    answer(talk, banner, lab_reply_banner(&talk->receiver, banner), 40 * MILLISECOND);
    if (flow->early) {
        answer_text(talk, "250 hello\r\n");
        return;
    }
    greet(talk, helo, tls);
    if (tls) {
        ask(talk, "STARTTLS\r\n");
        answer_text(talk, "220 2.0.0 Ready to start TLS\r\n");
        lab_wire_encrypt(wire, talk->receiver.host, software);
        greet(talk, helo, tls);
    }
}

static void log_in(struct talk *talk)
{
    const struct lab_flow *flow = talk->sending->flow;
    uint64_t tries = flow->auth == LAB_AUTH_FAILS ? lab_draw_whole(&talk->sending->random, flow->tries) : 1;
    for (uint64_t i = 0; i < tries; i++) {
        char line[64];
        uint64_t noise = lab_next(&talk->sending->random);
        snprintf(line, sizeof line, "AUTH PLAIN AGluZm8A%012llx%s=\r\n", (unsigned long long)(noise >> 16),
                 noise & 1 ? "Zm9v" : "");
        ask(talk, line);
        if (flow->auth == LAB_AUTH_FAILS)
            answer(talk, "535 5.7.8 Error: authentication failed\r\n", 40, 800 * MILLISECOND);
        else
            answer_text(talk, "235 2.7.0 Authentication successful\r\n");
    }
}

/* --- one message --- */

struct turn { /* commands and replies that go together where both ends pipeline */
    char commands[BATCH * (LAB_ADDRESS + 16)], replies[BATCH * LAB_REPLY];
    size_t commands_used, replies_used, count;
};

static void end_turn(struct talk *talk, struct turn *turn)
{
    if (turn->count == 0)
        return;
    lab_wire_client(talk->wire, 0, turn->commands, turn->commands_used);
    answer(talk, turn->replies, turn->replies_used, 8 * MILLISECOND * (duration)turn->count);
    turn->commands_used = turn->replies_used = turn->count = 0;
}

static void add_turn(struct talk *talk, struct turn *turn, const char *command, const char *reply, size_t length)
{
    size_t said = strlen(command);
    memcpy(turn->commands + turn->commands_used, command, said);
    memcpy(turn->replies + turn->replies_used, reply, length);
    turn->commands_used += said;
    turn->replies_used += length;
    turn->count++;
    if (!talk->pipelining || turn->count == BATCH)
        end_turn(talk, turn);
}

/* The content and its answer. */
static void send_content(struct talk *talk, struct lab_message *message, size_t accepted)
{
    static char content[CONTENT_MOST + 8];
    char reply[LAB_REPLY];
    size_t length = lab_content(talk->sending, message, talk->wire->time, content, CONTENT_MOST);
    memcpy(content + length, ".\r\n", 3);
    lab_wire_client(talk->wire, 0, content, length + 3);
    if (lab_chance(&talk->sending->random, talk->sending->terms.refused)) {
        answer(talk, reply, lab_reply(&talk->receiver, LAB_REFUSED, message->recipients[0].address, reply),
               200 * MILLISECOND);
        return;
    }
    answer(talk, reply, lab_reply_queued(&talk->receiver, message->key, reply), 150 * MILLISECOND);
    lab_wire_out(talk->wire, 1, (uint32_t)accepted);
}

static void defer(struct lab_sending *sending, struct lab_message *message)
{
    if (sending->deferred_count == sending->deferred_room) {
        size_t room = sending->deferred_room ? 2 * sending->deferred_room : 8;
        struct lab_message *more = reallocarray(sending->deferred, room, sizeof *more);
        if (more == NULL) {
            sending->failed = true;
            return;
        }
        sending->deferred = more;
        sending->deferred_room = room;
    }
    sending->deferred[sending->deferred_count++] = *message;
    message->recipients = NULL;
    message->count = 0;
}

/* What is left of a message after a try: the recipients that were deferred. It is the sending's from here on. */
static void keep_rest(struct talk *talk, struct lab_message *message, moment begun)
{
    size_t left = 0;
    duration age = message->first > 0 ? begun - message->first : 0;
    for (size_t i = 0; i < message->count; i++)
        if (lab_sending_answer(talk->sending, &message->recipients[i], age) == LAB_GREYLIST)
            message->recipients[left++] = message->recipients[i];
    message->count = left;
    message->first = message->first > 0 ? message->first : begun;
    message->tries++;
    if (left > 0 && talk->sending->flow->retry.most > 0)
        defer(talk->sending, message);
    lab_message_clear(message);
}

static void send_message(struct talk *talk, struct lab_message *message, moment begun)
{
    static struct turn turn;
    char line[LAB_ADDRESS + 16], reply[LAB_REPLY];
    size_t accepted = 0;
    duration age = message->first > 0 ? begun - message->first : 0;
    turn.commands_used = turn.replies_used = turn.count = 0;
    snprintf(line, sizeof line, "MAIL FROM:<%s>\r\n", message->from);
    add_turn(talk, &turn, line, reply, lab_reply_sender(&talk->receiver, reply));
    for (size_t i = 0; i < message->count; i++) {
        const struct lab_recipient *recipient = &message->recipients[i];
        enum lab_answer what = lab_sending_answer(talk->sending, recipient, age);
        accepted += what == LAB_ACCEPTED;
        snprintf(line, sizeof line, "RCPT TO:<%s>\r\n", recipient->address);
        add_turn(talk, &turn, line, reply, lab_reply(&talk->receiver, what, recipient->address, reply));
    }
    if (accepted > 0 || talk->pipelining) {
        static const char go[] = "354 End data with <CR><LF>.<CR><LF>\r\n", no[] = "554 5.5.1 No valid recipients\r\n";
        add_turn(talk, &turn, "DATA\r\n", accepted > 0 ? go : no, accepted > 0 ? sizeof go - 1 : sizeof no - 1);
    }
    end_turn(talk, &turn);
    if (accepted > 0) {
        send_content(talk, message, accepted);
    } else {
        ask(talk, "RSET\r\n");
        answer_text(talk, "250 2.0.0 Ok\r\n");
    }
    keep_rest(talk, message, begun);
}

static bool make_message(struct lab_sending *sending, const struct lab_recipient *first, bool same_domain,
                         struct lab_message *message)
{
    uint64_t count = lab_draw_whole(&sending->random, sending->flow->recipients);
    if (sending->flow->trick == LAB_MANY_RECIPIENTS && sending->messages == 0)
        count = MANY;
    count = count > 0 ? count : 1;
    memset(message, 0, sizeof *message);
    message->recipients = calloc(count, sizeof *message->recipients);
    if (message->recipients == NULL) {
        sending->failed = true;
        return false;
    }
    message->count = count;
    message->key = lab_next(&sending->random);
    message->recipients[0] = *first;
    for (uint64_t i = 1; i < count; i++)
        lab_sending_recipient(sending, same_domain ? first : NULL, &message->recipients[i]);
    lab_sending_from(sending, first, message->from);
    sending->messages++;
    return true;
}

/* --- the connection --- */

static void place(struct lab_sending *sending, const struct lab_receiver *receiver, moment time, unsigned address,
                  struct lab_wire *wire)
{
    struct lab_customer *customer = sending->customer;
    bool framing = sending->flow->trick == LAB_FRAME_NEIGHBOUR && sending->victim != NULL;
    wire->client = framing ? sending->victim->addresses[0] : customer->addresses[address];
    if (customer->actor->address == LAB_V6_64)
        for (int i = 8; i < 16; i++)
            wire->client.bytes[i] = (uint8_t)lab_next(&sending->random);
    wire->server = lab_receiver_address(receiver, wire->client.family == 6);
    memcpy(wire->client_mac, customer->mac, sizeof wire->client_mac);
    customer->next_port = customer->next_port < 60000 ? customer->next_port + 1 : 1024;
    wire->client_port = customer->next_port;
    wire->server_port = (uint16_t)sending->flow->port;
    wire->port = customer->port;
    wire->reply_port = framing ? sending->victim->port : customer->port;
    wire->random.state = lab_next(&sending->random);
    wire->client_next = (uint32_t)lab_next(&wire->random);
    wire->server_next = (uint32_t)lab_next(&wire->random);
    wire->ttl = 64;
    wire->time = time;
    wire->way = receiver->way;
    wire->trick = sending->flow->trick;
}

/* Openings and words in the name of addresses that are not its own; nothing comes back to this port. */
static void forge(struct talk *talk, const char *helo)
{
    struct lab_wire *wire = talk->wire;
    struct address own = wire->client;
    uint16_t port = wire->client_port;
    uint32_t next = wire->client_next;
    char line[LAB_ADDRESS + 16];
    int length = snprintf(line, sizeof line, "EHLO %s\r\n", helo);
    for (int i = 0; i < LOOK_ALIKES; i++) {
        uint64_t noise = lab_next(&wire->random);
        wire->client.bytes[3] = (uint8_t)(1 + noise % 250);
        wire->client.bytes[2] = (uint8_t)(noise >> 8);
        wire->client_port = (uint16_t)(1024 + (noise >> 16) % 60000);
        lab_wire_frame(wire, true, WIRE_SYN, next, NULL, 0);
        lab_wire_frame(wire, true, WIRE_PUSH | WIRE_ACK, next + 1, line, (size_t)length);
    }
    wire->client = own;
    wire->client_port = port;
}

static void flood(struct talk *talk)
{
    for (int i = 0; i < HALF_OPEN; i++) {
        talk->wire->server.bytes[3] = (uint8_t)lab_next(&talk->wire->random);
        talk->wire->client_port = (uint16_t)(1024 + lab_below(&talk->wire->random, 60000));
        lab_wire_frame(talk->wire, true, WIRE_SYN, (uint32_t)lab_next(&talk->wire->random), NULL, 0);
        talk->wire->time += 100 * MICROSECOND;
    }
}

/* Connections that come to no dialogue. */
static bool comes_to_nothing(struct talk *talk)
{
    struct lab_sending *sending = talk->sending;
    double luck = lab_fraction(&sending->random);
    if (sending->flow->trick == LAB_HALF_OPEN)
        flood(talk);
    else if (luck < sending->terms.connect_refused)
        lab_wire_refused(talk->wire);
    else if (luck < sending->terms.connect_refused + sending->terms.unanswered)
        lab_wire_unanswered(talk->wire);
    else
        return false;
    return true;
}

static void say_long_line(struct talk *talk)
{
    static char line[LONG_LINE + 2];
    memset(line, 'A', LONG_LINE);
    memcpy(line + LONG_LINE, "\r\n", 2);
    lab_wire_client(talk->wire, 0, line, sizeof line);
    answer_text(talk, "500 5.5.2 Error: line too long\r\n");
}

static void send_all(struct talk *talk, const struct lab_recipient *first, struct lab_message *again, moment begun)
{
    struct lab_sending *sending = talk->sending;
    bool same_domain = sending->flow->port == 25;
    uint64_t count = again != NULL ? 1 : lab_draw_whole(&sending->random, sending->flow->per_connection);
    if (again != NULL) {
        send_message(talk, again, begun);
        return;
    }
    for (uint64_t i = 0; i < count && (sending->terms.messages == 0 || sending->messages < sending->terms.messages);
         i++) {
        struct lab_message message;
        struct lab_recipient recipient = *first;
        if (i > 0)
            lab_sending_recipient(sending, same_domain ? first : NULL, &recipient);
        if (!make_message(sending, &recipient, same_domain, &message))
            return;
        send_message(talk, &message, begun);
    }
}

unsigned lab_converse(struct lab_sending *sending, moment time, struct lab_message *again, struct lab_wire *wire)
{
    const struct lab_flow *flow = sending->flow;
    struct lab_recipient first;
    char helo[LAB_ADDRESS];
    if (again != NULL)
        first = again->recipients[0];
    else
        lab_sending_recipient(sending, NULL, &first);
    unsigned address = (unsigned)(sending->connections++ % sending->customer->address_count);
    struct talk talk = {.sending = sending,
                        .wire = wire,
                        .receiver = lab_receiver_find(&first, sending->terms.servers),
                        .pipelining = flow->pipelining != LAB_PIPELINING_NO && !flow->early};
    place(sending, &talk.receiver, time, address, wire);
    lab_sending_helo(sending, address, &first, helo);
    if (comes_to_nothing(&talk)) {
        if (again != NULL)
            lab_message_clear(again);
        return address;
    }
    if (flow->trick == LAB_FORGED)
        forge(&talk, helo);
    begin(&talk, helo);
    if (flow->trick == LAB_LONG_LINE)
        say_long_line(&talk);
    if (flow->auth != LAB_NO_AUTH)
        log_in(&talk);
    if (flow->auth != LAB_AUTH_FAILS)
        send_all(&talk, &first, again, time);
    if (lab_chance(&sending->random, sending->terms.quit)) {
        ask(&talk, "QUIT\r\n");
        answer_text(&talk, "221 2.0.0 Bye\r\n");
    }
    lab_wire_close(wire);
    sending->failed = sending->failed || wire->failed;
    return address;
}
