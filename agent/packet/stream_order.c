/* Putting bytes in order: what came before its turn is held, what came twice is held against what is known, and what
 * will not come becomes a gap.
 *
 * Every byte is taken as its receiver takes it, which mostly is as it came first; a later copy only fills what is
 * missing (and is counted where it differs: that is how one hides from a watcher). Bytes that may be ignored by their
 * receiver (stream_doubt.c) are held, until they are acknowledged or a better copy comes. A hole is believed when the
 * other side has acknowledged bytes that were not seen, and a few more segments or a moment have passed without them:
 * packets of one connection may be captured a little out of order. What a side said after such an acknowledgement waits
 * as well, so that a reply is never given to the dialogue before the gap its command fell into. Where the other side
 * waits for the same bytes (its acknowledgement stands at the hole), so do we, as long as the bounds allow; where the
 * other side is not seen at all, time and the bounds decide. */
#include "agent/packet/stream_doubt.h"
#include "agent/packet/stream_held.h"

/* How long and for how many further segments an acknowledged hole may still be filled. */
#define LATE_TIME     (200 * MILLISECOND)
#define LATE_SEGMENTS 8
/* The same where the other side is not seen; from when on it counts as not seen. */
#define ALONE_TIME     (1 * SECOND)
#define ALONE_SEGMENTS 64
#define SILENT_TIME    (5 * SECOND)

bool stream_is_missing(const struct side *side)
{
    return (side->flags & SIDE_ACKED) && sequence_distance(side->next, side->acked) > 0;
}

/* The first piece held lies at the front of the queue of this side; NULL: nothing is held. */
static const struct held *first_held(const struct stream *stream, enum stream_side side)
{
    return stream->flags & STREAM_TROUBLED ? stream->trouble->first[side] : NULL;
}

uint32_t stream_order_end(const struct stream *stream, enum stream_side side)
{
    return first_held(stream, side) ? stream->trouble->last[side]->sequence + held_span(stream->trouble->last[side])
                                    : stream->sides[side].next;
}

static bool has_hole(const struct stream *stream, enum stream_side side)
{
    const struct held *first = first_held(stream, side);
    return first ? first->sequence != stream->sides[side].next : stream_is_missing(&stream->sides[side]);
}

/* Whether bytes of `side` must wait, for they were sent in answer to bytes of the other side that have not been passed
 * on yet. */
static bool must_wait(const struct stream *stream, enum stream_side side, uint32_t acknowledged)
{
    const struct side *peer = &stream->sides[stream_other(side)];
    return stream_is_missing(peer) && sequence_distance(peer->next, acknowledged) > 0;
}

/* The first piece held of `side` is what comes next, but waits for the other side. */
static bool is_waiting(const struct stream *stream, enum stream_side side)
{
    const struct held *first = first_held(stream, side);
    return first && first->sequence == stream->sides[side].next && must_wait(stream, side, first->acknowledged);
}

/* ---- passing on ---- */

static void pass_gap(struct streams *s, struct stream *stream, enum stream_side side, uint32_t length, moment time)
{
    struct side *own = &stream->sides[side];
    own->next += length;
    own->bytes += length;
    own->last_length = 0;
    s->listener.gap(s->listener.context, stream, stream_room(stream), side, length, time);
}

static void pass_loss(struct streams *s, struct stream *stream, enum stream_side side, uint32_t length, moment time)
{
    s->counters.gaps++;
    s->counters.bytes_lost += length;
    stream->flags |= STREAM_GAPPED;
    pass_gap(s, stream, side, length, time);
}

/* The piece begins at `next`. */
static void pass_piece(struct streams *s, struct stream *stream, enum stream_side side, const struct piece *piece,
                       moment time)
{
    struct side *own = &stream->sides[side];
    if (piece->bytes.length > 0) {
        stream_pass(s, stream, side, piece->bytes, time);
    }
    if (piece->missing > 0) {
        pass_gap(s, stream, side, piece->missing, time);
    }
    if (piece->fin) {
        own->next++;
        own->flags |= SIDE_FIN;
    }
    if (stream->flags & STREAM_TROUBLED) {
        stream->trouble->holes[side] = (struct hole){.open = false};
    }
}

/* How much of a piece at the front of `side` its receiver has taken: all where there is no doubt, else what it has
 * acknowledged. Where it is not seen at all, the client's going on has to do. */
static uint32_t taken_of(const struct stream *stream, enum stream_side side, const struct piece *piece)
{
    const struct side *own = &stream->sides[side];
    uint32_t span = piece_span(piece);
    if (piece->doubt == 0) {
        return span;
    }
    if (!(stream->sides[stream_other(side)].flags & SIDE_SEEN)) {
        return stream_is_half_open(stream) ? 0 : span;
    }
    int32_t acknowledged = own->flags & SIDE_ACKED ? sequence_distance(piece->sequence, own->acked) : 0;
    return acknowledged <= 0 ? 0 : (uint32_t)acknowledged < span ? (uint32_t)acknowledged : span;
}

