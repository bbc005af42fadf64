/* TCP streams: the life of a connection (RFC 9293), from the segments of both directions.
 *
 * A segment's ports say first whether it is mail at all, then on which side its sender stands. The common one, in order
 * and without a flag, goes straight through; the others are taken one question at a time: does it begin, answer, end a
 * connection, is it late, is it out of order (stream_order.c).
 *
 * A sender can write what it likes, so nothing is believed that the other end would not believe: a SYN on an open
 * connection counts once it is answered, a reset must fall into the window and is taken back when the other side goes
 * on acknowledging, a FIN when data follow in its place, a SYN-ACK nobody asked for opens nothing. */
#include "agent/packet/stream_held.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RESET_WINDOW UINT32_C(65536) /* how far from the expected number a reset may lie */
#define OLD_TUPLE    (60 * SECOND)   /* a SYN begins a new connection at once where the old was silent for so long */
#define HANDSHAKE_WINDOW                                                                                               \
    (UINT32_C(1) << 20) /* how far behind its SYN the first packet seen of a connection may lie                        \
                         */
#define FLAGS_OF_USE (SEGMENT_FIN | SEGMENT_SYN | SEGMENT_RST | SEGMENT_ACK)

struct streams *streams_create(const struct stream_settings *settings, const struct stream_listener *listener,
                               struct error *error)
{
    if (settings->streams == 0 || settings->streams > UINT32_C(1) << 30) {
        error_set(error, EINVAL, "%u streams: 1 to %u can be followed", settings->streams, UINT32_C(1) << 30);
        return NULL;
    }
    struct streams *s = calloc(1, sizeof *s);
    if (!s) {
        error_set(error, ENOMEM, "no memory for streams");
        return NULL;
    }
    s->settings = *settings;
    s->listener = *listener;
    for (int i = 0; i < 16 && settings->ports[i] != 0; i++) {
        s->mail_ports[settings->ports[i] / 64] |= UINT64_C(1) << settings->ports[i] % 64;
    }
    if (stream_table_create(s, error) < 0) {
        streams_destroy(&s);
    }
    return s;
}

void streams_destroy(struct streams **streams)
{
    struct streams *s = *streams;
    if (s) {
        while (s->oldest_trouble) {
            trouble_clear(s, s->oldest_trouble->stream);
        }
        stream_table_destroy(s);
        free(s);
        *streams = NULL;
    }
}

/* ---- beginning ---- */

static bool is_wanted(struct streams *s, const struct segment *segment, enum stream_side side)
{
    if (!s->listener.wanted) {
        return true;
    }
    const uint8_t *client = side == STREAM_CLIENT ? segment->source : segment->target;
    struct address address = segment->family == 4 ? address_from_ipv4(client) : address_from_ipv6(client);
    return s->listener.wanted(s->listener.context, &address);
}

static struct stream *begin_stream(struct streams *s, uint64_t hash, const struct segment *segment,
                                   enum stream_side side, uint8_t flags)
{
    stream_make_place(s, false, segment->time);
    struct stream *stream = stream_table_add(s, hash, segment, side);
    stream->flags |= flags;
    if (s->listener.begun) {
        s->listener.begun(s->listener.context, stream, stream_room(stream));
    }
    return stream;
}

static void open_stream(struct streams *s, struct stream *stream, moment time)
{
    stream->flags |= STREAM_OPENED;
    s->counters.opened++;
    if (s->listener.opened) {
        s->listener.opened(s->listener.context, stream, stream_room(stream), time);
    }
}

static void confirm_stream(struct streams *s, struct stream *stream, moment time)
{
    stream_make_place(s, true, time);
    stream_table_confirm(s, stream);
}

/* ---- every segment of a stream that is there ---- */

static void note_sender(struct stream *stream, enum stream_side side, const struct segment *segment)
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
        }
    }
}

static void note_packet(struct streams *s, struct stream *stream, enum stream_side side, const struct segment *segment)
{
    if (side == STREAM_CLIENT) {
        if (segment->time_to_live < stream->ttl_least) {
            stream->ttl_least = segment->time_to_live;
        }
        if (segment->time_to_live > stream->ttl_most) {
            stream->ttl_most = segment->time_to_live;
        }
    }
    stream->last = segment->time;
    /* The list of ages is put in order now and then: each second where places are short, else less often. */
    if (stream->flags & STREAM_CONFIRMED) {
        coarse_moment now = coarse_of(segment->time);
        bool crowded = s->confirmed.count > s->confirmed_most / 4 * 3;
        if (now - stream->queued > (crowded ? 0 : coarse_of(s->settings.idle) / 8) && now > stream->queued) {
            stream_table_touch(s, stream, now);
        }
    }
}

