/* Bytes that wait for their turn, and what a stream needs meanwhile; shared by stream_held.c and stream_order.c. */
#ifndef AGENT_PACKET_STREAM_HELD_H
#define AGENT_PACKET_STREAM_HELD_H

#include "agent/packet/stream_state.h"

/* A part of what one side sends: bytes, then what the snap length cut off, then the FIN. */
struct piece {
    uint32_t sequence;
    uint32_t acknowledged; /* what its sender had of the other side when it sent this */
    struct text bytes;
    uint32_t missing;
    bool fin;
    uint16_t doubt; /* enum stream_doubt: it may be ignored by its receiver */
};

static inline uint32_t piece_span(const struct piece *piece)
{
    return (uint32_t)piece->bytes.length + piece->missing + piece->fin;
}

static inline struct piece piece_front(const struct piece *piece, uint32_t span)
{
    struct piece front = *piece;
    if (span >= piece_span(piece)) {
        return front;
    }
    front.fin = false;
    if (span < front.bytes.length) {
        front.bytes.length = span;
    }
    front.missing = span - (uint32_t)front.bytes.length;
    return front;
}

static inline void piece_drop_front(struct piece *piece, uint32_t span)
{
    piece->sequence += span;
    uint32_t bytes = span < piece->bytes.length ? span : (uint32_t)piece->bytes.length;
    piece->bytes.bytes += bytes;
    piece->bytes.length -= bytes;
    span -= bytes;
    uint32_t missing = span < piece->missing ? span : piece->missing;
    piece->missing -= missing;
    piece->fin = piece->fin && span == missing;
}

/* Bytes that came before their turn; RFC 9293 calls it the reassembly queue. */
struct held {
    struct held *next;
    uint32_t sequence, acknowledged, length, missing;
    uint32_t room; /* for bytes; what was taken off since is not given back before the rest */
    uint16_t doubt;
    bool fin;
    uint8_t bytes[];
};

static inline uint32_t held_span(const struct held *held)
{
    return held->length + held->missing + held->fin;
}

/* Where a side's bytes do not go on: since when (or since when the other side has them), and how many segments of the
 * stream came after. */
struct hole {
    bool open, acknowledged;
    uint32_t segments;
    moment since;
};

/* What a stream needs while something is held or missed, and only then. */
struct trouble {
    struct trouble *older, *younger;
    struct stream *stream;
    struct held *first[2], *last[2];
    struct hole holes[2];
    moment seen[2];
    uint32_t held; /* bytes of memory */
};

static inline enum stream_side stream_other(enum stream_side side)
{
    return side == STREAM_CLIENT ? STREAM_SERVER : STREAM_CLIENT;
}

/* The trouble of a stream, made where there is none; NULL: no memory. */
struct trouble *trouble_of(struct streams *, struct stream *, moment);

/* Hold what of the piece is not held yet, and what is likelier to be taken than what is held in its place. False: the
 * bounds or memory forbid to hold all of it. */
bool held_add(struct streams *, struct stream *, enum stream_side, struct piece, moment);
/* The first `span` of what is held of that side was passed on, or is not wanted any more. */
void held_drop_front(struct streams *, struct stream *, enum stream_side, uint32_t span);
struct piece held_piece(const struct held *); /* borrows its bytes */

/* Count a copy that differs from what was passed on, or is held. */
void stream_compare_passed(struct streams *, struct stream *, const struct side *, const struct piece *);
void stream_compare_held(struct streams *, struct stream *, const struct held *, const struct piece *);

#endif
