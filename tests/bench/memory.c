/* Resident bytes of an idle connection in the whole packet path, after handshake, banner, EHLO and its replies.
 *
 *     memory STREAMS            prints one line of JSON
 *
 * What the path takes when it is created and what STREAMS connections add are measured apart, by the pages that the
 * kernel counts for this process. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "agent/packet/session.h"

enum { HEADERS = 14 + 20 + 20 };

static size_t resident(void)
{
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%*u %llu", &pages) != 1)
        exit(1);
    fclose(file);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value);
}

struct connection {
    uint32_t number, client_sequence, server_sequence;
    moment time;
};

static void send_segment(struct packet_path *path, struct connection *connection, bool from_client, uint8_t flags,
                         const char *text)
{
    uint8_t bytes[512] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45};
    size_t length = strlen(text);
    uint8_t *ip = bytes + 14, *tcp = ip + 20;
    uint8_t *client = ip + (from_client ? 12 : 16), *server = ip + (from_client ? 16 : 12);
    uint32_t *own = from_client ? &connection->client_sequence : &connection->server_sequence;
    uint32_t other = from_client ? connection->server_sequence : connection->client_sequence;

    put16(ip + 2, (uint32_t)(40 + length));
    ip[8] = 64, ip[9] = 6;
    put32(client, (uint32_t)10 << 24 | connection->number / 50000);
    put32(server, (uint32_t)198 << 24 | 18 << 16 | 7);
    uint32_t sum = 0;
    for (int i = 0; i < 20; i += 2)
        sum += (uint32_t)ip[i] << 8 | ip[i + 1];
    put16(ip + 10, ~(sum + (sum >> 16)));
    put16(tcp + (from_client ? 0 : 2), 10000 + connection->number % 50000);
    put16(tcp + (from_client ? 2 : 0), 25);
    put32(tcp + 4, *own);
    put32(tcp + 8, flags & 16 ? other : 0);
    tcp[12] = 5 << 4, tcp[13] = flags;
    put16(tcp + 14, 64240);
    memcpy(tcp + 20, text, length);
    *own += (uint32_t)length + (flags & 2 ? 1 : 0);
    struct frame frame = {.time = connection->time,
                          .bytes = bytes,
                          .captured = (uint32_t)(HEADERS + length),
                          .length = (uint32_t)(HEADERS + length),
                          .link = LINK_ETHERNET,
                          .checksum = FRAME_CHECKSUM_OPEN};
    packet_path_add(path, &frame);
}

static void open_idle(struct packet_path *path, uint32_t number, moment time)
{
    enum { SYN = 2, ACK = 16, PSH = 8 };
    struct connection connection = {number, number * 2654435761u, number * 40503u, time};
    send_segment(path, &connection, true, SYN, "");
    send_segment(path, &connection, false, SYN | ACK, "");
    send_segment(path, &connection, true, ACK, "");
    send_segment(path, &connection, false, ACK | PSH, "220 mx.example.org ESMTP Postfix\r\n");
    send_segment(path, &connection, true, ACK | PSH, "EHLO mail.customer.example.net\r\n");
    send_segment(path, &connection, false, ACK | PSH,
                 "250-mx.example.org\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250-STARTTLS\r\n250 SMTPUTF8\r\n");
    send_segment(path, &connection, true, ACK, "");
}

static void observe(void *context, const struct observation *observation)
{
    (void)observation;
    ++*(unsigned long long *)context;
}

int main(int count, char **arguments)
{
    uint32_t wanted = count == 2 ? (uint32_t)strtoul(arguments[1], NULL, 10) : 0;
    unsigned long long observations = 0;
    struct error error = {0};
    if (wanted == 0) {
        fprintf(stderr, "usage: memory STREAMS\n");
        return 2;
    }
    struct packet_settings settings = {
        .streams = {.streams = wanted + wanted / 2,
                    .bytes_held = 64 << 20,
                    .bytes_per_stream = 256 << 10,
                    .opening = MINUTE,
                    .idle = HOUR,
                    .ports = {25, 465, 587, 2525},
                    .key = {{1, 2}}},
        .fragmented_datagrams = 64,
    };
    struct packet_listener listener = {.context = &observations, .observe = observe};
    size_t start = resident();
    struct packet_path *path = packet_path_create(&settings, &listener, &error);
    if (!path) {
        fprintf(stderr, "memory: %s\n", error.text);
        return 1;
    }
    size_t empty = resident();
    for (uint32_t i = 0; i < wanted; i++)
        open_idle(path, i, 1000 * SECOND + i * MICROSECOND);
    size_t full = resident();
    struct packet_counters counters = packet_path_counters(path);
    printf("{\"streams\":%u,\"open\":%llu,\"observations\":%llu,\"empty\":%zu,\"full\":%zu,\"each\":%.1f}\n", wanted,
           (unsigned long long)counters.streams.open_now, observations, empty - start, full - start,
           (double)(full - start) / wanted);
    packet_path_destroy(&path);
    return counters.streams.open_now == wanted ? 0 : 1;
}