/* The sequence number that follows the SYN of that side. */
static uint32_t side_first(const struct side *side)
{
    return side->next - (uint32_t)side->bytes - ((side->flags & SIDE_FIN) != 0);
}

/* ---- SYN ---- */

static struct stream *begin_with_syn(struct streams *s, uint64_t hash, const struct segment *segment)
{
    struct stream *stream = begin_stream(s, hash, segment, STREAM_CLIENT, STREAM_SYN_SEEN);
    note_sender(stream, STREAM_CLIENT, segment);
    stream->sides[STREAM_CLIENT].next = segment->sequence + 1;
    stream->sides[STREAM_CLIENT].flags |= SIDE_KNOWN;
    return stream;
}

/* A SYN on a tuple that is known: again, or anew? Returns the stream whose SYN it is, NULL: to be forgotten. */
static struct stream *take_syn_again(struct streams *s, struct stream *stream, uint64_t hash,
                                     const struct segment *segment)
{
    struct side *client = &stream->sides[STREAM_CLIENT];
    bool same = (client->flags & SIDE_KNOWN) && (stream->flags & STREAM_SYN_SEEN) &&
                side_first(client) == segment->sequence + 1;
    if (same) {
        note_packet(s, stream, STREAM_CLIENT, segment);
        return stream;
    }
    bool over = !(stream->flags & (STREAM_OPENED | STREAM_CONFIRMED)) ||
                ((stream->sides[0].flags | stream->sides[1].flags) & SIDE_FIN) ||
                segment->time - stream->last > OLD_TUPLE;
    if (over) {
        stream_end(s, stream, CLOSE_TIMEOUT, FAREWELL_NONE, segment->time);
        return begin_with_syn(s, hash, segment);
    }
    stream->flags |= STREAM_NEW_SYN;
    stream->new_syn = segment->sequence;
    stream->new_syn_time = segment->time;
    return NULL;
}

static void receive(struct streams *, struct stream *, enum stream_side, const struct segment *);

static void take_syn(struct streams *s, struct stream *stream, enum stream_side side, uint64_t hash,
                     const struct segment *segment)
{
    if (side == STREAM_SERVER) {
        return; /* both ends open at once: nobody does that with mail */
    }
    if (stream) {
        stream = take_syn_again(s, stream, hash, segment);
    } else {
        struct farewell *farewell = stream_table_farewell(s, hash, segment->time);
        if (farewell && farewell->kind == FAREWELL_UNANSWERED &&
            farewell->next[STREAM_CLIENT] == segment->sequence + 1) {
            farewell->time = (uint16_t)coarse_of(segment->time); /* still trying, was counted when it was given up */
            return;
        }
        if (farewell) {
            farewell->kind = FAREWELL_NONE;
        }
        stream = begin_with_syn(s, hash, segment);
    }
    if (stream && (segment->payload.length > 0 || segment->missing > 0)) { /* RFC 7413 */
        struct segment data = *segment;
        data.sequence++;
        data.flags &= (uint8_t)~SEGMENT_SYN;
        receive(s, stream, STREAM_CLIENT, &data);
    }
}

static void answer(struct streams *s, struct stream *stream, const struct segment *segment)
{
    struct side *server = &stream->sides[STREAM_SERVER];
    server->next = segment->sequence + 1;
    server->flags |= SIDE_KNOWN;
    note_sender(stream, STREAM_SERVER, segment);
    note_packet(s, stream, STREAM_SERVER, segment);
    stream->sides[STREAM_CLIENT].acked = segment->acknowledged;
    stream->sides[STREAM_CLIENT].flags |= SIDE_ACKED;
}

