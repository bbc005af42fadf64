/* TCP streams: the life of a connection (RFC 9293), from the segments of both directions.
 *
 * A segment's ports say first whether it is mail at all, then on which side its sender stands. The common one, in order
 * and without a flag, goes straight through; the others are taken one question at a time: does it begin, answer, end a
 * connection, is it late, is it out of order (stream_order.c).
 *
 * A sender can write what it likes, and the end is not believed that the other side does not believe: a reset
 * is taken back when the other side goes on acknowledging, a FIN when data follow in its place (stream_handshake.c has
 * the like for beginnings). */
#include "agent/packet/stream_call.h"
#include "agent/packet/stream_doubt.h"
#include "agent/packet/stream_held.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How far behind its SYN the first packet seen of a connection may lie. */
#define HANDSHAKE_WINDOW (UINT32_C(1) << 20)
#define FLAGS_OF_USE     (SEGMENT_FIN | SEGMENT_SYN | SEGMENT_RST | SEGMENT_ACK | SEGMENT_URG)
/* How many segments ahead a stream is asked for: the nearest cache holds what eight of them touch, not what all of
 * STREAMS_AT_ONCE do. Eight instead of all gained an eighth of the packet path's time on 8,000 interleaved sessions. */
#define STREAM_AHEAD 8
/* What its room points to is asked for later, when the room itself has come: gained another twelfth. */
#define ROOM_AHEAD 3

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
    if (stream_table_create(s, error) < 0 || stream_call_create(s, error) < 0) {
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
        stream_call_destroy(s);
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

static void confirm_stream(struct streams *s, struct stream *stream, moment time)
{
    stream_make_place(s, true, time);
    stream_table_confirm(s, stream);
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
    stream_note_sender(stream, side, segment);
    if (half && acknowledges) {
        stream_open(s, stream, segment->time);
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

/* What the server's packets say beside their bytes: how far it has sent, and whether it takes any. */
static void note_server(struct side *server, const struct segment *segment)
{
    if (sequence_distance(server->next, segment->sequence) > 0 &&
        (!(server->flags & SIDE_SHOWN) || sequence_distance(server->shown, segment->sequence) > 0)) {
        server->shown = segment->sequence;
        server->flags |= SIDE_SHOWN;
    }
    server->flags = (uint8_t)(segment->window == 0 ? server->flags | SIDE_SHUT : server->flags & ~SIDE_SHUT);
}

static uint16_t note_doubt(struct streams *s, struct stream *stream, enum stream_side side,
                           const struct segment *segment)
{
    if (side == STREAM_SERVER) {
        note_server(&stream->sides[STREAM_SERVER], segment);
        return 0;
    }
    if (segment->flags & SEGMENT_URG && segment->payload.length > 0) {
        stream_note_doubted(stream); /* servers read on without the urgent byte; nobody has one in mail */
    }
    const struct side *server = &stream->sides[STREAM_SERVER];
    bool usual = segment->missing == 0 && (server->flags & (SIDE_SEEN | SIDE_KNOWN)) == (SIDE_SEEN | SIDE_KNOWN) &&
                 segment->flags & SEGMENT_ACK && sequence_distance(server->next, segment->acknowledged) <= 0;
    if (usual && stream_is_beyond_doubt(s, stream, segment)) {
        return 0;
    }
    uint16_t doubt = stream_doubt_of(s, stream, segment);
    if (segment->payload.length == 0 && segment->missing == 0 && !(segment->flags & SEGMENT_FIN)) {
        return 0;
    }
    if (doubt != 0 && doubt != DOUBT_OPENING) {
        s->counters.doubted++;
        stream_note_doubted(stream);
    }
    return doubt;
}

void stream_receive(struct streams *s, struct stream *stream, enum stream_side side, const struct segment *segment)
{
    struct side *own = &stream->sides[side], *peer = &stream->sides[stream_other(side)];
    if (!learn(s, stream, side, segment)) {
        return;
    }
    stream_note_packet(s, stream, side, segment);
    uint16_t doubt = note_doubt(s, stream, side, segment);
    note_acknowledged(stream, side, segment);
    take_back_fin(s, stream, own, segment);
    struct piece piece = {.sequence = segment->sequence,
                          .acknowledged = segment->flags & SEGMENT_ACK ? segment->acknowledged : peer->next,
                          .bytes = segment->payload,
                          .missing = segment->missing,
                          .fin = (segment->flags & SEGMENT_FIN) != 0,
                          .doubt = doubt};
    stream_order_add(s, stream, side, &piece, segment->time);
    stream_end_if_over(s, stream, segment->time);
}

/* The common segment: nothing unusual about it or about its stream, and its bytes are those that were waited for. */
static bool pass_straight(struct streams *s, struct stream *stream, enum stream_side side,
                          const struct segment *segment)
{
    struct side *own = &stream->sides[side], *peer = &stream->sides[stream_other(side)];
    if ((stream->flags & (STREAM_CONFIRMED | STREAM_TROUBLED | STREAM_NEW_SYN)) != STREAM_CONFIRMED ||
        (segment->flags & FLAGS_OF_USE) != SEGMENT_ACK || segment->missing != 0 ||
        (own->flags & (SIDE_FIN | SIDE_SHUT)) || segment->window == 0 || segment->sequence != own->next ||
        !(peer->flags & SIDE_KNOWN) || sequence_distance(peer->next, segment->acknowledged) > 0) {
        return false;
    }
    /* What acknowledges alone is looked at for its time stamp, which makes others old. */
    if (side == STREAM_CLIENT && (segment->payload.length > 0 || own->flags & SIDE_STAMPED) &&
        !stream_is_beyond_doubt(s, stream, segment) && stream_doubt_of(s, stream, segment) != 0) {
        return false;
    }
    peer->acked = segment->acknowledged;
    peer->flags |= SIDE_ACKED;
    stream_note_packet(s, stream, side, segment);
    if (segment->payload.length > 0) {
        stream_pass(s, stream, side, segment->payload, segment->time);
    }
    return true;
}

/* Whether the new SYN was taken, though its SYN-ACK was not seen: the server acknowledges its numbers and none of the
 * old. In one-sided captures data after it tell as well; where the server is seen, they may be as forged as the SYN. */
static bool is_new_taken(const struct stream *stream, enum stream_side side, const struct segment *segment)
{
    const struct side *client = &stream->sides[STREAM_CLIENT];
    if (!(stream->flags & STREAM_NEW_SYN)) {
        return false;
    }
    if (side == STREAM_CLIENT) {
        return segment->sequence == stream->new_syn + 1 && !(stream->sides[STREAM_SERVER].flags & SIDE_SEEN);
    }
    return (segment->flags & SEGMENT_ACK) && segment->acknowledged - (stream->new_syn + 1) < HANDSHAKE_WINDOW &&
           segment->acknowledged - (client->next - HANDSHAKE_WINDOW) >= 2 * HANDSHAKE_WINDOW;
}

static struct stream *renew(struct streams *s, struct stream *stream, enum stream_side side, uint64_t hash,
                            const struct segment *segment)
{
    if (!is_new_taken(stream, side, segment)) {
        return stream;
    }
    uint32_t first = stream->new_syn + 1;
    moment begun = stream->new_syn_time;
    stream_end(s, stream, CLOSE_TIMEOUT, FAREWELL_NONE, segment->time);
    stream = stream_begin(s, hash, segment, side, STREAM_SYN_SEEN);
    stream->begun = begun;
    stream->own = true;
    stream->sides[STREAM_CLIENT].next = first;
    stream->sides[STREAM_CLIENT].flags |= SIDE_KNOWN;
    return stream;
}

/* Bytes of no stream that is known: late ones, or those of a connection whose beginning was not seen. */
static void join(struct streams *s, enum stream_side side, uint64_t hash, const struct segment *segment)
{
    struct farewell *farewell = stream_table_farewell(s, hash, segment->time);
    bool own = farewell && farewell->own;
    if (farewell) {
        /* Nobody acknowledges what was sent after a reset, unless there was none for him. */
        bool lives = farewell->kind == FAREWELL_UNANSWERED || farewell->kind == FAREWELL_LIVES ||
                     (farewell->kind == FAREWELL_RESET && (segment->flags & SEGMENT_ACK) &&
                      sequence_distance(farewell->next[stream_other(side)], segment->acknowledged) > 1);
        if (!lives) {
            s->counters.late++;
            return;
        }
        farewell->kind = FAREWELL_LIVES;
    }
    if ((segment->payload.length == 0 && segment->missing == 0) ||
        (!own && stream_call_was_answered(s, segment, side))) {
        return;
    }
    if (farewell) {
        farewell->kind = FAREWELL_NONE;
    }
    s->counters.joined++;
    struct stream *stream = stream_begin(s, hash, segment, side, 0);
    stream->own = own;
    stream_receive(s, stream, side, segment);
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

static void count_incoming(struct streams *s, const struct segment *segment)
{
    s->counters.incoming += (segment->flags & (SEGMENT_SYN | SEGMENT_ACK)) == SEGMENT_SYN;
}

static void add_unusual(struct streams *s, struct stream *stream, enum stream_side side, uint64_t hash,
                        const struct segment *segment)
{
    uint8_t flags = segment->flags & FLAGS_OF_USE;
    if (!stream && (flags & SEGMENT_RST)) {
        return;
    }
    if (!(flags & (SEGMENT_RST | SEGMENT_SYN | SEGMENT_ACK))) { /* no receiver takes that (RFC 9293 3.10.7.4) */
        s->counters.doubted++;
        if (stream) {
            stream_note_doubted(stream);
        }
        return;
    }
    if (!stream && !is_wanted(s, segment, side)) {
        count_incoming(s, segment);
        return;
    }
    if (flags & SEGMENT_RST) {
        stream_take_reset(s, stream, side, segment);
    } else if ((flags & (SEGMENT_SYN | SEGMENT_ACK)) == (SEGMENT_SYN | SEGMENT_ACK)) {
        stream_take_syn_ack(s, stream, side, hash, segment);
    } else if (flags & SEGMENT_SYN) {
        stream_take_syn(s, stream, side, hash, segment);
    } else if (stream) {
        stream = renew(s, stream, side, hash, segment);
        stream_receive(s, stream, side, segment);
    } else {
        join(s, side, hash, segment);
    }
}

/* What the ports, and on a guest's port the direction, say of a segment before anything is looked up. */
enum concern { CONCERN_NONE, CONCERN_CLIENT, CONCERN_SERVER };

/* On a guest's port the guest's connections are those in which the guest's packets go to the server. */
static enum concern concern_of(struct streams *s, const struct segment *segment)
{
    s->counters.segments++;
    bool to_mail = is_mail_port(s, segment->target_port), from_mail = is_mail_port(s, segment->source_port);
    if (!to_mail && !from_mail) {
        s->counters.not_mail++;
        return CONCERN_NONE;
    }
    bool syn_ack = (segment->flags & (SEGMENT_SYN | SEGMENT_ACK)) == (SEGMENT_SYN | SEGMENT_ACK);
    enum stream_side side = to_mail && !(from_mail && syn_ack) ? STREAM_CLIENT : STREAM_SERVER;
    if (to_mail != from_mail && is_incoming(segment, side)) {
        count_incoming(s, segment);
        return CONCERN_NONE;
    }
    return side == STREAM_CLIENT ? CONCERN_CLIENT : CONCERN_SERVER;
}

/* The sender of the segment, who may be a client that we follow, was called by a mail port. */
static bool is_answer_to_call(struct streams *s, const struct segment *segment)
{
    return (segment->flags & (SEGMENT_SYN | SEGMENT_ACK | SEGMENT_RST)) == (SEGMENT_SYN | SEGMENT_ACK) &&
           segment->direction != FRAME_TO_GUEST && is_mail_port(s, segment->target_port) &&
           is_wanted(s, segment, STREAM_CLIENT);
}

static void add(struct streams *s, const struct segment *segment, enum concern concern, uint64_t hash)
{
    if (is_answer_to_call(s, segment)) {
        stream_call_note(s, segment);
    }
    enum stream_side side = concern == CONCERN_CLIENT ? STREAM_CLIENT : STREAM_SERVER;
    struct stream *stream = stream_table_find(s, hash, segment, &side);
    if (!stream && is_incoming(segment, side)) { /* from one mail port to another only its stream tells whose it is */
        count_incoming(s, segment);
        return;
    }
    if (!stream || !pass_straight(s, stream, side, segment)) {
        add_unusual(s, stream, side, hash, segment);
    }
}

void streams_add(struct streams *s, const struct segment *segment)
{
    streams_add_many(s, segment, 1);
}

/* A segment that concerns us, on its way to its stream. */
struct arrival {
    uint64_t hash;
    const struct segment *segment;
    enum concern concern;
};

static void fetch_stream(const struct streams *s, const struct arrival *arrival)
{
    stream_table_fetch(s, arrival->hash, arrival->segment->payload.length > 0);
}

static void fetch_behind_room(const struct streams *s, const struct arrival *arrival)
{
    struct stream *stream = arrival->segment->payload.length > 0 ? stream_table_first(s, arrival->hash) : NULL;
    if (stream && s->listener.fetch) {
        s->listener.fetch(stream_room(stream));
    }
}

static void add_some(struct streams *s, const struct segment *segments, size_t count)
{
    struct arrival kept[STREAMS_AT_ONCE];
    size_t keep = 0;
    for (size_t i = 0; i < count; i++) {
        enum concern concern = concern_of(s, &segments[i]);
        s->latest = segments[i].time > s->latest ? segments[i].time : s->latest;
        if (concern != CONCERN_NONE) {
            kept[keep].concern = concern;
            kept[keep].segment = &segments[i];
            kept[keep].hash = stream_table_hash(s, &segments[i]);
            stream_table_fetch_bucket(s, kept[keep].hash);
            keep++;
        }
    }
    for (size_t i = 1; i < keep && i < STREAM_AHEAD; i++) {
        fetch_stream(s, &kept[i]);
    }
    for (size_t i = 0; i < keep; i++) {
        if (i + STREAM_AHEAD < keep) {
            fetch_stream(s, &kept[i + STREAM_AHEAD]);
        }
        if (i + ROOM_AHEAD < keep) {
            fetch_behind_room(s, &kept[i + ROOM_AHEAD]);
        }
        add(s, kept[i].segment, kept[i].concern, kept[i].hash);
    }
}

void streams_add_many(struct streams *s, const struct segment *segments, size_t count)
{
    while (count > 0) {
        size_t now = count < STREAMS_AT_ONCE ? count : STREAMS_AT_ONCE;
        add_some(s, segments, now);
        segments += now;
        count -= now;
    }
}