/* Whether what is missing is waited for; NOW: it is not, and what is in doubt is dropped; OVER: that is taken as well.
 */
enum settling { SETTLE_PATIENTLY, SETTLE_NOW, SETTLE_OVER };

/* Pass on what is held and has its turn. Where each side waits for the other, neither does. */
static bool drain(struct streams *s, struct stream *stream, enum stream_side side, moment time, enum settling how)
{
    struct trouble *trouble = stream->trouble;
    bool passed = false;
    while (trouble->first[side] && trouble->first[side]->sequence == stream->sides[side].next &&
           (!is_waiting(stream, side) || is_waiting(stream, stream_other(side)))) {
        struct piece piece = held_piece(trouble->first[side]);
        uint32_t span = how == SETTLE_OVER ? piece_span(&piece) : taken_of(stream, side, &piece);
        if (span == 0 && how == SETTLE_PATIENTLY) {
            break;
        }
        if (span == 0) {
            s->counters.bytes_dropped += piece.bytes.length;
            held_drop_front(s, stream, side, piece_span(&piece));
            passed = true;
            continue;
        }
        if (piece.doubt != 0) {
            stream_doubt_ends(stream, piece.doubt);
        }
        piece = piece_front(&piece, span);
        pass_piece(s, stream, side, &piece, time);
        held_drop_front(s, stream, side, span);
        passed = true;
    }
    return passed;
}

static bool is_alone(const struct stream *stream, enum stream_side side, moment now)
{
    return !(stream->sides[stream_other(side)].flags & SIDE_SEEN) ||
           now - stream->trouble->seen[stream_other(side)] >= SILENT_TIME;
}

/* Whether the bytes missing before `side` can go on will not come any more. */
static bool is_lost(const struct stream *stream, enum stream_side side, moment now)
{
    const struct hole *hole = &stream->trouble->holes[side];
    if (!hole->open || !has_hole(stream, side) || hole->acknowledged != stream_is_missing(&stream->sides[side])) {
        return false;
    }
    if (hole->acknowledged) {
        return hole->segments >= LATE_SEGMENTS || now - hole->since >= LATE_TIME;
    }
    return is_alone(stream, side, now) && (hole->segments >= ALONE_SEGMENTS || now - hole->since >= ALONE_TIME);
}

/* A client can acknowledge what it likes: of a server that is seen, only what its own packets show to be sent was sent,
 * or else an acknowledgement too far would hide the replies to come. */
static void believe_shown(struct stream *stream)
{
    struct side *server = &stream->sides[STREAM_SERVER];
    const struct held *first = stream->trouble->first[STREAM_SERVER];
    uint32_t shown = first ? first->sequence : server->next;
    if (server->flags & SIDE_SHOWN && sequence_distance(shown, server->shown) > 0) {
        shown = server->shown;
    }
    if ((server->flags & SIDE_SEEN) && sequence_distance(shown, server->acked) > 0) {
        server->acked = shown;
    }
}

/* Go on behind the hole: to what is held, or to what was acknowledged, whichever comes first. */
static void skip_hole(struct streams *s, struct stream *stream, enum stream_side side, moment time)
{
    const struct side *own = &stream->sides[side];
    const struct held *first = stream->trouble->first[side];
    uint32_t length = 0;
    if (side == STREAM_SERVER) {
        believe_shown(stream);
    }
    if (first) {
        length = first->sequence - own->next;
    }
    if (stream_is_missing(own) && (!first || own->acked - own->next < length)) {
        length = own->acked - own->next;
    }
    stream->trouble->holes[side] = (struct hole){.open = false};
    if (length > 0) {
        pass_loss(s, stream, side, length, time);
    }
}

/* Pass on all that can be, give up the holes that are `lost` (or all of them), and note those that stay. */
static void settle(struct streams *s, struct stream *stream, moment time, enum settling how)
{
    bool passed = true;
    while (passed) {
        passed = drain(s, stream, STREAM_CLIENT, time, how);
        passed |= drain(s, stream, STREAM_SERVER, time, how);
        for (int side = 0; side < 2; side++) {
            if (how != SETTLE_PATIENTLY ? has_hole(stream, side) : is_lost(stream, side, time)) {
                skip_hole(s, stream, side, time);
                passed = true;
                break; /* what it held back goes first */
            }
        }
    }
    bool needed = false;
    for (int side = 0; side < 2; side++) {
        struct hole *hole = &stream->trouble->holes[side];
        bool open = has_hole(stream, side);
        bool acknowledged = stream_is_missing(&stream->sides[side]);
        if (open && (!hole->open || hole->acknowledged != acknowledged)) {
            *hole = (struct hole){.open = true, .acknowledged = acknowledged, .since = time};
        } else if (!open) {
            hole->open = false;
        }
        needed |= open || stream->trouble->first[side];
    }
    if (!needed) {
        trouble_clear(s, stream);
    }
}

