/* Bytes that came before their turn, kept until they have it, within bounds; and the noticing of copies that differ
 * from the first, for that is how one hides from a watcher. A byte is taken as it came first, unless there is doubt
 * that the receiver took it so (stream_doubt.h): then a copy about which there is less takes its place. */
#include "agent/packet/stream_held.h"

#include <stdlib.h>
#include <string.h>

/* A client that holds more than this part of all held bytes pays when they run out. */
#define HEAVY_PART  8
#define PAYERS_MOST 256 /* of the oldest, among which such a client is looked for */
#define COST_LEAST  256 /* bytes of a held piece, however short it is */

/* ---- noticing copies with other bytes ---- */

static inline uint64_t load(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* Both words and the key, multiplied: the halves of the product folded together. */
static inline uint64_t fold(uint64_t a, uint64_t b)
{
    __extension__ unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t fold_sixteen(const struct siphash_key *key, const char *bytes, uint64_t place)
{
    return fold(load(bytes) ^ key->words[0] ^ place, load(bytes + 8) ^ key->words[1]);
}

/* Keyed, so that nobody can write another text with the same sum; of texts beyond 64 bytes the beginning and the end
 * only, for this is done to every segment. */
uint32_t stream_check(const struct streams *s, struct text text)
{
    const struct siphash_key *key = &s->settings.key;
    const char *bytes = text.bytes, *end = text.bytes + text.length;
    uint64_t sum = text.length;
    if (text.length >= 16) {
        sum ^= fold_sixteen(key, bytes, 1) ^ fold_sixteen(key, end - 16, 2);
        if (text.length > 32) {
            sum ^= fold_sixteen(key, text.length > 64 ? bytes + 16 : bytes + (text.length - 16) / 3, 3);
            sum ^= fold_sixteen(key, text.length > 64 ? end - 32 : end - 16 - (text.length - 16) / 3, 4);
        }
    } else {
        char padded[16] = {0};
        memcpy(padded, bytes, text.length);
        sum ^= fold_sixteen(key, padded, 5);
    }
    return (uint32_t)(sum ^ sum >> 32);
}

static void count_conflict(struct streams *s, struct stream *stream)
{
    s->counters.conflicting++;
    if (stream->conflicts < UINT16_MAX) {
        stream->conflicts++;
    }
}

/* Only the latest bytes that were passed on are known by their sum; most copies are of those. */
void stream_compare_passed(struct streams *s, struct stream *stream, const struct side *side, const struct piece *piece)
{
    if (side->last_length != 0 && piece->sequence == side->last_start && piece->bytes.length >= side->last_length) {
        struct text again = {piece->bytes.bytes, side->last_length};
        if (stream_check(s, again) != side->last_check) {
            count_conflict(s, stream);
        }
    }
}

void stream_compare_held(struct streams *s, struct stream *stream, const struct held *held, const struct piece *piece)
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

struct trouble *trouble_of(struct streams *s, struct stream *stream, moment time)
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

/* What a piece with room for so many bytes costs of the bounds. They bound how many pieces there are as well, and so
 * the way along them to where the next one belongs. */
static uint32_t cost_of(size_t room)
{
    size_t size = sizeof(struct held) + room;
    return (uint32_t)(size > COST_LEAST ? size : COST_LEAST);
}

static void held_free(struct streams *s, struct trouble *trouble, struct held *held)
{
    uint32_t size = cost_of(held->room);
    trouble->held -= size;
    s->counters.bytes_held_now -= size;
    s->shares[trouble->stream->share].held -= size;
    free(held);
}

void trouble_clear(struct streams *s, struct stream *stream)
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
        stream_order_flush(s, paying, time, false);
        stream_end_if_over(s, paying, time);
    }
    return false;
}

/* A held piece behind `*link`. False: the bounds or memory forbid it. */
static bool hold_at(struct streams *s, struct stream *stream, enum stream_side side, struct held **link,
                    const struct piece *piece, moment time)
{
    struct trouble *trouble = stream->trouble;
    uint32_t size = cost_of(piece->bytes.length);
    if (trouble->held + size > s->settings.bytes_per_stream || must_pay(s, stream, size, time)) {
        return false;
    }
    struct held *held = malloc(sizeof *held + piece->bytes.length);
    if (!held) {
        return false;
    }
    held->sequence = piece->sequence;
    held->acknowledged = piece->acknowledged;
    held->length = held->room = (uint32_t)piece->bytes.length;
    held->missing = piece->missing;
    held->fin = piece->fin;
    held->doubt = piece->doubt;
    memcpy(held->bytes, piece->bytes.bytes, piece->bytes.length);
    held->next = *link;
    *link = held;
    if (!held->next) {
        trouble->last[side] = held;
    }
    trouble->held += size;
    s->counters.bytes_held_now += size;
    s->shares[stream->share].held += size;
    return true;
}

struct piece held_piece(const struct held *held)
{
    return (struct piece){.sequence = held->sequence,
                          .acknowledged = held->acknowledged,
                          .bytes = {(const char *)held->bytes, held->length},
                          .missing = held->missing,
                          .fin = held->fin,
                          .doubt = held->doubt};
}

