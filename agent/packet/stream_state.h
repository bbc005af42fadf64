/* What the files named stream*.c share: how a stream lies in memory. Nobody else includes this.
 *
 * A stream is three cache lines, then the listener's room. A packet in order touches the first two and nothing else
 * of it, so they hold what finding and following a stream needs; the third holds what begins, ends and repairs it. */
#ifndef AGENT_PACKET_STREAM_STATE_H
#define AGENT_PACKET_STREAM_STATE_H

#include <assert.h>
#include <string.h>
#include "agent/packet/frame.h"
#include "agent/packet/stream.h"

/* Time in steps of 2^30 ns (1.07 s): enough for the order of age, and four bytes. */
typedef uint32_t coarse_moment;
static inline coarse_moment coarse_of(moment time)
{
    return (coarse_moment)((uint64_t)time >> 30);
}

/* Sequence numbers wrap: a is behind b by as much as their difference says (RFC 9293 3.4). */
static inline int32_t sequence_distance(uint32_t from, uint32_t to)
{
    return (int32_t)(to - from);
}

enum side_flag {
    SIDE_KNOWN = 1,    /* `next` means something */
    SIDE_ACKED = 2,    /* so does `acked` */
    SIDE_FIN = 4,      /* its FIN was passed */
    SIDE_SEEN = 8,     /* a packet of its own was seen */
    SIDE_STAMPED = 16, /* the client's segments have time stamps: `stamp` */
    SIDE_SHUT = 32,    /* the window that it offers is shut */
    SIDE_SUMMED = 128, /* its checksums are right, as far as they were looked at */
    SIDE_SHOWN = 64,   /* the server's packets came from beyond `next`: `shown` */
};

/* What one side has sent. */
struct side {
    uint32_t next;       /* sequence number of the next byte to be passed on */
    uint32_t acked;      /* what the other side has acknowledged of it last */
    uint32_t last_start; /* the latest bytes passed on: where they began, how many, and their check sum, so that a */
    uint32_t last_check; /* copy with other bytes is noticed */
    uint64_t bytes;      /* passed on, gaps included */
    uint16_t last_length;
    uint8_t flags;
    uint8_t usual_ttl; /* the client's */
    union {
        uint32_t stamp; /* the client's latest (RFC 7323) */
        uint32_t shown; /* what the server has sent, as its own packets say */
    };
};
static_assert(sizeof(struct side) == 32, "both sides in one cache line");

enum stream_flag {
    STREAM_SYN_SEEN = 1,
    STREAM_OPENED = 2,
    STREAM_CONFIRMED = 4, /* both sides have spoken: it stands among the confirmed, which no flood of SYNs pushes out */
    STREAM_TROUBLED = 8,  /* something is held or missed: `trouble` is there */
    STREAM_GAPPED = 16,
    STREAM_REFUSED = 32,
    STREAM_NEW_SYN = 64, /* a SYN with another number came: `new_syn` */
    STREAM_GUEST = 128,  /* on a guest's port: the client is the guest */
};

struct stream {
    uint32_t chain; /* the next one in its bucket; 0: none */
    uint32_t tag;   /* of its hash */
    uint8_t client[16], server[16];
    uint16_t client_port, server_port;
    uint32_t port;
    moment last;
    coarse_moment queued; /* when it was put into its list's young end */
    uint8_t family, flags, ttl_least, ttl_most;

    struct side sides[2];

    moment begun;
    moment new_syn_time;
    struct trouble *trouble;
    uint32_t older, younger;
    uint32_t new_syn;
    uint16_t vlan, share, conflicts;
    uint8_t client_mac[6], server_mac[6];
    bool being_cut : 1; /* a reset that is seen now was meant for one end at most, see streams_visit() */
    bool own : 1;       /* the client's own SYN was seen, now or before its reset: see stream_is_own() */
    uint8_t odd : 6;    /* enum origin_odd: of any of the client's packets */
    uint8_t doubted;
    uint64_t hash;
};
static_assert(sizeof(struct stream) == 192, "three cache lines");

/* Streams in order of age, by their place in the table; place 0 is none. */
struct stream_list {
    uint32_t oldest, youngest, count;
};

/* What one client (a guest's port, an IPv4 address, an IPv6 /64, by a keyed hash of it) has of the table: when places
 * or bytes run out, whoever has most of them pays. */
#define STREAM_SHARES 4096
struct stream_share {
    uint32_t streams;
    uint32_t held;
};