static void take_syn_ack(struct streams *s, struct stream *stream, enum stream_side side, uint64_t hash,
                         const struct segment *segment)
{
    if (side == STREAM_CLIENT) {
        return;
    }
    if (stream && (stream->flags & STREAM_NEW_SYN) && segment->acknowledged == stream->new_syn + 1) {
        uint32_t sequence = stream->new_syn;
        moment begun = stream->new_syn_time;
        struct stream old = *stream;
        stream_end(s, stream, CLOSE_TIMEOUT, FAREWELL_NONE, segment->time);
        stream = begin_stream(s, hash, segment, STREAM_SERVER, STREAM_SYN_SEEN);
        stream->begun = begun;
        stream->sides[STREAM_CLIENT].next = sequence + 1;
        stream->sides[STREAM_CLIENT].flags |= SIDE_KNOWN | SIDE_SEEN;
        memcpy(stream->client_mac, old.client_mac, sizeof old.client_mac);
        stream->vlan = old.vlan;
        stream->ttl_least = old.ttl_least;
        stream->ttl_most = old.ttl_most;
    }
    if (stream && stream_is_half_open(stream)) {
        const struct side *client = &stream->sides[STREAM_CLIENT];
        uint32_t acknowledged = segment->acknowledged - side_first(client);
        if (acknowledged <= client->next - side_first(client) && (client->flags & SIDE_SEEN)) {
            answer(s, stream, segment);
            open_stream(s, stream, segment->time);
        }
        return;
    }
    if (stream) {
        return; /* again, or late */
    }
    /* The SYN was missed, or forgotten, or there was none: it is opened when the client answers in turn. */
    struct farewell *farewell = stream_table_farewell(s, hash, segment->time);
    if (farewell && farewell->kind != FAREWELL_UNANSWERED) {
        s->counters.late++;
        return;
    }
    if (farewell) {
        farewell->kind = FAREWELL_NONE;
    }
    stream = begin_stream(s, hash, segment, STREAM_SERVER, STREAM_SYN_SEEN);
    stream->sides[STREAM_CLIENT].next = segment->acknowledged;
    stream->sides[STREAM_CLIENT].flags |= SIDE_KNOWN;
    answer(s, stream, segment);
}

/* ---- RST ---- */

static bool reset_is_in_window(const struct stream *stream, enum stream_side side, const struct segment *segment)
{
    const struct side *own = &stream->sides[side];
    if (!(own->flags & SIDE_KNOWN)) {
        return true;
    }
    uint32_t least = own->flags & SIDE_ACKED && !stream_is_missing(own) ? own->acked : own->next - RESET_WINDOW;
    uint32_t most = (stream_is_missing(own) ? own->acked : own->next) + RESET_WINDOW;
    return segment->sequence - least < most - least;
}

static void take_reset(struct streams *s, struct stream *stream, enum stream_side side, const struct segment *segment)
{
    bool half = stream_is_half_open(stream);
    if (half && side == STREAM_SERVER && !(stream->sides[STREAM_SERVER].flags & SIDE_SEEN)) {
        const struct side *client = &stream->sides[STREAM_CLIENT];
        if (!(segment->flags & SEGMENT_ACK) ||
            segment->acknowledged - side_first(client) > client->next - side_first(client)) {
            s->counters.resets_ignored++;
            return;
        }
        note_sender(stream, side, segment);
        note_packet(s, stream, side, segment);
        stream->flags |= STREAM_REFUSED;
        stream_end(s, stream, CLOSE_RESET, FAREWELL_NONE, segment->time);
        return;
    }
    if (!reset_is_in_window(stream, side, segment)) {
        s->counters.resets_ignored++;
        return;
    }
    note_sender(stream, side, segment);
    note_packet(s, stream, side, segment);
    stream_end(s, stream, CLOSE_RESET, FAREWELL_RESET, segment->time);
}

/* ---- data and acknowledgements ---- */

/* What the first packets of each side teach: where its numbers stand, and that the connection is open. False: the
 * segment does not belong to the connection that the SYN asked for. */
static bool learn(struct streams *s, struct stream *stream, enum stream_side side, const struct segment *segment)
{
    struct side *own = &stream->sides[side], *peer = &stream->sides[stream_other(side)];
    bool half = stream_is_half_open(stream);
    bool acknowledges = segment->flags & SEGMENT_ACK;
    if (half && acknowledges) {
        /* The SYN-ACK was missed, or this answers it. */
        const struct side *client = &stream->sides[STREAM_CLIENT];
        uint32_t number = side == STREAM_CLIENT ? segment->sequence : segment->acknowledged;
        if (number - side_first(client) > HANDSHAKE_WINDOW) {
            return false;
        }
    } else if (half && side == STREAM_SERVER) {
        return false;
    }
    if (!(own->flags & SIDE_KNOWN)) {
        own->next = segment->sequence;
        own->flags |= SIDE_KNOWN;
    }
    if (acknowledges && !(peer->flags & SIDE_KNOWN)) {
        peer->next = segment->acknowledged;
        peer->flags |= SIDE_KNOWN;
    }
    note_sender(stream, side, segment);
    if (half && acknowledges) {
        open_stream(s, stream, segment->time);
    }
    if (!(stream->flags & STREAM_CONFIRMED) && (own->flags & peer->flags & SIDE_SEEN) && acknowledges &&
        (side == STREAM_CLIENT || !(stream->flags & STREAM_SYN_SEEN) || segment->payload.length > 0)) {
        confirm_stream(s, stream, segment->time);
    }
    return true;
}

