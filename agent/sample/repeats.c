/* A body is found by its digest, or by a pair of neighbouring parts of its likeness that it has in common with an
 * earlier one: places that nobody keeps in order, for what stands there is a guess which the body itself confirms. */
#include "agent/sample/repeats.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BANDS   (LIKENESS_PARTS / 2)
#define GUESSES 16384 /* a power of two */

struct body {
    uint64_t digest[2];
    struct likeness likeness;
    moment seen, sent; /* 0: never */
};

struct repeats {
    uint32_t hand; /* whose turn it is to be forgotten */
    struct body *last;
    uint16_t guesses[GUESSES];
    struct body bodies[REPEATS_MOST];
};

struct repeats *repeats_create(void)
{
    return calloc(1, sizeof(struct repeats));
}

void repeats_destroy(struct repeats **repeats)
{
    free(*repeats);
    *repeats = NULL;
}

static uint16_t *guess_at(struct repeats *repeats, uint32_t mark)
{
    return &repeats->guesses[(uint32_t)(mark * UINT32_C(0x9e3779b1)) >> 18];
}
static_assert(GUESSES == 1 << (32 - 18), "the hash's upper bits are a place");

static uint16_t *guess_of_digest(struct repeats *repeats, const uint64_t digest[2])
{
    return guess_at(repeats, (uint32_t)digest[0]);
}

static uint32_t band_of(const struct likeness *likeness, uint32_t band)
{
    return (uint32_t)likeness->parts[2 * band] << 16 | likeness->parts[2 * band + 1];
}

static bool is_same(const struct body *body, const uint64_t digest[2])
{
    return body->seen != 0 && memcmp(body->digest, digest, sizeof body->digest) == 0;
}

static struct body *find(struct repeats *repeats, const uint64_t digest[2], const struct likeness *likeness)
{
    struct body *body = &repeats->bodies[*guess_of_digest(repeats, digest)];
    if (is_same(body, digest))
        return body;
    for (uint32_t band = 0; band < BANDS; band++) {
        uint32_t pair = band_of(likeness, band);
        if (pair == 0)
            continue;
        body = &repeats->bodies[*guess_at(repeats, pair + band)];
        if (band_of(&body->likeness, band) == pair && likeness_share(&body->likeness, likeness) >= REPEATS_LEAST_SHARE)
            return body;
    }
    return NULL;
}

static struct body *add(struct repeats *repeats, const uint64_t digest[2], const struct likeness *likeness)
{
    uint16_t place = (uint16_t)(repeats->hand++ % REPEATS_MOST);
    struct body *body = &repeats->bodies[place];
    *body = (struct body){.digest = {digest[0], digest[1]}, .likeness = *likeness};
    *guess_of_digest(repeats, digest) = place;
    for (uint32_t band = 0; band < BANDS; band++)
        if (band_of(likeness, band) != 0)
            *guess_at(repeats, band_of(likeness, band) + band) = place;
    return body;
}

/* Where the clock was set back nothing is known to be late. */
static bool is_over(moment then, moment now)
{
    return then == 0 || now - then > REPEATS_SPAN || then - now > REPEATS_SPAN;
}

enum repeat repeats_note(struct repeats *repeats, const uint64_t digest[2], const struct likeness *likeness, moment now)
{
    struct body *body = find(repeats, digest, likeness);
    bool again = body != NULL && !is_over(body->seen, now);
    if (body == NULL)
        body = add(repeats, digest, likeness);
    body->seen = now;
    repeats->last = body;
    if (!is_over(body->sent, now))
        return REPEAT_SENT;
    return again ? REPEAT_AGAIN : REPEAT_NEW;
}

void repeats_sent(struct repeats *repeats, moment now)
{
    if (repeats->last)
        repeats->last->sent = now;
}
