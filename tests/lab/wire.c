/* Ethernet, IP and TCP around what is said, and the tricks that are played with segments. */
#include "tests/lab/wire.h"

#include <stdlib.h>
#include <string.h>

#define SEGMENT 1448
#define LEASH   2 /* a time to live that ends before the server */

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

static uint64_t sum(const uint8_t *bytes, size_t length)
{
    uint64_t total = 0;
    uint32_t word;
    size_t at = 0;
    for (; at + 4 <= length; at += 4) {
        memcpy(&word, bytes + at, 4);
        total += word;
    }
    if (at < length) {
        word = 0;
        memcpy(&word, bytes + at, length - at);
        total += word;
    }
    return total;
}

static void put_sum(uint8_t *at, uint64_t total)
{
    while (total >> 16)
        total = (total & 0xffff) + (total >> 16);
    uint16_t folded = (uint16_t)~total;
    memcpy(at, &folded, 2);
}

void lab_wire_clear(struct lab_wire *wire)
{
    free(wire->bytes);
    free(wire->packets);
    memset(wire, 0, sizeof *wire);
}

/* Room for one more frame of so many bytes, or NULL. */
static uint8_t *make_room(struct lab_wire *wire, size_t length)
{
    if (wire->used + length > wire->room) {
        size_t room = wire->room ? 2 * wire->room : 8192;
        while (room < wire->used + length)
            room *= 2;
        uint8_t *bytes = realloc(wire->bytes, room);
        if (bytes == NULL)
            return NULL;
        wire->bytes = bytes;
        wire->room = room;
    }
    if (wire->count == wire->packet_room) {
        size_t room = wire->packet_room ? 2 * wire->packet_room : 32;
        struct lab_packet *packets = reallocarray(wire->packets, room, sizeof *packets);
        if (packets == NULL)
            return NULL;
        wire->packets = packets;
        wire->packet_room = room;
    }
    return wire->bytes + wire->used;
}

static size_t write_ip(const struct lab_wire *wire, bool from_client, size_t tcp_length, uint8_t *ip)
{
    const struct address *from = from_client ? &wire->client : &wire->server;
    const struct address *to = from_client ? &wire->server : &wire->client;
    uint8_t ttl = from_client ? wire->ttl : 52;
    if (from->family == 6) {
        memset(ip, 0, 40);
        ip[0] = 0x60;
        put16(ip + 4, (unsigned)tcp_length);
        ip[6] = 6;
        ip[7] = ttl;
        memcpy(ip + 8, from->bytes, 16);
        memcpy(ip + 24, to->bytes, 16);
        return 40;
    }
    memset(ip, 0, 20);
    ip[0] = 0x45;
    put16(ip + 2, (unsigned)tcp_length + 20);
    put16(ip + 4, (unsigned)wire->count + 1);
    ip[6] = 0x40;
    ip[8] = ttl;
    ip[9] = 6;
    memcpy(ip + 12, from->bytes, 4);
    memcpy(ip + 16, to->bytes, 4);
    put_sum(ip + 10, sum(ip, 20));
    return 20;
}

static void put_tcp_sum(const struct lab_wire *wire, uint8_t *tcp, size_t length)
{
    uint8_t rest[8] = {0};
    put32(rest, (uint32_t)length);
    rest[7] = 6;
    size_t size = wire->client.family == 6 ? 16 : 4;
    put_sum(tcp + 16, sum(wire->client.bytes, size) + sum(wire->server.bytes, size) + sum(rest, 8) + sum(tcp, length));
}

void lab_wire_frame(struct lab_wire *wire, bool from_client, uint8_t flags, uint32_t sequence, const void *payload,
                    size_t length)
{
    static const uint8_t router[6] = {2, 0, 0, 0, 0, 1};
    uint8_t *frame = make_room(wire, 14 + 40 + 24 + length);
    if (frame == NULL) {
        wire->failed = true;
        return;
    }
    memcpy(frame, from_client ? router : wire->client_mac, 6);
    memcpy(frame + 6, from_client ? wire->client_mac : router, 6);
    put16(frame + 12, wire->client.family == 6 ? 0x86dd : 0x0800);
    size_t options = flags & WIRE_SYN ? 4 : 0, tcp_length = 20 + options + length;
    size_t ip_length = write_ip(wire, from_client, tcp_length, frame + 14);
    uint8_t *tcp = frame + 14 + ip_length;
    put16(tcp, from_client ? wire->client_port : wire->server_port);
    put16(tcp + 2, from_client ? wire->server_port : wire->client_port);
    put32(tcp + 4, sequence);
    put32(tcp + 8, flags & WIRE_ACK ? (from_client ? wire->server_next : wire->client_next) : 0);
    tcp[12] = (uint8_t)((20 + options) / 4 << 4);
    tcp[13] = flags;
    put16(tcp + 14, 64240);
    put32(tcp + 16, 0);
    if (options > 0)
        memcpy(tcp + 20, (const uint8_t[]){2, 4, SEGMENT >> 8, SEGMENT & 0xff}, 4);
    if (length > 0)
        memcpy(tcp + 20 + options, payload, length);
    put_tcp_sum(wire, tcp, tcp_length);
    size_t whole = 14 + ip_length + tcp_length;
    wire->packets[wire->count++] = (struct lab_packet){.time = wire->time,
                                                       .offset = wire->used,
                                                       .length = (uint32_t)whole,
                                                       .port = from_client ? wire->port : wire->reply_port,
                                                       .from_guest = from_client};
    wire->used += whole;
}

