/* Pieces of one size, those used last handed out first, so that what is written is in the cache; and a row of all
 * samples by age. */
#include "agent/packet/smtp_samples.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "agent/packet/smtp_line_dot.h"

enum { PIECE_BYTES = 4096 - 16, NUMBER_BITS = 12 };
#define GENERATIONS (UINT32_C(1) << (32 - NUMBER_BITS))

struct piece {
    struct piece *next;
    uint32_t used;
    char bytes[PIECE_BYTES];
};

struct sample {
    struct piece *first, *last;
    moment begun;
    uint32_t generation;
    uint32_t older, younger; /* places; 0: none; of a free one `younger` is the next that is free */
    uint32_t bytes, most;
    uint8_t note;
    bool used, cut, stuffed;
};

struct smtp_samples {
    struct smtp_samples_counters counters;
    uint64_t memory, allocated; /* bytes of pieces */
    struct piece *free_pieces;
    uint32_t oldest, youngest, free, high_water;
    struct sample samples[SAMPLES_AT_ONCE + 1]; /* the first is none */
};

static_assert(SAMPLES_AT_ONCE < 1 << NUMBER_BITS, "a number names each");

struct smtp_samples *smtp_samples_create(uint64_t memory)
{
    struct smtp_samples *samples = calloc(1, sizeof *samples);
    if (samples)
        samples->memory = memory;
    return samples;
}

static void free_pieces(struct piece *piece)
{
    while (piece) {
        struct piece *next = piece->next;
        free(piece);
        piece = next;
    }
}

void smtp_samples_destroy(struct smtp_samples **samples)
{
    if (*samples) {
        for (uint32_t i = 1; i <= (*samples)->high_water; i++)
            free_pieces((*samples)->samples[i].first);
        free_pieces((*samples)->free_pieces);
    }
    free(*samples);
    *samples = NULL;
}

static uint32_t place_of(uint32_t number)
{
    return number & SAMPLES_AT_ONCE;
}

static const struct sample *find(const struct smtp_samples *samples, uint32_t number)
{
    const struct sample *sample = &samples->samples[place_of(number)];
    return sample->used && sample->generation == number >> NUMBER_BITS ? sample : NULL;
}

static struct sample *find_own(struct smtp_samples *samples, uint32_t number)
{
    struct sample *sample = &samples->samples[place_of(number)];
    return sample->used && sample->generation == number >> NUMBER_BITS ? sample : NULL;
}

/* --- coming and going --- */

static void unlink_sample(struct smtp_samples *samples, const struct sample *sample)
{
    uint32_t *behind = sample->older ? &samples->samples[sample->older].younger : &samples->oldest;
    uint32_t *before = sample->younger ? &samples->samples[sample->younger].older : &samples->youngest;
    *behind = sample->younger;
    *before = sample->older;
}

static void let_go(struct smtp_samples *samples, uint32_t place)
{
    struct sample *sample = &samples->samples[place];
    unlink_sample(samples, sample);
    samples->counters.bytes_held -= sample->bytes;
    if (sample->last) {
        sample->last->next = samples->free_pieces;
        samples->free_pieces = sample->first;
    }
    *sample = (struct sample){.generation = (sample->generation + 1) % GENERATIONS, .younger = samples->free};
    samples->free = place;
}

static bool let_oldest_go(struct smtp_samples *samples, uint32_t but)
{
    uint32_t place = samples->oldest;
    if (place == but)
        place = samples->samples[place].younger;
    if (place == 0)
        return false;
    samples->counters.crowded++;
    let_go(samples, place);
    return true;
}

uint32_t smtp_samples_begin(struct smtp_samples *samples, const struct smtp_sample_beginning *beginning)
{
    if (!samples->free && samples->high_water == SAMPLES_AT_ONCE)
        (void)let_oldest_go(samples, 0);
    uint32_t place = samples->free;
    if (place)
        samples->free = samples->samples[place].younger;
    else
        place = ++samples->high_water;
    struct sample *sample = &samples->samples[place];
    *sample = (struct sample){.begun = beginning->time,
                              .generation = sample->generation,
                              .older = samples->youngest,
                              .most = beginning->most,
                              .note = beginning->note,
                              .stuffed = beginning->stuffed,
                              .used = true};
    *(samples->youngest ? &samples->samples[samples->youngest].younger : &samples->oldest) = place;
    samples->youngest = place;
    samples->counters.begun++;
    return sample->generation << NUMBER_BITS | place;
}