/* Data where the FIN stood: the FIN was no FIN to the one who sends on. */
static void take_back_fin(struct streams *s, struct stream *stream, struct side *own, const struct segment *segment)
{
    uint32_t fin = own->next - 1;
    if ((own->flags & SIDE_FIN) && fin - segment->sequence < segment->payload.length) {
        own->flags &= (uint8_t)~SIDE_FIN;
        own->next = fin;
        s->counters.conflicting++;
        stream->conflicts += stream->conflicts < UINT16_MAX;
    }
}

/* The latest acknowledgement counts, also when it is less than the one before: that one was forged. One that is less
 * because its segment was overtaken does not count. */
static void note_acknowledged(struct stream *stream, enum stream_side side, const struct segment *segment)
{
    struct side *peer = &stream->sides[stream_other(side)];
    if (!(segment->flags & SEGMENT_ACK)) {
        return;
    }
    uint32_t end = segment->sequence + (uint32_t)segment->payload.length + segment->missing;
    if (!(peer->flags & SIDE_ACKED) || sequence_distance(peer->acked, segment->acknowledged) > 0 ||
        sequence_distance(stream_order_end(stream, side), end) >= 0) {
        peer->acked = segment->acknowledged;
        peer->flags |= SIDE_ACKED;
    }
}

static void receive(struct streams *s, struct stream *stream, enum stream_side side, const struct segment *segment)
{
    struct side *own = &stream->sides[side], *peer = &stream->sides[stream_other(side)];
    if (!learn(s, stream, side, segment)) {
        return;
    }
    note_packet(s, stream, side, segment);
    note_acknowledged(stream, side, segment);
    take_back_fin(s, stream, own, segment);
    struct piece piece = {.sequence = segment->sequence,
                          .acknowledged = segment->flags & SEGMENT_ACK ? segment->acknowledged : peer->next,
                          .bytes = segment->payload,
                          .missing = segment->missing,
                          .fin = (segment->flags & SEGMENT_FIN) != 0};
    stream_order_add(s, stream, side, &piece, segment->time);
    stream_end_if_over(s, stream, segment->time);
}

/* The common segment: nothing unusual about it or about its stream, and its bytes are those that were waited for. */
static bool pass_straight(struct streams *s, struct stream *stream, enum stream_side side,
                          const struct segment *segment)
{
    struct side *own = &stream->sides[side], *peer = &stream->sides[stream_other(side)];
    if ((stream->flags & (STREAM_CONFIRMED | STREAM_TROUBLED | STREAM_NEW_SYN)) != STREAM_CONFIRMED ||
        (segment->flags & FLAGS_OF_USE) != SEGMENT_ACK || segment->missing != 0 || (own->flags & SIDE_FIN) ||
        segment->sequence != own->next || !(peer->flags & SIDE_KNOWN) ||
        sequence_distance(peer->next, segment->acknowledged) > 0) {
        return false;
    }
    peer->acked = segment->acknowledged;
    peer->flags |= SIDE_ACKED;
    note_packet(s, stream, side, segment);
    if (segment->payload.length > 0) {
        stream_pass(s, stream, side, segment->payload, segment->time);
    }
    return true;
}

/* One-sided captures show no SYN-ACK: data after the new SYN tell as well that it was taken. */
static struct stream *renew(struct streams *s, struct stream *stream, enum stream_side side, uint64_t hash,
                            const struct segment *segment)
{
    if (!(stream->flags & STREAM_NEW_SYN) || side != STREAM_CLIENT || segment->sequence != stream->new_syn + 1) {
        return stream;
    }
    moment begun = stream->new_syn_time;
    stream_end(s, stream, CLOSE_TIMEOUT, FAREWELL_NONE, segment->time);
    stream = begin_stream(s, hash, segment, STREAM_CLIENT, STREAM_SYN_SEEN);
    stream->begun = begun;
    stream->sides[STREAM_CLIENT].next = segment->sequence;
    stream->sides[STREAM_CLIENT].flags |= SIDE_KNOWN;
    return stream;
}

/* Bytes of no stream that is known: late ones, or those of a connection whose beginning was not seen. */
static void join(struct streams *s, enum stream_side side, uint64_t hash, const struct segment *segment)
{
    struct farewell *farewell = stream_table_farewell(s, hash, segment->time);
    if (farewell) {
        /* Nobody acknowledges what was sent after a reset, unless there was none for him. */
        bool lives = farewell->kind == FAREWELL_UNANSWERED ||
                     (farewell->kind == FAREWELL_RESET && (segment->flags & SEGMENT_ACK) &&
                      sequence_distance(farewell->next[stream_other(side)], segment->acknowledged) > 1);
        if (!lives) {
            s->counters.late++;
            return;
        }
        farewell->kind = FAREWELL_NONE;
    }
    if (segment->payload.length == 0 && segment->missing == 0) {
        return;
    }
    s->counters.joined++;
    receive(s, begin_stream(s, hash, segment, side, 0), side, segment);
}

