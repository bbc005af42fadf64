/* How connections begin, and are refused or reset: SYN, SYN-ACK, RST (RFC 9293 3.5, 3.10; RFC 5961).
 *
 * A sender can write what it likes, so nothing is believed that the other end would not believe: a SYN on an open
 * connection counts once it is answered, a reset must fall into the window, a SYN-ACK nobody asked for opens nothing.
 */
#include "agent/packet/stream_call.h"
#include "agent/packet/stream_doubt.h"
#include "agent/packet/stream_held.h"

#include <string.h>

#define RESET_WINDOW UINT32_C(65536) /* how far from the expected number a reset may lie */
/* A client's may not lie beyond what it has sent: servers ask back there, and go on (RFC 5961 3.2). */
#define CLIENT_RESET_WINDOW UINT32_C(1)

struct stream *stream_begin(struct streams *s, uint64_t hash, const struct segment *segment, enum stream_side side,
                            uint8_t flags)
{
    stream_make_place(s, false, segment->time);
    struct stream *stream = stream_table_add(s, hash, segment, side);
    stream->flags |= flags;
    if (s->listener.begun) {
        s->listener.begun(s->listener.context, stream, stream_room(stream));
    }
    return stream;
}

void stream_open(struct streams *s, struct stream *stream, moment time)
{
    stream->flags |= STREAM_OPENED;
    s->counters.opened++;
    if (s->listener.opened) {
        s->listener.opened(s->listener.context, stream, stream_room(stream), time);
    }
}

/* ---- SYN ---- */

static struct stream *begin_with_syn(struct streams *s, uint64_t hash, const struct segment *segment)
{
    struct stream *stream = stream_begin(s, hash, segment, STREAM_CLIENT, STREAM_SYN_SEEN);
    stream_note_sender(stream, STREAM_CLIENT, segment);
    stream->sides[STREAM_CLIENT].next = segment->sequence + 1;
    stream->sides[STREAM_CLIENT].flags |= SIDE_KNOWN;
    stream->own = true;
    stream_doubt_begins(stream, segment);
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
        stream->own = true;
        stream_note_packet(s, stream, STREAM_CLIENT, segment);
        return stream;
    }
    if (!(stream->flags & (STREAM_OPENED | STREAM_CONFIRMED))) {
        stream_end(s, stream, CLOSE_TIMEOUT, FAREWELL_NONE, segment->time);
        return begin_with_syn(s, hash, segment);
    }
    stream->flags |= STREAM_NEW_SYN;
    stream->new_syn = segment->sequence;
    stream->new_syn_time = segment->time;
    return NULL;
}

void stream_take_syn(struct streams *s, struct stream *stream, enum stream_side side, uint64_t hash,
                     const struct segment *segment)
{
    if (side == STREAM_SERVER) { /* somebody calls from a mail port; or both ends open at once, or it is a forgery */
        s->counters.incoming += stream == NULL;
        return;
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
        stream_receive(s, stream, STREAM_CLIENT, &data);
    }
}

/* The SYN, or what came with it as well. */
static bool acknowledges_beginning(const struct stream *stream, const struct segment *segment)
{
    uint32_t first = side_first(&stream->sides[STREAM_CLIENT]);
    return segment->acknowledged - first <= stream_order_end(stream, STREAM_CLIENT) - first;
}

static void answer(struct streams *s, struct stream *stream, const struct segment *segment)
{
    struct side *server = &stream->sides[STREAM_SERVER];
    server->next = segment->sequence + 1;
    server->flags |= SIDE_KNOWN;
    stream_note_sender(stream, STREAM_SERVER, segment);
    stream_note_packet(s, stream, STREAM_SERVER, segment);
    stream_doubt_answered(stream, segment);
    stream->sides[STREAM_CLIENT].acked = segment->acknowledged;
    stream->sides[STREAM_CLIENT].flags |= SIDE_ACKED;
}