static duration small(struct lab_wire *wire)
{
    return 100 * MICROSECOND + (duration)lab_below(&wire->random, (uint64_t)MILLISECOND);
}

void lab_wire_refused(struct lab_wire *wire)
{
    lab_wire_frame(wire, true, WIRE_SYN, wire->client_next++, NULL, 0);
    wire->time += wire->way;
    lab_wire_frame(wire, false, WIRE_RST | WIRE_ACK, 0, NULL, 0);
}

void lab_wire_unanswered(struct lab_wire *wire)
{
    for (int try = 0; try < 3; try++) {
        lab_wire_frame(wire, true, WIRE_SYN, wire->client_next, NULL, 0);
        wire->time += SECOND << try;
    }
}

void lab_wire_open(struct lab_wire *wire)
{
    lab_wire_frame(wire, true, WIRE_SYN, wire->client_next++, NULL, 0);
    wire->time += wire->way;
    lab_wire_frame(wire, false, WIRE_SYN | WIRE_ACK, wire->server_next++, NULL, 0);
    wire->time += small(wire);
    lab_wire_frame(wire, true, WIRE_ACK, wire->client_next, NULL, 0);
    if (wire->trick == LAB_LOW_TTL_RESET) {
        uint8_t ttl = wire->ttl;
        wire->ttl = LEASH;
        wire->time += small(wire);
        lab_wire_frame(wire, true, WIRE_RST, wire->client_next, NULL, 0);
        wire->ttl = ttl;
    }
}

/* The same place in the stream first with something harmless that dies on its way, then with what is meant. */
static void say_twice(struct lab_wire *wire, const uint8_t *bytes, size_t length)
{
    char harmless[SEGMENT];
    memset(harmless, 'x', sizeof harmless);
    size_t head = length < 6 ? length : 6;
    memcpy(harmless, "NOOP x", head);
    if (length >= 2)
        memcpy(harmless + length - 2, "\r\n", 2);
    uint8_t ttl = wire->ttl;
    wire->ttl = LEASH;
    lab_wire_frame(wire, true, WIRE_PUSH | WIRE_ACK, wire->client_next, harmless, length);
    wire->ttl = ttl;
    wire->time += small(wire);
    lab_wire_frame(wire, true, WIRE_PUSH | WIRE_ACK, wire->client_next, bytes, length);
}

/* The second half first, and the first half reaches into it. */
static void say_overlapped(struct lab_wire *wire, const uint8_t *bytes, size_t length)
{
    size_t half = length / 2, reach = half + (length - half) / 2;
    lab_wire_frame(wire, true, WIRE_PUSH | WIRE_ACK, wire->client_next + (uint32_t)half, bytes + half, length - half);
    wire->time += small(wire);
    lab_wire_frame(wire, true, WIRE_PUSH | WIRE_ACK, wire->client_next, bytes, reach);
}

static void send_segments(struct lab_wire *wire, bool from_client, const uint8_t *bytes, size_t length)
{
    uint32_t *next = from_client ? &wire->client_next : &wire->server_next;
    size_t most = !from_client && wire->trick == LAB_SLOW_REPLY && length < 200 ? 1 : SEGMENT;
    for (size_t done = 0; done < length;) {
        size_t part = length - done < most ? length - done : most;
        if (done > 0)
            wire->time += most == 1 ? 100 * MILLISECOND : 20 * MICROSECOND;
        if (from_client && part > 1 && wire->trick == LAB_OTHER_CONTENT)
            say_twice(wire, bytes + done, part);
        else if (from_client && part > 3 && wire->trick == LAB_OVERLAP)
            say_overlapped(wire, bytes + done, part);
        else
            lab_wire_frame(wire, from_client, WIRE_PUSH | WIRE_ACK, *next, bytes + done, part);
        *next += (uint32_t)part;
        done += part;
    }
}