/* ---- the way in ---- */

static bool is_mail_port(const struct streams *s, uint16_t port)
{
    return s->mail_ports[port / 64] >> port % 64 & 1;
}

static bool is_incoming(const struct segment *segment, enum stream_side side)
{
    return segment->direction != FRAME_UNKNOWN && (segment->direction == FRAME_FROM_GUEST) != (side == STREAM_CLIENT);
}

static void add_unusual(struct streams *s, struct stream *stream, enum stream_side side, uint64_t hash,
                        const struct segment *segment)
{
    uint8_t flags = segment->flags & FLAGS_OF_USE;
    if (!stream && (flags & SEGMENT_RST)) {
        return;
    }
    if (!stream && !is_wanted(s, segment, side)) {
        s->counters.incoming += (flags & (SEGMENT_SYN | SEGMENT_ACK)) == SEGMENT_SYN;
        return;
    }
    if (flags & SEGMENT_RST) {
        take_reset(s, stream, side, segment);
    } else if ((flags & (SEGMENT_SYN | SEGMENT_ACK)) == (SEGMENT_SYN | SEGMENT_ACK)) {
        take_syn_ack(s, stream, side, hash, segment);
    } else if (flags & SEGMENT_SYN) {
        take_syn(s, stream, side, hash, segment);
    } else if (stream) {
        stream = renew(s, stream, side, hash, segment);
        receive(s, stream, side, segment);
    } else {
        join(s, side, hash, segment);
    }
}

/* On a guest's port the guest's connections are those in which the guest's packets go to the server. */
static void add(struct streams *s, const struct segment *segment, uint64_t hash)
{
    bool to_mail = is_mail_port(s, segment->target_port), from_mail = is_mail_port(s, segment->source_port);
    bool syn_ack = (segment->flags & (SEGMENT_SYN | SEGMENT_ACK)) == (SEGMENT_SYN | SEGMENT_ACK);
    enum stream_side side = to_mail && !(from_mail && syn_ack) ? STREAM_CLIENT : STREAM_SERVER;
    struct stream *stream = stream_table_find(s, hash, segment, &side);
    if (is_incoming(segment, side)) {
        s->counters.incoming += (segment->flags & (SEGMENT_SYN | SEGMENT_ACK)) == SEGMENT_SYN;
        return;
    }
    if (!stream || !pass_straight(s, stream, side, segment)) {
        add_unusual(s, stream, side, hash, segment);
    }
}

/* Whether anything can come of it: it goes to or from a mail server, and not to one of a guest. */
static bool concerns_us(struct streams *s, const struct segment *segment)
{
    s->counters.segments++;
    bool to_mail = is_mail_port(s, segment->target_port), from_mail = is_mail_port(s, segment->source_port);
    if (!to_mail && !from_mail) {
        s->counters.not_mail++;
        return false;
    }
    if (to_mail != from_mail && is_incoming(segment, to_mail ? STREAM_CLIENT : STREAM_SERVER)) {
        s->counters.incoming += (segment->flags & (SEGMENT_SYN | SEGMENT_ACK)) == SEGMENT_SYN;
        return false;
    }
    return true;
}

void streams_add(struct streams *s, const struct segment *segment)
{
    streams_add_many(s, segment, 1);
}

void streams_add_many(struct streams *s, const struct segment *segments, size_t count)
{
    uint64_t hashes[STREAMS_AT_ONCE];
    uint8_t which[STREAMS_AT_ONCE];
    for (; count > 0; count -= count < STREAMS_AT_ONCE ? count : STREAMS_AT_ONCE, segments += STREAMS_AT_ONCE) {
        size_t kept = 0;
        for (size_t i = 0; i < count && i < STREAMS_AT_ONCE; i++) {
            if (concerns_us(s, &segments[i])) {
                which[kept] = (uint8_t)i;
                hashes[kept] = stream_table_hash(s, &segments[i]);
                stream_table_fetch_bucket(s, hashes[kept]);
                kept++;
            }
        }
        for (size_t i = 0; i < kept && kept > 1; i++) {
            stream_table_fetch(s, hashes[i]);
        }
        for (size_t i = 0; i < kept; i++) {
            add(s, &segments[which[i]], hashes[i]);
        }
    }
}