void stream_take_syn_ack(struct streams *s, struct stream *stream, enum stream_side side, uint64_t hash,
                         const struct segment *segment)
{
    if (side == STREAM_CLIENT) {
        if (stream && !stream_is_own(stream)) { /* and it is not: the client has been called */
            stream_end(s, stream, CLOSE_TIMEOUT, FAREWELL_NONE, segment->time);
        }
        return;
    }
    bool own = stream && stream_is_own(stream);
    if (stream && (stream->flags & STREAM_NEW_SYN) && segment->acknowledged == stream->new_syn + 1) {
        uint32_t sequence = stream->new_syn;
        moment begun = stream->new_syn_time;
        struct stream old = *stream;
        stream_end(s, stream, CLOSE_TIMEOUT, FAREWELL_NONE, segment->time);
        stream = stream_begin(s, hash, segment, STREAM_SERVER, STREAM_SYN_SEEN);
        stream->begun = begun;
        stream->own = true;
        stream->sides[STREAM_CLIENT].next = sequence + 1;
        stream->sides[STREAM_CLIENT].flags |= SIDE_KNOWN | SIDE_SEEN;
        memcpy(stream->client_mac, old.client_mac, sizeof old.client_mac);
        stream->vlan = old.vlan;
        stream->ttl_least = old.ttl_least;
        stream->ttl_most = old.ttl_most;
        stream->sides[STREAM_CLIENT].usual_ttl = old.sides[STREAM_CLIENT].usual_ttl;
    }
    if (stream && stream_is_half_open(stream)) {
        const struct side *client = &stream->sides[STREAM_CLIENT];
        if (acknowledges_beginning(stream, segment)) {
            if (client->flags & SIDE_SEEN) {
                answer(s, stream, segment);
                stream_open(s, stream, segment->time);
            }
            return;
        }
        /* The server answers another SYN: that one was taken, the one that we know was not. */
        stream_end(s, stream, CLOSE_TIMEOUT, FAREWELL_NONE, segment->time);
        stream = NULL;
    }
    if (stream) {
        return; /* again, or late */
    }
    /* The SYN was missed, or forgotten, or there was none: it is opened when the client answers in turn. */
    struct farewell *farewell = stream_table_farewell(s, hash, segment->time);
    if (farewell && farewell->kind != FAREWELL_UNANSWERED && farewell->kind != FAREWELL_LIVES) {
        s->counters.late++;
        return;
    }
    own = own || (farewell && farewell->own);
    if (!own && stream_call_was_answered(s, segment, STREAM_SERVER)) {
        return;
    }
    if (farewell) {
        farewell->kind = FAREWELL_NONE;
    }
    stream = stream_begin(s, hash, segment, STREAM_SERVER, STREAM_SYN_SEEN);
    stream->own = own;
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
    uint32_t most = stream_is_missing(own) ? own->acked : stream_order_end(stream, side);
    most += side == STREAM_CLIENT && (own->flags & SIDE_ACKED) ? CLIENT_RESET_WINDOW : RESET_WINDOW;
    return segment->sequence - least < most - least;
}

void stream_take_reset(struct streams *s, struct stream *stream, enum stream_side side, const struct segment *segment)
{
    bool half = stream_is_half_open(stream);
    if (half && side == STREAM_SERVER && !(stream->sides[STREAM_SERVER].flags & SIDE_SEEN)) {
        if (!(segment->flags & SEGMENT_ACK) || !acknowledges_beginning(stream, segment)) {
            s->counters.resets_ignored++;
            return;
        }
        stream_note_sender(stream, side, segment);
        stream_note_packet(s, stream, side, segment);
        stream->flags |= STREAM_REFUSED;
        stream_end(s, stream, CLOSE_RESET, FAREWELL_NONE, segment->time);
        return;
    }
    bool doubted = side == STREAM_CLIENT && stream_doubt_of_reset(stream, segment);
    if (stream->being_cut || doubted || !reset_is_in_window(stream, side, segment)) {
        s->counters.resets_ignored++;
        if (doubted) {
            stream_note_doubted(stream);
        }
        return;
    }
    /* A guest resets what it has not asked for: that does not make it one of the two who speak. */
    if (side == STREAM_SERVER || !(stream->flags & STREAM_GUEST)) {
        stream_note_sender(stream, side, segment);
    }
    stream_note_packet(s, stream, side, segment);
    stream_end(s, stream, CLOSE_RESET, FAREWELL_RESET, segment->time);
}
