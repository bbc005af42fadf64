/* Packets of a made trace: Ethernet, IP and the segment with right checksums, as a record of a pcap file. */
#ifndef TESTS_BENCH_TRACE_PACKET_H
#define TESTS_BENCH_TRACE_PACKET_H

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { MSS = 1448 };
enum { FIN = 1, SYN = 2, PSH = 8, ACK = 16 };

struct side {
    uint8_t address[16];
    uint16_t port;
    uint32_t sequence;
};

static uint32_t sum_up(uint32_t sum, const uint8_t *bytes, size_t length)
{
    uint64_t wide = sum;
    for (; length >= 4; bytes += 4, length -= 4) {
        uint32_t word;
        memcpy(&word, bytes, 4);
        wide += word;
    }
    uint32_t rest = 0;
    memcpy(&rest, bytes, length);
    wide += rest;
    wide = (wide & UINT32_MAX) + (wide >> 32);
    wide = (wide & UINT32_MAX) + (wide >> 32);
    return (uint32_t)((wide & 0xffff) + (wide >> 16 & 0xffff));
}

static uint16_t fold(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
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

static size_t put_ip(uint8_t *ip, uint8_t family, uint8_t protocol, const struct side *from, const struct side *to,
                     size_t length)
{
    if (family == 6) {
        memset(ip, 0, 8);
        ip[0] = 0x60;
        put16(ip + 4, (uint32_t)length);
        ip[6] = protocol;
        ip[7] = 64;
        memcpy(ip + 8, from->address, 16);
        memcpy(ip + 24, to->address, 16);
        return 40;
    }
    memset(ip, 0, 20);
    ip[0] = 0x45;
    put16(ip + 2, (uint32_t)length + 20);
    ip[6] = 0x40; /* do not fragment */
    ip[8] = 64;
    ip[9] = protocol;
    memcpy(ip + 12, from->address, 4);
    memcpy(ip + 16, to->address, 4);
    uint16_t sum = fold(sum_up(0, ip, 20));
    memcpy(ip + 10, &sum, 2);
    return 20;
}

/* Ethernet, IP, and `segment` with its checksum (at `checksum_at`) put right, into the file. */
static void write_packet(FILE *file, uint64_t time, uint8_t family, uint8_t protocol, const struct side *from,
                         const struct side *to, uint8_t *segment, size_t length, size_t checksum_at)
{
    struct {
        uint32_t seconds, microseconds, captured, length;
    } record;
    uint8_t head[54] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
    size_t size = family == 4 ? 4 : 16;
    uint32_t sum = sum_up(0, from->address, size) + sum_up(0, to->address, size) + htons(protocol);
    sum = protocol == 1 ? 0 : sum + htons((uint16_t)length); /* IPv4's ICMP sums nothing but itself */
    memset(segment + checksum_at, 0, 2);
    uint16_t checksum = fold(sum_up(0, segment, length) + sum);
    memcpy(segment + checksum_at, &checksum, 2);
    put16(head + 12, family == 4 ? 0x0800 : 0x86dd);
    size_t head_length = 14 + put_ip(head + 14, family, protocol, from, to, length);
    record.seconds = (uint32_t)(time / 1000000);
    record.microseconds = (uint32_t)(time % 1000000);
    record.captured = record.length = (uint32_t)(head_length + length);
    fwrite(&record, sizeof record, 1, file);
    fwrite(head, head_length, 1, file);
    fwrite(segment, length, 1, file);
}

static void write_tcp(FILE *file, uint64_t time, uint8_t family, const struct side *from, const struct side *to,
                      uint32_t sequence, uint32_t acknowledged, uint8_t flags, const char *payload, size_t length)
{
    uint8_t segment[60 + MSS] = {0};
    put16(segment, from->port);
    put16(segment + 2, to->port);
    put32(segment + 4, sequence);
    put32(segment + 8, flags & ACK ? acknowledged : 0);
    segment[13] = flags;
    put16(segment + 14, 64240);
    size_t options = 12;
    static const uint8_t syn_options[20] = {2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7};
    static const uint8_t stamps[12] = {1, 1, 8, 10, 0, 0, 0, 2, 0, 0, 0, 1};
    if (flags & SYN)
        options = sizeof syn_options;
    memcpy(segment + 20, flags & SYN ? syn_options : stamps, options);
    segment[12] = (uint8_t)((20 + options) << 2);
    if (length)
        memcpy(segment + 20 + options, payload, length);
    write_packet(file, time, family, 6, from, to, segment, 20 + options + length, 16);
}

#endif