void stream_order_flush(struct streams *s, struct stream *stream, moment time, bool over)
{
    if (stream->flags & STREAM_TROUBLED) {
        settle(s, stream, time, over ? SETTLE_OVER : SETTLE_NOW);
    }
}

void stream_order_tick(struct streams *s, moment now)
{
    struct trouble *trouble = s->oldest_trouble;
    while (trouble) {
        struct trouble *younger = trouble->younger;
        struct stream *stream = trouble->stream;
        settle(s, stream, now, SETTLE_PATIENTLY);
        stream_end_if_over(s, stream, now);
        trouble = younger;
    }
}

/* ---- a segment ---- */

/* Take off what was passed on already. */
static void trim_passed(struct streams *s, struct stream *stream, const struct side *side, struct piece *piece)
{
    int32_t behind = sequence_distance(piece->sequence, side->next);
    if (behind <= 0) {
        return;
    }
    stream_compare_passed(s, stream, side, piece);
    uint32_t span = piece_span(piece);
    if ((uint32_t)behind >= span) {
        s->counters.retransmitted += span > 0;
        piece_drop_front(piece, span);
    } else {
        s->counters.overlapping++;
        piece_drop_front(piece, (uint32_t)behind);
    }
}

/* In order, as far as nothing is held from there on: straight from the packet. Where the other side waits for these
 * bytes they do not wait for it in turn: they are sent again, and acknowledge more than they did the first time. */
static void pass_in_order(struct streams *s, struct stream *stream, enum stream_side side, struct piece *piece,
                          moment time)
{
    struct side *own = &stream->sides[side];
    const struct held *first = first_held(stream, side);
    if (first && first->sequence == own->next && first->doubt <= piece->doubt) {
        return; /* that one came first */
    }
    if (piece_span(piece) == 0 || piece->sequence != own->next || taken_of(stream, side, piece) < piece_span(piece) ||
        (must_wait(stream, side, piece->acknowledged) && !is_waiting(stream, stream_other(side)))) {
        return;
    }
    bool overlaps = false;
    uint32_t end = piece->sequence + piece_span(piece);
    for (const struct held *held = first; held && sequence_distance(held->sequence, end) > 0; held = held->next) {
        stream_compare_held(s, stream, held, piece);
    }
    pass_piece(s, stream, side, piece, time);
    while ((first = first_held(stream, side)) != NULL && sequence_distance(first->sequence, own->next) > 0) {
        uint32_t behind = own->next - first->sequence;
        overlaps = true;
        held_drop_front(s, stream, side, behind < held_span(first) ? behind : held_span(first));
    }
    s->counters.overlapping += overlaps;
    piece_drop_front(piece, piece_span(piece));
}

/* What could not be held: where nobody waits for the hole to be filled it is given up, else the bytes are, and the
 * other side's acknowledgement will show it. */
static void hold_failed(struct streams *s, struct stream *stream, enum stream_side side, struct piece *piece,
                        moment time)
{
    if (!(stream->sides[stream_other(side)].flags & SIDE_SEEN) || stream_is_missing(&stream->sides[side])) {
        settle(s, stream, time, SETTLE_NOW);
        trim_passed(s, stream, &stream->sides[side], piece);
        if (sequence_distance(stream->sides[side].next, piece->sequence) > 0) {
            pass_loss(s, stream, side, piece->sequence - stream->sides[side].next, time);
        }
        pass_in_order(s, stream, side, piece, time);
    }
    s->counters.bytes_dropped += piece->bytes.length;
}

void stream_order_add(struct streams *s, struct stream *stream, enum stream_side side, const struct piece *given,
                      moment time)
{
    struct piece piece = *given;
    struct side *own = &stream->sides[side];
    trim_passed(s, stream, own, &piece);
    pass_in_order(s, stream, side, &piece, time);
    bool ahead = piece_span(&piece) > 0;
    if (ahead || (stream->flags & STREAM_TROUBLED) || stream_is_missing(&stream->sides[stream_other(side)])) {
        struct trouble *trouble = trouble_of(s, stream, time);
        if (!trouble) {
            s->counters.bytes_dropped += piece.bytes.length;
            return;
        }
        trouble->seen[side] = time;
        trouble->holes[0].segments++;
        trouble->holes[1].segments++;
        if (ahead) {
            s->counters.out_of_order += piece.sequence != own->next;
            if (!held_add(s, stream, side, piece, time)) {
                hold_failed(s, stream, side, &piece, time);
            }
        }
        if (stream->flags & STREAM_TROUBLED) {
            settle(s, stream, time, SETTLE_PATIENTLY);
        }
    }
}
