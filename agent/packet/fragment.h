/* Fragments of IPv4 and IPv6 datagrams until they are whole (RFC 815, RFC 8200 4.5). Overlaps: the first copy wins for
 * IPv4, as in Linux' queue a later overlap is not taken; an IPv6 datagram with overlapping fragments is dropped whole
 * (RFC 5722). Bounded in number and bytes; the oldest gives way; a datagram is given up after 30 s. */
#ifndef AGENT_PACKET_FRAGMENT_H
#define AGENT_PACKET_FRAGMENT_H

#include <stdbool.h>
#include <stdint.h>
#include "common/error.h"
#include "common/moment.h"
#include "common/siphash.h"
#include "common/text.h"

struct fragments;

struct fragment_counters {
    uint64_t fragments, whole, expired, evicted, overlapping, malformed;
};

struct fragment_key {
    uint8_t family, protocol;
    uint8_t reserved[2];
    uint32_t identification;
    uint8_t source[16], target[16];
};

/* `datagrams`: how many can be incomplete at once (each up to 64 kB). */
struct fragments *fragments_create(uint32_t datagrams, const struct siphash_key *);
void fragments_destroy(struct fragments **);

/* True: the datagram is whole and *whole holds its payload (behind the IP headers), borrowed until the next call. */
bool fragments_add(struct fragments *, const struct fragment_key *, moment, uint32_t offset, bool more,
                   struct text bytes, struct text *whole);
struct fragment_counters fragments_counters(const struct fragments *);

#endif
