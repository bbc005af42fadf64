/* Putting bytes in order: what came before its turn is held, what came twice is held against what is known, and what
 * will not come becomes a gap.
 *
 * Every byte is taken as it came first; a later copy only fills what is missing (and is counted where it differs: that
 * is how one hides from a watcher). A hole is believed when the other side has acknowledged bytes that were not seen,
 * and a few more segments or a moment have passed without them: packets of one connection may be captured a little out
 * of order. What a side said after such an acknowledgement waits as well, so that a reply is never given to the
 * dialogue before the gap its command fell into. Where the other side waits for the same bytes (its acknowledgement
 * stands at the hole), so do we, as long as the bounds allow; where the other side is not seen at all, time and the
 * bounds decide. */
#include "agent/packet/stream_state.h"

#include <stdlib.h>
#include <string.h>

/* How long and for how many further segments an acknowledged hole may still be filled. */
#define LATE_TIME     (200 * MILLISECOND)
#define LATE_SEGMENTS 8
/* The same where the other side is not seen; from when on it counts as not seen. */
#define ALONE_TIME     (1 * SECOND)
#define ALONE_SEGMENTS 64
#define SILENT_TIME    (5 * SECOND)
/* A client that holds more than this part of all held bytes pays when they run out. */
#define HEAVY_PART  8
#define PAYERS_MOST 256 /* of the oldest, among which such a client is looked for */

static enum stream_side other(enum stream_side side)
{
    return side == STREAM_CLIENT ? STREAM_SERVER : STREAM_CLIENT;
}

bool stream_is_missing(const struct side *side)
{
    return (side->flags & SIDE_ACKED) && sequence_distance(side->next, side->acked) > 0;
}

/* The first piece held lies at the front of the queue of this side; NULL: nothing is held. */
static const struct held *first_held(const struct stream *stream, enum stream_side side)
{
    return stream->flags & STREAM_TROUBLED ? stream->trouble->first[side] : NULL;
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
    const struct side *peer = &stream->sides[other(side)];
    return stream_is_missing(peer) && sequence_distance(peer->next, acknowledged) > 0;
}

/* The first piece held of `side` is what comes next, but waits for the other side. */
static bool is_waiting(const struct stream *stream, enum stream_side side)
{
    const struct held *first = first_held(stream, side);
    return first && first->sequence == stream->sides[side].next && must_wait(stream, side, first->acknowledged);
}

/* ---- pieces: bytes, then what the snap length cut off, then the FIN ---- */

static uint32_t piece_span(const struct piece *piece)
{
    return (uint32_t)piece->bytes.length + piece->missing + piece->fin;
}

static struct piece piece_front(const struct piece *piece, uint32_t span)
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

static void piece_drop_front(struct piece *piece, uint32_t span)
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

static uint32_t held_span(const struct held *held)
{
    return held->length + held->missing + held->fin;
}

/* ---- noticing copies with other bytes ---- */