/* What is said inside a record cannot be seen; its length can. */
static void send_record(struct lab_wire *wire, bool from_client, uint8_t type, size_t length)
{
    uint8_t record[16384 + 512];
    for (size_t done = 0; done < length || length == 0;) {
        size_t part = length - done < 16384 ? length - done : 16384, body = part + wire->overhead - 5;
        record[0] = type;
        put16(record + 1, 0x0303);
        put16(record + 3, (unsigned)body);
        for (size_t i = 0; i < body; i += 8) {
            uint64_t noise = lab_next(&wire->random);
            memcpy(record + 5 + i, &noise, 8);
        }
        send_segments(wire, from_client, record, 5 + body);
        done += part;
        if (length == 0)
            break;
    }
}

static void say(struct lab_wire *wire, bool from_client, const void *bytes, size_t length)
{
    if (wire->encrypted)
        send_record(wire, from_client, 23, length);
    else
        send_segments(wire, from_client, bytes, length);
}

void lab_wire_client(struct lab_wire *wire, duration pause, const void *bytes, size_t length)
{
    wire->time += pause + small(wire);
    say(wire, true, bytes, length);
}

void lab_wire_server(struct lab_wire *wire, duration pause, const void *bytes, size_t length)
{
    wire->time += wire->way + pause + small(wire);
    say(wire, false, bytes, length);
}

/* A client hello with the server's name; ciphers and groups follow from the software, so that its fingerprint does. */
static size_t write_hello(struct lab_wire *wire, const char *name, uint64_t software, uint8_t *at)
{
    uint8_t *begin = at;
    size_t name_length = strlen(name);
    struct lab_random library = {software};
    unsigned ciphers = 8 + (unsigned)lab_below(&library, 12), groups = 3 + (unsigned)lab_below(&library, 4);
    memcpy(at, (const uint8_t[]){22, 3, 1, 0, 0, 1, 0, 0, 0, 3, 3}, 11);
    at += 11;
    for (int i = 0; i < 4; i++, at += 8) {
        uint64_t noise = lab_next(&wire->random);
        memcpy(at, &noise, 8);
    }
    *at++ = 0; /* no session to take up again */
    put16(at, 2 * ciphers);
    at += 2;
    for (unsigned i = 0; i < ciphers; i++, at += 2)
        put16(at, i < 3 ? 0x1301 + i : 0xc000 + (unsigned)lab_below(&library, 0x40));
    *at++ = 1;
    *at++ = 0;
    uint8_t *extensions = at;
    at += 2;
    put16(at, 0);
    put16(at + 2, (unsigned)name_length + 5);
    put16(at + 4, (unsigned)name_length + 3);
    at[6] = 0;
    put16(at + 7, (unsigned)name_length);
    memcpy(at + 9, name, name_length);
    at += 9 + name_length;
    put16(at, 10);
    put16(at + 2, 2 * groups + 2);
    put16(at + 4, 2 * groups);
    at += 6;
    for (unsigned i = 0; i < groups; i++, at += 2)
        put16(at, 0x17 + (unsigned)lab_below(&library, 8));
    memcpy(at, (const uint8_t[]){0, 11, 0, 2, 1, 0, 0, 43, 0, 5, 4, 3, 4, 3, 3}, 15);
    at += 15;
    put16(extensions, (unsigned)(at - extensions) - 2);
    size_t length = (size_t)(at - begin);
    put16(begin + 3, (unsigned)length - 5);
    put16(begin + 7, (unsigned)length - 9);
    return length;
}

void lab_wire_encrypt(struct lab_wire *wire, const char *server_name, uint64_t software)
{
    uint8_t hello[1024];
    size_t length = write_hello(wire, server_name, software, hello);
    enum lab_trick trick = wire->trick;
    wire->trick = LAB_NO_TRICK;
    wire->overhead = 22 + 7 * (unsigned)(lab_mix(software, 9) & 1);
    wire->time += small(wire);
    send_segments(wire, true, hello, length);
    wire->time += wire->way;
    send_record(wire, false, 22, 100);
    static const uint8_t change[] = {20, 3, 3, 0, 1, 1};
    send_segments(wire, false, change, sizeof change);
    send_record(wire, false, 23, 2200 + lab_below(&wire->random, 1800));
    wire->time += 2 * MILLISECOND;
    send_segments(wire, true, change, sizeof change);
    send_record(wire, true, 23, 36);
    wire->encrypted = true;
    wire->trick = trick;
}

void lab_wire_close(struct lab_wire *wire)
{
    wire->time += small(wire);
    lab_wire_frame(wire, true, WIRE_FIN | WIRE_ACK, wire->client_next++, NULL, 0);
    wire->time += wire->way;
    lab_wire_frame(wire, false, WIRE_FIN | WIRE_ACK, wire->server_next++, NULL, 0);
    wire->time += small(wire);
    lab_wire_frame(wire, true, WIRE_ACK, wire->client_next, NULL, 0);
}

void lab_wire_out(struct lab_wire *wire, uint32_t messages, uint32_t recipients)
{
    if (wire->count > 0) {
        wire->packets[wire->count - 1].messages += messages;
        wire->packets[wire->count - 1].recipients += recipients;
    }
}