/* A stream that has ended, remembered for a minute so that its late packets do not look like a new one. */
enum farewell_kind {
    FAREWELL_NONE,
    FAREWELL_FIN,
    FAREWELL_RESET,
    FAREWELL_UNANSWERED,
    FAREWELL_LIVES /* it was reset, or not answered, for us alone: it goes on, though nothing was said since */
};
struct farewell {
    uint32_t tag;
    uint32_t next[2];
    uint16_t time; /* the end of a coarse_moment */
    uint8_t kind;
    bool own; /* see stream_is_own() */
};
static_assert(sizeof(struct farewell) == 16, "two fit into half a cache line");

struct streams {
    struct stream_settings settings;
    struct stream_listener listener;
    struct stream_counters counters;
    uint64_t mail_ports[65536 / 64];

    /* stream_table.c */
    void *memory;
    uint8_t *slab;
    size_t size; /* of a stream and its room */
    uint32_t *buckets, bucket_mask;
    uint32_t free, touched; /* first of the places given back; places ever used */
    uint32_t unconfirmed_most, confirmed_most;
    struct stream_list unconfirmed, confirmed;
    struct stream_share *shares;
    uint32_t heaviest; /* the share with most streams, as far as known */
    struct farewell *farewells;
    uint32_t farewell_mask;

    /* stream_end.c */
    moment latest; /* of all segments since the last tick, and of that */

    struct stream_calls *calls; /* stream_call.c */
    /* stream_order.c */
    struct trouble *oldest_trouble, *youngest_trouble;
};

static inline struct stream *stream_at(const struct streams *s, uint32_t place)
{
    return (struct stream *)(void *)(s->slab + (size_t)place * s->size);
}
static inline uint32_t stream_place(const struct streams *s, const struct stream *stream)
{
    return (uint32_t)((size_t)((const uint8_t *)stream - s->slab) / s->size);
}
static inline void *stream_room(struct stream *stream)
{
    return stream + 1;
}

/* stream_table.c: places, the hash, the lists in order of age, shares, farewells. */
int stream_table_create(struct streams *, struct error *) MUST_CHECK;
void stream_table_destroy(struct streams *);
uint64_t stream_table_hash(const struct streams *, const struct segment *);
/* Ask the memory for what finding that stream will touch, first its bucket, then itself; both cost nothing now.
 * `bytes`: there are some to be passed on, so the listener's room is touched as well, and what an observation says. */
void stream_table_fetch_bucket(const struct streams *, uint64_t hash);
void stream_table_fetch(const struct streams *, uint64_t hash, bool bytes);
/* The first in that stream's bucket, most often itself; NULL: none. */
static inline struct stream *stream_table_first(const struct streams *s, uint64_t hash)
{
    uint32_t place = s->buckets[hash & s->bucket_mask];
    return place != 0 ? stream_at(s, place) : NULL;
}
struct stream *stream_table_find(const struct streams *, uint64_t hash, const struct segment *, enum stream_side *);
/* The stream that must give way before another can be added, or NULL. */
struct stream *stream_table_crowded_out(struct streams *, bool confirmed);
/* A new one among the unconfirmed; there is a place, for stream_table_crowded_out() was asked. Zeroed but for its key,
 * which has the segment's source as `side`. */
struct stream *stream_table_add(struct streams *, uint64_t hash, const struct segment *, enum stream_side);
void stream_table_remove(struct streams *, struct stream *);
void stream_table_touch(struct streams *, struct stream *, coarse_moment now); /* to the young end */
void stream_table_confirm(struct streams *, struct stream *);
void stream_table_remember(struct streams *, const struct stream *, enum farewell_kind, moment);
struct farewell *stream_table_farewell(struct streams *, uint64_t hash, moment);

/* stream_order.c: putting bytes in order. */
struct piece;
bool stream_is_missing(const struct side *); /* the other side has acknowledged what was not seen */
void stream_order_add(struct streams *, struct stream *, enum stream_side, const struct piece *, moment);
uint32_t stream_order_end(const struct stream *, enum stream_side); /* behind the last byte passed on or held */
/* Time has come to `now`: give up holes that have become too old. */
void stream_order_tick(struct streams *, moment now);
/* Pass on all that is held, with gaps where something misses, and free what was needed for it. `over`: the stream is;
 * then also what is in doubt is passed on, while before that something better might still come in its place. */
void stream_order_flush(struct streams *, struct stream *, moment, bool over);