static uint64_t load(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static uint64_t mix(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * UINT64_C(0x9fb21c651e98df25);
    return sum ^ sum >> 32;
}

/* Keyed, so that nobody can write another text with the same sum; of long texts the beginning and the end only, for
 * this is done to every segment. */
uint32_t stream_order_check(const struct streams *s, struct text text)
{
    uint64_t sum = s->settings.key.words[0] ^ text.length;
    const char *bytes = text.bytes;
    size_t left = text.length;
    if (left > 48) {
        sum = mix(mix(mix(sum, load(bytes)), load(bytes + 8)), load(bytes + 16));
        bytes += left - 24;
        left = 24;
    }
    for (; left >= 8; left -= 8, bytes += 8) {
        sum = mix(sum, load(bytes));
    }
    uint64_t tail = 0;
    memcpy(&tail, bytes, left);
    return (uint32_t)(mix(sum, tail ^ s->settings.key.words[1]) >> 16);
}

static void count_conflict(struct streams *s, struct stream *stream)
{
    s->counters.conflicting++;
    if (stream->conflicts < UINT16_MAX) {
        stream->conflicts++;
    }
}

/* Only the latest bytes that were passed on are known by their sum; most copies are of those. */
static void compare_with_passed(struct streams *s, struct stream *stream, const struct side *side,
                                const struct piece *piece)
{
    if (side->last_length != 0 && piece->sequence == side->last_start && piece->bytes.length >= side->last_length) {
        struct text again = {piece->bytes.bytes, side->last_length};
        if (stream_order_check(s, again) != side->last_check) {
            count_conflict(s, stream);
        }
    }
}

static void compare_with_held(struct streams *s, struct stream *stream, const struct held *held,
                              const struct piece *piece)
{
    /* Where both begin, as distances from the held one. */
    int32_t from = sequence_distance(held->sequence, piece->sequence);
    size_t in_held = from > 0 ? (size_t)from : 0;
    size_t in_piece = from < 0 ? (size_t) - (int64_t)from : 0;
    if (in_held >= held->length || in_piece >= piece->bytes.length) {
        return;
    }
    size_t length = held->length - in_held;
    if (length > piece->bytes.length - in_piece) {
        length = piece->bytes.length - in_piece;
    }
    if (memcmp(held->bytes + in_held, piece->bytes.bytes + in_piece, length) != 0) {
        count_conflict(s, stream);
    }
}

/* ---- trouble comes and goes ---- */

static struct trouble *trouble_of(struct streams *s, struct stream *stream, moment time)
{
    if (stream->flags & STREAM_TROUBLED) {
        return stream->trouble;
    }
    struct trouble *trouble = calloc(1, sizeof *trouble);
    if (!trouble) {
        return NULL;
    }
    trouble->stream = stream;
    trouble->seen[0] = trouble->seen[1] = time;
    trouble->older = s->youngest_trouble;
    if (s->youngest_trouble) {
        s->youngest_trouble->younger = trouble;
    } else {
        s->oldest_trouble = trouble;
    }
    s->youngest_trouble = trouble;
    stream->trouble = trouble;
    stream->flags |= STREAM_TROUBLED;
    return trouble;
}

static void held_free(struct streams *s, struct trouble *trouble, struct held *held)
{
    uint32_t size = (uint32_t)sizeof *held + held->length;
    trouble->held -= size;
    s->counters.bytes_held_now -= size;
    s->shares[trouble->stream->share].held -= size;
    free(held);
}

void stream_order_clear(struct streams *s, struct stream *stream)
{
    if (!(stream->flags & STREAM_TROUBLED)) {
        return;
    }
    struct trouble *trouble = stream->trouble;
    for (int side = 0; side < 2; side++) {
        while (trouble->first[side]) {
            struct held *held = trouble->first[side];
            trouble->first[side] = held->next;
            held_free(s, trouble, held);
        }
    }
    *(trouble->older ? &trouble->older->younger : &s->oldest_trouble) = trouble->younger;
    *(trouble->younger ? &trouble->younger->older : &s->youngest_trouble) = trouble->older;
    free(trouble);
    stream->trouble = NULL;
    stream->flags &= (uint8_t)~STREAM_TROUBLED;
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

/* Pass on what is held and has its turn. Where each side waits for the other, neither does. */
static bool drain(struct streams *s, struct stream *stream, enum stream_side side, moment time)
{
    struct trouble *trouble = stream->trouble;
    bool passed = false;
    while (trouble->first[side] && trouble->first[side]->sequence == stream->sides[side].next &&
           (!is_waiting(stream, side) || is_waiting(stream, other(side)))) {
        struct held *held = trouble->first[side];
        trouble->first[side] = held->next;
        struct piece piece = {.sequence = held->sequence,
                              .bytes = {(const char *)held->bytes, held->length},
                              .missing = held->missing,
                              .fin = held->fin};
        pass_piece(s, stream, side, &piece, time);
        held_free(s, trouble, held);
        passed = true;
    }
    return passed;
}

static bool is_alone(const struct stream *stream, enum stream_side side, moment now)
{
    return !(stream->sides[other(side)].flags & SIDE_SEEN) || now - stream->trouble->seen[other(side)] >= SILENT_TIME;
}

/* Whether the bytes missing before `side` can go on will not come any more. */
static bool is_lost(const struct stream *stream, enum stream_side side, moment now)
{
    const struct hole *hole = &stream->trouble->holes[side];
    if (!hole->open || !has_hole(stream, side)) {
        return false;
    }
    if (stream_is_missing(&stream->sides[side])) {
        return hole->segments >= LATE_SEGMENTS || now - hole->since >= LATE_TIME;
    }
    return is_alone(stream, side, now) && (hole->segments >= ALONE_SEGMENTS || now - hole->since >= ALONE_TIME);
}

/* Go on behind the hole: to what is held, or to what was acknowledged, whichever comes first. */
static void skip_hole(struct streams *s, struct stream *stream, enum stream_side side, moment time)
{
    const struct side *own = &stream->sides[side];
    const struct held *first = stream->trouble->first[side];
    uint32_t length = 0;
    if (first) {
        length = first->sequence - own->next;
    }
    if (stream_is_missing(own) && (!first || own->acked - own->next < length)) {
        length = own->acked - own->next;
    }
    stream->trouble->holes[side] = (struct hole){.open = false};
    pass_loss(s, stream, side, length, time);
}

/* Pass on all that can be, give up the holes that are `lost` (or all of them), and note those that stay. */
static void settle(struct streams *s, struct stream *stream, moment time, bool all)
{
    bool passed = true;
    while (passed) {
        passed = drain(s, stream, STREAM_CLIENT, time);
        passed |= drain(s, stream, STREAM_SERVER, time);
        for (int side = 0; side < 2; side++) {
            if (all ? has_hole(stream, side) : is_lost(stream, side, time)) {
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
        if (open && !hole->open) {
            *hole = (struct hole){.open = true, .since = time};
        } else if (!open) {
            hole->open = false;
        }
        needed |= open || stream->trouble->first[side];
    }
    if (!needed) {
        stream_order_clear(s, stream);
    }
}

void stream_order_flush(struct streams *s, struct stream *stream, moment time)
{
    if (stream->flags & STREAM_TROUBLED) {
        settle(s, stream, time, true);
    }
}

void stream_order_tick(struct streams *s, moment now)
{
    struct trouble *trouble = s->oldest_trouble;
    while (trouble) {
        struct trouble *younger = trouble->younger;
        struct stream *stream = trouble->stream;
        settle(s, stream, now, false);
        stream_end_if_over(s, stream, now);
        trouble = younger;
    }
}

/* ---- holding ---- */

/* Make room in the bytes held by all. Whoever holds much pays; true: this stream is not to hold more. */
static bool must_pay(struct streams *s, struct stream *stream, uint64_t size, moment time)
{
    while (s->counters.bytes_held_now + size > s->settings.bytes_held) {
        uint64_t heavy = s->settings.bytes_held / HEAVY_PART;
        if (s->shares[stream->share].held + size > heavy || !s->oldest_trouble) {
            return true;
        }
        struct trouble *payer = NULL;
        int looked_at = 0;
        for (struct trouble *t = s->oldest_trouble; t && looked_at < PAYERS_MOST; t = t->younger, looked_at++) {
            if (t->stream == stream || t->held == 0) {
                continue;
            }
            if (s->shares[t->stream->share].held > heavy) {
                payer = t;
                break;
            }
            payer = payer ? payer : t;
        }
        if (!payer) {
            return true;
        }
        struct stream *paying = payer->stream;
        stream_order_flush(s, paying, time);
        stream_end_if_over(s, paying, time);
    }
    return false;
}

/* A held piece behind `*link`. False: the bounds or memory forbid it. */
static bool hold_at(struct streams *s, struct stream *stream, enum stream_side side, struct held **link,
                    const struct piece *piece, moment time)
{
    struct trouble *trouble = stream->trouble;
    uint64_t size = sizeof(struct held) + piece->bytes.length;
    if (trouble->held + size > s->settings.bytes_per_stream || must_pay(s, stream, size, time)) {
        return false;
    }
    struct held *held = malloc(sizeof *held + piece->bytes.length);
    if (!held) {
        return false;
    }
    held->sequence = piece->sequence;
    held->acknowledged = piece->acknowledged;
    held->length = (uint32_t)piece->bytes.length;
    held->missing = piece->missing;
    held->fin = piece->fin;
    memcpy(held->bytes, piece->bytes.bytes, piece->bytes.length);
    held->next = *link;
    *link = held;
    if (!held->next) {
        trouble->last[side] = held;
    }
    trouble->held += (uint32_t)size;
    s->counters.bytes_held_now += size;
    s->shares[stream->share].held += (uint32_t)size;
    return true;
}

/* Hold what of the piece is not held yet. False: not all of it could be. */
static bool hold(struct streams *s, struct stream *stream, enum stream_side side, struct piece piece, moment time)
{
    struct trouble *trouble = stream->trouble;
    struct held **link = &trouble->first[side];
    if (trouble->first[side] &&
        sequence_distance(trouble->last[side]->sequence + held_span(trouble->last[side]), piece.sequence) >= 0) {
        link = &trouble->last[side]->next; /* behind all others, as it mostly is */
    }
    bool overlaps = false;
    for (; *link && piece_span(&piece) > 0; link = &(*link)->next) {
        const struct held *held = *link;
        int32_t before = sequence_distance(piece.sequence, held->sequence);
        if (before > 0) {
            struct piece front = piece_front(&piece, (uint32_t)before);
            if (!hold_at(s, stream, side, link, &front, time)) {
                return false;
            }
            piece_drop_front(&piece, piece_span(&front));
            if (piece_span(&piece) == 0) {
                return true;
            }
            link = &(*link)->next;
            held = *link;
        }
        int32_t into = sequence_distance(piece.sequence, held->sequence + held_span(held));
        if (into > 0) {
            overlaps = true;
            compare_with_held(s, stream, held, &piece);
            piece_drop_front(&piece, (uint32_t)into < piece_span(&piece) ? (uint32_t)into : piece_span(&piece));
        }
    }
    s->counters.overlapping += overlaps;
    return piece_span(&piece) == 0 || hold_at(s, stream, side, link, &piece, time);
}

/* ---- a segment ---- */

/* Take off what was passed on already. */
static void trim_passed(struct streams *s, struct stream *stream, const struct side *side, struct piece *piece)
{
    int32_t behind = sequence_distance(piece->sequence, side->next);
    if (behind <= 0) {
        return;
    }
    compare_with_passed(s, stream, side, piece);
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
    while (piece_span(piece) > 0 && piece->sequence == own->next &&
           (!must_wait(stream, side, piece->acknowledged) || is_waiting(stream, other(side)))) {
        uint32_t span = piece_span(piece);
        const struct held *first = first_held(stream, side);
        if (first && first->sequence - own->next < span) {
            span = first->sequence - own->next;
            compare_with_held(s, stream, first, piece);
        }
        struct piece front = piece_front(piece, span);
        if (span > 0) {
            pass_piece(s, stream, side, &front, time);
        }
        piece_drop_front(piece, span);
        if (first && !drain(s, stream, side, time)) {
            break;
        }
        if (first) {
            int32_t behind = sequence_distance(piece->sequence, own->next);
            if (behind > 0) {
                s->counters.overlapping += piece_span(piece) > 0;
                piece_drop_front(piece, (uint32_t)behind < piece_span(piece) ? (uint32_t)behind : piece_span(piece));
            }
        }
    }
}

/* What could not be held: where nobody waits for the hole to be filled it is given up, else the bytes are, and the
 * other side's acknowledgement will show it. */
static void hold_failed(struct streams *s, struct stream *stream, enum stream_side side, struct piece *piece,
                        moment time)
{
    if (is_alone(stream, side, time) || stream_is_missing(&stream->sides[side])) {
        settle(s, stream, time, true);
        trim_passed(s, stream, &stream->sides[side], piece);
        if (sequence_distance(stream->sides[side].next, piece->sequence) > 0) {
            pass_loss(s, stream, side, piece->sequence - stream->sides[side].next, time);
        }
        pass_in_order(s, stream, side, piece, time);
    }
    s->counters.bytes_dropped += piece->bytes.length;
}

void stream_order_add(struct streams *s, struct stream *stream, enum stream_side side, struct piece piece, moment time)
{
    struct side *own = &stream->sides[side];
    trim_passed(s, stream, own, &piece);
    pass_in_order(s, stream, side, &piece, time);
    bool ahead = piece_span(&piece) > 0;
    if (ahead || (stream->flags & STREAM_TROUBLED) || stream_is_missing(&stream->sides[other(side)])) {
        struct trouble *trouble = trouble_of(s, stream, time);
        if (!trouble) {
            s->counters.bytes_dropped += piece.bytes.length;
            return;
        }
        trouble->seen[side] = time;
        trouble->holes[0].segments++;
        trouble->holes[1].segments++;
        if (ahead) {
            s->counters.out_of_order++;
            if (!hold(s, stream, side, piece, time)) {
                hold_failed(s, stream, side, &piece, time);
            }
        }
        if (stream->flags & STREAM_TROUBLED) {
            settle(s, stream, time, false);
        }
    }
}