void smtp_samples_release(struct smtp_samples *samples, uint32_t number)
{
    if (find(samples, number))
        let_go(samples, place_of(number));
}

void smtp_samples_tick(struct smtp_samples *samples, moment now)
{
    while (samples->oldest) {
        moment begun = samples->samples[samples->oldest].begun;
        if (begun + SAMPLE_LONGEST > now && begun < now + SAMPLE_LONGEST)
            return;
        let_go(samples, samples->oldest);
    }
}

/* --- content --- */

static struct piece *take_piece(struct smtp_samples *samples, uint32_t self)
{
    while (!samples->free_pieces && samples->allocated + sizeof(struct piece) > samples->memory)
        if (!let_oldest_go(samples, self))
            return NULL;
    struct piece *piece = samples->free_pieces;
    if (piece) {
        samples->free_pieces = piece->next;
    } else {
        piece = malloc(sizeof *piece);
        if (!piece)
            return NULL;
        samples->allocated += sizeof *piece;
    }
    piece->next = NULL;
    piece->used = 0;
    return piece;
}

static bool is_last_full(const struct sample *sample)
{
    return !sample->last || sample->last->used == PIECE_BYTES;
}

void smtp_samples_add(struct smtp_samples *samples, uint32_t number, const char *bytes, size_t length)
{
    struct sample *sample = find_own(samples, number);
    if (!sample || sample->cut)
        return;
    while (length > 0 && sample->bytes < sample->most) {
        if (is_last_full(sample)) {
            struct piece *piece = take_piece(samples, place_of(number));
            if (!piece)
                break;
            *(sample->last ? &sample->last->next : &sample->first) = piece;
            sample->last = piece;
        }
        size_t taken = PIECE_BYTES - sample->last->used;
        taken = length < taken ? length : taken;
        taken = taken < sample->most - sample->bytes ? taken : sample->most - sample->bytes;
        memcpy(sample->last->bytes + sample->last->used, bytes, taken);
        sample->last->used += (uint32_t)taken;
        sample->bytes += (uint32_t)taken;
        samples->counters.bytes_held += taken;
        samples->counters.copied += taken;
        bytes += taken;
        length -= taken;
    }
    sample->cut = length > 0;
}

void smtp_samples_stop(struct smtp_samples *samples, uint32_t number)
{
    struct sample *sample = find_own(samples, number);
    if (sample)
        sample->cut = true;
}

/* --- reading it --- */

/* Move what stays to the front; returns how much that is. `line_start`: before and behind the bytes. */
static size_t unstuff(char *bytes, size_t length, bool *line_start)
{
    size_t to = 0, from = *line_start && length > 0 && bytes[0] == '.' ? 1 : 0;
    *line_start = length > 0 ? bytes[length - 1] == '\n' : *line_start;
    for (;;) {
        size_t line_end = smtp_find_line_dot((struct text){bytes, length}, from);
        size_t end = line_end < length ? line_end + 1 : length;
        if (to < from)
            memmove(bytes + to, bytes + from, end - from);
        to += end - from;
        if (line_end >= length)
            return to;
        from = line_end + 2;
    }
}

void smtp_samples_unstuff(struct smtp_samples *samples, uint32_t number)
{
    struct sample *sample = find_own(samples, number);
    bool line_start = true;
    if (!sample || !sample->stuffed)
        return;
    sample->stuffed = false;
    for (struct piece *piece = sample->first; piece; piece = piece->next) {
        uint32_t left = (uint32_t)unstuff(piece->bytes, piece->used, &line_start);
        samples->counters.bytes_held -= piece->used - left;
        sample->bytes -= piece->used - left;
        piece->used = left;
    }
}

bool smtp_samples_state(const struct smtp_samples *samples, uint32_t number, struct smtp_sample_state *state)
{
    const struct sample *sample = find(samples, number);
    if (!sample)
        return false;
    *state = (struct smtp_sample_state){sample->bytes, sample->note, sample->cut};
    return true;
}

bool smtp_samples_piece(const struct smtp_samples *samples, uint32_t number, const void **at, struct text *piece)
{
    const struct sample *sample = find(samples, number);
    const struct piece *before = *at, *next = before ? before->next : sample ? sample->first : NULL;
    if (!sample || !next)
        return false;
    *at = next;
    *piece = (struct text){next->bytes, next->used};
    return true;
}

struct smtp_samples_counters smtp_samples_counters(const struct smtp_samples *samples)
{
    return samples->counters;
}