/* stream_held.c */
void trouble_clear(struct streams *, struct stream *); /* frees what is held, passes on nothing */
uint32_t stream_check(const struct streams *, struct text);

/* stream_end.c: how streams end. */
void stream_end(struct streams *, struct stream *, enum close_reason, enum farewell_kind, moment);
void stream_end_if_over(struct streams *, struct stream *, moment); /* both sides' FINs were passed */
void stream_make_place(struct streams *, bool confirmed, moment);   /* so that one more can be added */

/* The client is known to have made the connection: its own SYN was seen, or it went along when a server answered one
 * that was missed. Of any other it is believed as long as it answers nobody's call there; see stream_call.c. */
static inline bool stream_is_own(const struct stream *stream)
{
    const uint8_t went_along = STREAM_SYN_SEEN | STREAM_CONFIRMED;
    return stream->own || stream->flags & STREAM_NEW_SYN || (stream->flags & went_along) == went_along;
}

/* Its SYN was seen, and not that the connection came about. */
static inline bool stream_is_half_open(const struct stream *stream)
{
    return (stream->flags & (STREAM_SYN_SEEN | STREAM_OPENED)) == STREAM_SYN_SEEN;
}

/* stream.c: a segment of a stream that is there, neither SYN nor RST. */
void stream_receive(struct streams *, struct stream *, enum stream_side, const struct segment *);

/* stream_handshake.c */
struct stream *stream_begin(struct streams *, uint64_t hash, const struct segment *, enum stream_side, uint8_t flags);
void stream_open(struct streams *, struct stream *, moment);
void stream_take_syn(struct streams *, struct stream *, enum stream_side, uint64_t hash, const struct segment *);
void stream_take_syn_ack(struct streams *, struct stream *, enum stream_side, uint64_t hash, const struct segment *);
void stream_take_reset(struct streams *, struct stream *, enum stream_side, const struct segment *);

/* ---- what every segment does ---- */

/* The first one of its side. */
static inline void stream_note_sender(struct stream *stream, enum stream_side side, const struct segment *segment)
{
    struct side *own = &stream->sides[side];
    if (!(own->flags & SIDE_SEEN)) {
        own->flags |= SIDE_SEEN;
        if (segment->source_mac) {
            memcpy(side == STREAM_CLIENT ? stream->client_mac : stream->server_mac, segment->source_mac, 6);
        }
        if (side == STREAM_CLIENT) {
            stream->vlan = segment->vlan;
            stream->ttl_least = stream->ttl_most = segment->time_to_live;
            stream->odd = segment->odd & 0x3f;
        }
    }
}

/* Each one. */
static inline void stream_note_packet(struct streams *s, struct stream *stream, enum stream_side side,
                                      const struct segment *segment)
{
    if (side == STREAM_CLIENT) {
        if (segment->time_to_live < stream->ttl_least) {
            stream->ttl_least = segment->time_to_live;
        }
        if (segment->time_to_live > stream->ttl_most) {
            stream->ttl_most = segment->time_to_live;
        }
        if (segment->odd != 0) {
            stream->odd |= segment->odd & 0x3f;
        }
    }
    stream->last = segment->time;
    /* The list of ages is put in order now and then: each second where places are short, else less often. */
    if (stream->flags & STREAM_CONFIRMED) {
        coarse_moment now = coarse_of(segment->time);
        if (now > stream->queued && (now - stream->queued > coarse_of(s->settings.idle) / 8 ||
                                     s->confirmed.count > s->confirmed_most / 4 * 3)) {
            stream_table_touch(s, stream, now);
        }
    }
}

static inline void stream_note_doubted(struct stream *stream)
{
    stream->doubted += stream->doubted < UINT8_MAX;
}

/* The sequence number that follows the SYN of that side. */
static inline uint32_t side_first(const struct side *side)
{
    return side->next - (uint32_t)side->bytes - ((side->flags & SIDE_FIN) != 0);
}

static inline void stream_pass(struct streams *s, struct stream *stream, enum stream_side side, struct text bytes,
                               moment time)
{
    struct side *own = &stream->sides[side];
    own->last_start = own->next;
    own->last_length = bytes.length <= UINT16_MAX ? (uint16_t)bytes.length : 0;
    own->last_check = stream_check(s, bytes);
    own->next += (uint32_t)bytes.length;
    own->bytes += bytes.length;
    s->listener.bytes(s->listener.context, stream, stream_room(stream), side, bytes, time);
}

#endif
