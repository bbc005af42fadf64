/* Decoys: before each of its segments a client sends another of the same length, which every server ignores. Whatever
 * the reason is for which it is ignored, the session must read as if there had been no decoy; and that there were some
 * must be seen. Frames are whole, with checksums and options, for most reasons lie there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "agent/packet/link.h"
#include "agent/packet/session.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { HEADERS = 14 + 40 + 20 + 40, FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

/* ---- hearing ---- */

struct heard {
    char text[2048];
    uint32_t conflicts, doubted;
};

static void hear(struct heard *heard, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void hear(struct heard *heard, const char *format, ...)
{
    size_t length = strlen(heard->text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(heard->text + length, sizeof heard->text - length, format, arguments);
    va_end(arguments);
}

#define SHOW(text) (int)(text).length, (text).bytes

static void on_observation(void *context, const struct observation *o)
{
    struct heard *heard = context;
    switch (o->kind) {
    case OBSERVATION_HELO:
        hear(heard, "helo %.*s\n", SHOW(o->helo.name));
        break;
    case OBSERVATION_TRANSACTION:
        hear(heard, "from %.*s %u\n", SHOW(o->transaction.from), o->transaction.reply.code);
        break;
    case OBSERVATION_RECIPIENT:
        hear(heard, "to %.*s %u\n", SHOW(o->recipient.address), o->recipient.reply.code);
        break;
    case OBSERVATION_MESSAGE:
        hear(heard, "message to %u, %lu bytes, %u%s\n", o->message.recipients, (unsigned long)o->message.bytes,
             o->message.reply.code, o->message.complete ? "" : " cut");
        break;
    case OBSERVATION_CLOSE:
        heard->conflicts = o->close.conflicts;
        heard->doubted = o->close.doubted;
        hear(heard, "close %u commands\n", o->close.commands);
        break;
    default:
        break;
    }
}

/* ---- frames ---- */

static size_t put(uint8_t *at, uint64_t number, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (uint8_t)(number >> 8 * (bytes - 1 - i));
    return bytes;
}

static uint16_t checksum(uint32_t sum, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

enum checksum { CHECKSUM_RIGHT, CHECKSUM_WRONG, CHECKSUM_BEGUN, CHECKSUM_BEGUN_WITHOUT_LENGTH, CHECKSUM_ZERO };

/* How a frame is made; what is left off is usual. */
struct make {
    uint8_t time_to_live, no_ack, signature, no_stamp, wrong_ip;
    enum checksum checksum;
    int32_t stamp, acknowledged; /* added to the usual */
    bool decoy;
};

struct talk {
    struct packet_path *path;
    uint32_t next[2]; /* server, client */
    moment time;
    uint32_t stamps;
    bool six, stamped;
    uint8_t frame_checksum;
    struct make usual; /* of the client */
};

static size_t put_tcp(const struct talk *talk, uint8_t *tcp, bool client, uint8_t flags, const struct make *how,
                      const char *payload)
{
    size_t at = 0, length = strlen(payload);
    at += put(tcp + at, client ? 40000 : 25, 2);
    at += put(tcp + at, client ? 25 : 40000, 2);
    at += put(tcp + at, talk->next[client], 4);
    bool acknowledges = flags & ACK && !how->no_ack;
    at += put(tcp + at, acknowledges ? talk->next[!client] + (uint32_t)how->acknowledged : 0, 4);
    at += put(tcp + at, 0, 1);
    at += put(tcp + at, how->no_ack ? flags & ~ACK : flags, 1);
    at += put(tcp + at, 0xffff0000, 4);
    at += put(tcp + at, 0, 2);
    if (talk->stamped && !how->no_stamp) {
        at += put(tcp + at, 0x0101080a, 4);
        at += put(tcp + at, talk->stamps + (uint32_t)how->stamp, 4);
        at += put(tcp + at, 77, 4);
    }
    if (how->signature) {
        at += put(tcp + at, 0x01011312, 4);
        at += put(tcp + at, 0x123456789abcdef0, 8);
        at += put(tcp + at, 0x123456789abcdef0, 8);
    }
    tcp[12] = (uint8_t)(at / 4 << 4);
    memcpy(tcp + at, payload, length);
    return at + length;
}

static void put_checksum(const uint8_t *addresses, size_t size, uint8_t *tcp, size_t length, enum checksum how)
{
    uint16_t without = checksum(6, addresses, size), begun = checksum(6 + (uint32_t)length, addresses, size);
    uint16_t whole = checksum((uint16_t)~begun, tcp, length);
    const uint16_t fields[] = {whole, (uint16_t)(whole ^ 0x0110), (uint16_t)~begun, (uint16_t)~without, 0};
    put(tcp + 16, fields[how], 2);
}

static void send_frame(struct talk *talk, bool client, uint8_t flags, const struct make *how, const char *payload)
{
    static const uint8_t sixes[2][16] = {{0x20, 1, 0xd, 0xb8, [15] = 1}, {0x20, 1, 0xd, 0xb8, 9, [15] = 25}};
    uint8_t bytes[2048] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1}, *ip = bytes + 14, *tcp = ip + (talk->six ? 40 : 20);
    uint8_t time_to_live = how->time_to_live ? how->time_to_live : 64;
    size_t length = put_tcp(talk, tcp, client, flags, how, payload);
    put(bytes + 12, talk->six ? 0x86dd : 0x0800, 2);
    if (talk->six) {
        put(ip, 0x60000000, 4);
        put(ip + 4, length << 16 | 6u << 8 | time_to_live, 4);
        memcpy(ip + 8, sixes[!client], 16);
        memcpy(ip + 24, sixes[client], 16);
        put_checksum(ip + 8, 32, tcp, length, how->checksum);
    } else {
        put(ip, 0x45000000 | (20 + length), 4);
        put(ip + 4, 0, 4);
        put(ip + 8, (uint32_t)time_to_live << 24 | 6 << 16, 4);
        put(ip + (client ? 12 : 16), 0xc0000201, 4);
        put(ip + (client ? 16 : 12), 0xc6336419, 4);
        put(ip + 10, checksum(0, ip, 20) ^ how->wrong_ip, 2);
        put_checksum(ip + 12, 8, tcp, length, how->checksum);
    }
    talk->time += MILLISECOND;
    uint32_t size = (uint32_t)(tcp - bytes) + (uint32_t)length;
    uint8_t *copy = malloc(size); /* so that a sanitizer sees what is read beyond it */
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    struct frame frame = {.time = talk->time,
                          .bytes = copy,
                          .captured = size,
                          .length = size,
                          .link = LINK_ETHERNET,
                          .checksum = talk->frame_checksum};
    packet_path_add(talk->path, &frame);
    free(copy);
    if (!how->decoy) {
        talk->next[client] += (uint32_t)strlen(payload) + ((flags & (SYN | FIN)) != 0);
        talk->stamps += client;
    }
}

static void server_says(struct talk *talk, const char *payload)
{
    static const struct make usual;
    send_frame(talk, false, ACK | PSH, &usual, payload);
}

static void client_says(struct talk *talk, const struct make *decoy, const char *instead, const char *payload)
{
    char other[256];
    if (decoy) {
        assert_true(strlen(payload) < sizeof other);
        for (size_t i = 0; i < strlen(payload); i++)
            other[i] = payload[i] == '\r' || payload[i] == '\n' ? payload[i] : instead[i % strlen(instead)];
        other[strlen(payload)] = 0;
        send_frame(talk, true, ACK | PSH, decoy, other);
        packet_path_tick(talk->path, talk->time += SECOND); /* the decoy has all the time that it wants */
    }
    send_frame(talk, true, ACK | PSH, &talk->usual, payload);
}

static const char plain[] = "helo me.org\nfrom a@me.org 250\nto b@x.org 250\nto c@x.org 550\n"
                            "message to 1, 14 bytes, 250\nclose 6 commands\n";

static void run(struct talk *talk, const struct make *decoy, const char *instead, struct heard *heard)
{
    static const struct packet_settings settings = {.streams = {.streams = 16,
                                                                .bytes_held = 65536,
                                                                .bytes_per_stream = 16384,
                                                                .opening = 30 * SECOND,
                                                                .idle = 300 * SECOND,
                                                                .ports = {25},
                                                                .key = {{1, 2}}},
                                                    .fragmented_datagrams = 4};
    struct packet_listener listener = {.context = heard, .observe = on_observation};
    struct error error = {0};
    static const struct make usual;
    *heard = (struct heard){{0}, 0, 0};
    talk->path = packet_path_create(&settings, &listener, &error);
    assert_non_null(talk->path);
    talk->next[0] = 0xfffffff0, talk->next[1] = 0x7ffffff0;
    talk->time = 1000 * SECOND, talk->stamps = 0xfffffffe;
    send_frame(talk, true, SYN, &talk->usual, "");
    send_frame(talk, false, SYN | ACK, &usual, "");
    send_frame(talk, true, ACK, &talk->usual, "");
    server_says(talk, "220 mx\r\n");
    client_says(talk, decoy, instead, "EHLO me.org\r\n");
    server_says(talk, "250 mx\r\n");
    client_says(talk, decoy, instead, "MAIL FROM:<a@me.org>\r\n");
    server_says(talk, "250 ok\r\n");
    client_says(talk, decoy, instead, "RCPT TO:<b@x.org>\r\nRCPT TO:<c@x.org>\r\n");
    server_says(talk, "250 ok\r\n550 no\r\n");
    client_says(talk, decoy, instead, "DATA\r\n");
    server_says(talk, "354 go\r\n");
    client_says(talk, decoy, instead, "Subject: x\r\n\r\n.\r\n");
    server_says(talk, "250 ok\r\n");
    client_says(talk, decoy, instead, "QUIT\r\n");
    server_says(talk, "221 bye\r\n");
    send_frame(talk, true, FIN | ACK, &talk->usual, "");
    send_frame(talk, false, FIN | ACK, &usual, "");
    send_frame(talk, true, ACK, &talk->usual, "");
    packet_path_finish(talk->path, talk->time);
    packet_path_destroy(&talk->path);
}

struct row {
    const char *name;
    struct make make;
    bool stamped_alone, four_alone, live_alone;
};

static const struct row decoys[] = {
    {.name = "wrong checksum", .make = {.checksum = CHECKSUM_WRONG}},
    {.name = "no checksum", .make = {.checksum = CHECKSUM_ZERO}},
    {.name = "a checksum that nobody completes", .make = {.checksum = CHECKSUM_BEGUN}, .live_alone = true},
    {.name = "wrong checksum of the IP header", .make = {.wrong_ip = 1}, .four_alone = true},
    {.name = "dies on its way", .make = {.time_to_live = 3}},
    {.name = "no ACK", .make = {.no_ack = 1}},
    {.name = "acknowledges what was never sent", .make = {.acknowledged = 100000}},
    {.name = "acknowledges what was never sent, just so", .make = {.acknowledged = 1}},
    {.name = "acknowledges what is long past", .make = {.acknowledged = -1000000}},
    {.name = "signed", .make = {.signature = 1}},
    {.name = "old time stamp", .make = {.stamp = -2}, .stamped_alone = true},
    {.name = "no time stamp", .make = {.no_stamp = 1}, .stamped_alone = true},
};

static void decoys_are_not_taken(void **unused)
{
    (void)unused;
    static const char *const instead[] = {"x", "NOOP ", "quit ", "data", ".", "BDAT 999999999 LAST", "\026\003\001"};
    for (size_t i = 0; i < COUNT(decoys); i++)
        for (unsigned form = 0; form < 8; form++)
            for (size_t w = 0; w < COUNT(instead); w++) {
                struct talk talk = {.six = form & 1, .stamped = form & 2};
                talk.frame_checksum = form & 4 ? FRAME_CHECKSUM_WRITTEN : FRAME_CHECKSUM_UNKNOWN;
                if ((decoys[i].stamped_alone && !talk.stamped) || (decoys[i].four_alone && talk.six) ||
                    (decoys[i].live_alone && talk.frame_checksum == FRAME_CHECKSUM_UNKNOWN))
                    continue;
                struct make make = decoys[i].make;
                make.decoy = true;
                struct heard heard;
                run(&talk, &make, instead[w], &heard);
                if (strcmp(heard.text, plain) != 0)
                    fail_msg("%s (form %u, %s):\n%s", decoys[i].name, form, instead[w], heard.text);
                assert_int_equal(heard.doubted, 6);
                assert_int_equal(heard.conflicts, make.no_ack ? 0 : 6);
            }
}

/* Where all of a client's checksums are as its card was to complete them, nobody complains. */
static void what_is_usual_is_not_doubted(void **unused)
{
    (void)unused;
    static const struct make usual[] = {
        {.time_to_live = 128},
        {.checksum = CHECKSUM_BEGUN},
        {.checksum = CHECKSUM_BEGUN_WITHOUT_LENGTH},
    };
    for (size_t i = 0; i < COUNT(usual); i++)
        for (unsigned form = 0; form < 4; form++) {
            struct talk talk = {.six = form & 1, .stamped = form & 2, .usual = usual[i]};
            struct heard heard;
            run(&talk, NULL, NULL, &heard);
            assert_string_equal(heard.text, plain);
            assert_int_equal(heard.doubted, 0);
            assert_int_equal(heard.conflicts, 0);
        }
}

/* Where they are nonsense, or the kernel says that they are not made yet, the session is read all the same. */
static void odd_clients_are_read(void **unused)
{
    (void)unused;
    static const struct make odd[] = {{.checksum = CHECKSUM_WRONG}, {.checksum = CHECKSUM_ZERO}, {.signature = 1}};
    for (size_t i = 0; i < COUNT(odd); i++)
        for (unsigned form = 0; form < 8; form++) {
            struct talk talk = {.six = form & 1, .stamped = form & 2, .usual = odd[i]};
            talk.frame_checksum = form & 4 ? FRAME_CHECKSUM_OPEN : FRAME_CHECKSUM_UNKNOWN;
            struct heard heard;
            run(&talk, NULL, NULL, &heard);
            assert_string_equal(heard.text, plain);
            assert_int_equal(heard.conflicts, 0);
            assert_int_equal(heard.doubted > 0, !(form & 4) || odd[i].signature);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoys_are_not_taken),
        cmocka_unit_test(what_is_usual_is_not_doubted),
        cmocka_unit_test(odd_clients_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
