/* Fragments of IPv4 and IPv6 datagrams until they are whole (RFC 815, RFC 8200 4.5). Overlaps: the first copy wins for
 * IPv4, as in Linux' queue a later overlap is not taken; an IPv6 datagram with overlapping fragments is dropped whole
 * (RFC 5722), what still comes of it included. Bounded in number and bytes; the oldest gives way; a datagram is given
 * up after 30 s. */
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
    uint64_t fragments;   /* all that came */
    uint64_t whole;       /* datagrams completed */
    uint64_t expired;     /* datagrams given up after 30 s */
    uint64_t evicted;     /* datagrams given up for want of room */
    uint64_t overlapping; /* fragments that overlap others, or repeat them with other content */
    uint64_t malformed;   /* fragments that no datagram can hold */
    uint64_t cut;         /* fragments that the snap length cut: their datagram cannot become whole */
};

/* What tells datagrams apart. IPv6 does not count the protocol in (RFC 8200 4.5): leave it zero there. */
struct fragment_key {
    uint8_t family, protocol;
    uint8_t reserved[2];
    uint32_t identification;
    uint32_t port; /* the capture position: a guest's fragments never complete another's datagram */
    uint8_t source[16], target[16];
};

struct fragment {
    moment time;
    uint32_t offset; /* bytes */
    bool more;
    uint8_t protocol; /* that of the fragment with offset 0 holds */
    struct text bytes;
};

/* `datagrams`: how many can be incomplete at once (each up to 64 kB). NULL: no memory. */
struct fragments *fragments_create(uint32_t datagrams, const struct siphash_key *);
void fragments_destroy(struct fragments **);

/* True: the datagram is whole, *whole holds its payload (behind the IP headers), borrowed until the next call, and
 * *protocol says what it is. */
bool fragments_add(struct fragments *, const struct fragment_key *, const struct fragment *, struct text *whole,
                   uint8_t *protocol);
/* Whether fragments of the datagram that was lent last overlapped: Linux refuses such a one, others take it. */
bool fragments_overlapped(const struct fragments *);
/* Whether one of them, not the last, was shorter than any link makes them (RFC 791 3.2 lets no link have less than 68
 * bytes, none in use has less than 296). */
bool fragments_tiny(const struct fragments *);
void fragments_count_cut(struct fragments *);
struct fragment_counters fragments_counters(const struct fragments *);

#endif