/* What a held piece is from now on: a part of what it was. */
static void shrink(struct held *held, const struct piece *part)
{
    memmove(held->bytes, part->bytes.bytes, part->bytes.length);
    held->sequence = part->sequence;
    held->length = (uint32_t)part->bytes.length;
    held->missing = part->missing;
    held->fin = part->fin;
}

/* The piece that `*link` leads to is not held any more; `before` is the one before it. */
static void unlink_held(struct streams *s, struct stream *stream, enum stream_side side, struct held **link,
                        struct held *before)
{
    struct held *held = *link;
    *link = held->next;
    if (stream->trouble->last[side] == held) {
        stream->trouble->last[side] = before;
    }
    held_free(s, stream->trouble, held);
}

void held_drop_front(struct streams *s, struct stream *stream, enum stream_side side, uint32_t span)
{
    struct held *held = stream->trouble->first[side];
    if (span >= held_span(held)) {
        unlink_held(s, stream, side, &stream->trouble->first[side], NULL);
        return;
    }
    struct piece rest = held_piece(held);
    piece_drop_front(&rest, span);
    shrink(held, &rest);
}

/* Which of two copies the receiver is likelier to have taken. Of two that are equally good Linux takes the one that
 * begins earlier, then the one that reaches further, then the one that came first. `in_order`: the held one had its
 * turn when it came, and waits for the other side with us alone. */
static bool is_better(const struct piece *piece, uint32_t start, const struct held *held, bool in_order)
{
    if (piece->doubt != held->doubt || in_order) {
        return piece->doubt < held->doubt;
    }
    int32_t earlier = sequence_distance(start, held->sequence);
    return earlier > 0 || (earlier == 0 && piece_span(piece) > held_span(held));
}

/* Make way for the piece in what `*link` leads to, with which it has something in common. What stands behind the piece
 * stays held; what stands before it as well, and then `*link` leads to that. False: no memory for both. */
static bool make_way(struct streams *s, struct stream *stream, enum stream_side side, struct held **link,
                     struct held *before, const struct piece *piece, moment time)
{
    struct held *held = *link;
    struct piece front = held_piece(held), rest = front;
    int32_t in_front = sequence_distance(held->sequence, piece->sequence);
    uint32_t behind = (uint32_t)sequence_distance(held->sequence, piece->sequence + piece_span(piece));
    bool goes_on = behind < held_span(held);
    front = piece_front(&front, in_front > 0 ? (uint32_t)in_front : 0);
    piece_drop_front(&rest, goes_on ? behind : held_span(held));
    if (in_front <= 0 && !goes_on) {
        unlink_held(s, stream, side, link, before);
    } else if (in_front <= 0) {
        shrink(held, &rest);
    } else {
        if (goes_on && !hold_at(s, stream, side, &held->next, &rest, time)) {
            return false;
        }
        shrink(held, &front);
    }
    return true;
}

bool held_add(struct streams *s, struct stream *stream, enum stream_side side, struct piece piece, moment time)
{
    struct trouble *trouble = stream->trouble;
    struct held **link = &trouble->first[side], *before = NULL;
    uint32_t start = piece.sequence, in_order = stream->sides[side].next;
    if (*link && sequence_distance(trouble->last[side]->sequence + held_span(trouble->last[side]), start) >= 0) {
        before = trouble->last[side];
        link = &before->next; /* behind all others, as it mostly is */
    }
    bool overlaps = false;
    while (*link && piece_span(&piece) > 0) {
        struct held *held = *link;
        int32_t to_end = sequence_distance(piece.sequence, held->sequence + held_span(held));
        int32_t to_begin = sequence_distance(piece.sequence, held->sequence);
        if (to_begin >= (int32_t)piece_span(&piece)) {
            break;
        }
        if (to_end > 0) {
            overlaps = true;
            stream_compare_held(s, stream, held, &piece);
            if (is_better(&piece, start, held, held->sequence == in_order)) {
                uint32_t kept = to_begin < 0 ? (uint32_t)-to_begin : 0;
                if (!make_way(s, stream, side, link, before, &piece, time)) {
                    return false;
                }
                if (kept == 0) {
                    continue;
                }
                held = *link; /* what stands before the piece */
            } else {
                if (to_begin > 0) {
                    struct piece front = piece_front(&piece, (uint32_t)to_begin);
                    if (!hold_at(s, stream, side, link, &front, time)) {
                        return false;
                    }
                }
                piece_drop_front(&piece, (uint32_t)to_end < piece_span(&piece) ? (uint32_t)to_end : piece_span(&piece));
            }
        }
        if (held->sequence == in_order && held->doubt == 0) {
            in_order += held_span(held);
        }
        before = held;
        link = &held->next;
    }
    s->counters.overlapping += overlaps;
    return piece_span(&piece) == 0 || hold_at(s, stream, side, link, &piece, time);
}
