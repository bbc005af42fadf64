/* A capture of one sender that opens 8,000 connections a second for a while, and of forty others whose mail goes on.
 *
 *     flood_trace 4|6 SECONDS > FILE.pcap
 *
 * Of the flooder's connections a third is never answered, a third is greeted and reset, a third is answered and never
 * heard of again. With 4 it has one address (198.18.0.1), with 6 a new one of its /64 (2001:db8:bad::/64) each time.
 * Each of the others (198.18.1.1 ...) sends a message every eight seconds. On standard error: what each of them did. */
#include <stdbool.h>
#include <stdlib.h>
#include "tests/bench/trace_packet.h"

#define RATE    8000
#define OTHERS  40
#define EVERY   8000000 /* microseconds between two messages of one sender */
#define SERVERS 200
#define BEGIN   UINT64_C(1764500000000000)
#define STEP    15000 /* microseconds from one packet of a dialogue to the next */
#define RESET   4     /* beside FIN, SYN ... of trace_packet.h */

/* What a sender of the forty says and hears; the same each time but for the numbers. */
static const struct {
    uint8_t from_client, flags;
    const char *text;
} dialogue[] = {
    {1, SYN, ""},
    {0, SYN | ACK, ""},
    {1, ACK, ""},
    {0, ACK | PSH, "220 mx.partner.net ESMTP\r\n"},
    {1, ACK | PSH, "EHLO mail.firm.net\r\n"},
    {0, ACK | PSH, "250-mx.partner.net\r\n250 PIPELINING\r\n"},
    {1, ACK | PSH, "MAIL FROM:<anna@firm.net>\r\n"},
    {0, ACK | PSH, "250 2.1.0 Ok\r\n"},
    {1, ACK | PSH, "RCPT TO:<ben@partner.net>\r\n"},
    {0, ACK | PSH, "250 2.1.5 Ok\r\n"},
    {1, ACK | PSH, "DATA\r\n"},
    {0, ACK | PSH, "354 End data with <CR><LF>.<CR><LF>\r\n"},
    {1, ACK | PSH, "Subject: the minutes\r\n\r\nas promised\r\n.\r\n"},
    {0, ACK | PSH, "250 2.0.0 Ok: queued\r\n"},
    {1, ACK | PSH, "QUIT\r\n"},
    {0, ACK | PSH, "221 2.0.0 Bye\r\n"},
    {1, FIN | ACK, ""},
    {0, FIN | ACK, ""},
    {1, ACK, ""},
};
#define LENGTH (sizeof dialogue / sizeof *dialogue)

struct other {
    struct side client, server;
    size_t step;
    uint64_t next; /* when its next packet is due */
    unsigned messages;
};

static void set_address(struct side *side, const uint8_t bytes[4], uint16_t port, uint32_t sequence)
{
    memset(side->address, 0, sizeof side->address);
    memcpy(side->address, bytes, 4);
    side->port = port;
    side->sequence = sequence;
}

static void say(struct other *other)
{
    bool client = dialogue[other->step].from_client;
    uint8_t flags = dialogue[other->step].flags;
    const char *text = dialogue[other->step].text;
    struct side *from = client ? &other->client : &other->server, *to = client ? &other->server : &other->client;
    write_tcp(stdout, other->next, 4, from, to, from->sequence, to->sequence, flags, text, strlen(text));
    from->sequence += (uint32_t)strlen(text) + ((flags & (SYN | FIN)) != 0);
}

/* All that is due of the others until then. A conversation that would outlast the end is not begun. */
static void others_until(struct other *others, uint64_t time, uint64_t end)
{
    for (unsigned i = 0; i < OTHERS; i++) {
        struct other *other = &others[i];
        while (other->next <= time && (other->step > 0 || other->next + LENGTH * STEP < end)) {
            if (other->step == 0) {
                const uint8_t server[] = {198, 19, 1, (uint8_t)(1 + (i + other->messages) % 3)};
                const uint8_t client[] = {198, 18, 1, (uint8_t)(1 + i)};
                set_address(&other->client, client, (uint16_t)(30000 + other->messages), other->messages * 99999);
                set_address(&other->server, server, 25, other->messages * 77777);
            }
            say(other);
            other->next += STEP;
            if (++other->step == LENGTH) {
                other->step = 0;
                other->messages++;
                other->next += EVERY - LENGTH * STEP;
            }
        }
    }
}

static void flooder_opens(uint8_t family, uint32_t number, uint64_t time)
{
    static const char greeting[] = "220 mx.partner.net ESMTP\r\n";
    const uint8_t one[] = {198, 18, 0, 1}, many[] = {198, 19, 0, (uint8_t)(number % SERVERS)};
    struct side client, server;
    set_address(&client, one, (uint16_t)(1024 + number / SERVERS % 60000), number * 31);
    set_address(&server, many, 25, number * 17);
    if (family == 6) {
        const uint8_t prefix[] = {0x20, 1, 0x0d, 0xb8, 0x0b, 0xad, 0, 0}, world[] = {0x20, 1, 0x0d, 0xb8, 0, 1, 0, 0};
        memcpy(client.address, prefix, 8);
        memcpy(server.address, world, 8);
        put32(client.address + 12, number * 2654435761U); /* it jumps about in its prefix */
        put32(server.address + 12, number % SERVERS);
    }
    write_tcp(stdout, time, family, &client, &server, client.sequence, 0, SYN, "", 0);
    if (number % 3 == 0)
        return;
    write_tcp(stdout, time + 1, family, &server, &client, server.sequence, client.sequence + 1, SYN | ACK, "", 0);
    write_tcp(stdout, time + 2, family, &client, &server, client.sequence + 1, server.sequence + 1, ACK, "", 0);
    if (number % 3 == 1)
        return;
    write_tcp(stdout, time + 3, family, &server, &client, server.sequence + 1, client.sequence + 1, ACK | PSH, greeting,
              sizeof greeting - 1);
    write_tcp(stdout, time + 4, family, &client, &server, client.sequence + 1, 0, RESET, "", 0);
}

int main(int count, char **words)
{
    static struct other others[OTHERS];
    uint8_t family = count == 3 ? (uint8_t)atoi(words[1]) : 0;
    uint32_t seconds = count == 3 ? (uint32_t)atoi(words[2]) : 0;
    if ((family != 4 && family != 6) || seconds == 0) {
        fputs("usage: flood_trace 4|6 SECONDS > FILE.pcap\n", stderr);
        return 2;
    }
    const uint32_t header[6] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 1};
    uint64_t end = BEGIN + seconds * UINT64_C(1000000);
    fwrite(header, sizeof header, 1, stdout);
    for (unsigned i = 0; i < OTHERS; i++)
        others[i].next = BEGIN + i * (EVERY / OTHERS);
    for (uint32_t number = 0; number < seconds * RATE; number++) {
        uint64_t time = BEGIN + number * UINT64_C(1000000) / RATE;
        others_until(others, time, end);
        flooder_opens(family, number, time);
    }
    others_until(others, end, end);
    fprintf(stderr, "{\"flood\":%u,\"answered\":%u,\"messages\":[", seconds * RATE,
            seconds * RATE - (seconds * RATE + 2) / 3);
    for (unsigned i = 0; i < OTHERS; i++)
        fprintf(stderr, "%s%u", i ? "," : "", others[i].messages);
    fputs("]}\n", stderr);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
