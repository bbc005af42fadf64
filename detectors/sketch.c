/* See sketch.h. */
#include <string.h>
#include "detectors/sketch.h"

#define BITS (SKETCH_WORDS * 64)

void sketch_age(struct sketch *sketch, uint32_t halves)
{
    if (halves == 0)
        return;
    if (halves == 1)
        memcpy(sketch->before, sketch->now, sizeof sketch->before);
    else
        memset(sketch->before, 0, sizeof sketch->before);
    memset(sketch->now, 0, sizeof sketch->now);
}

bool sketch_add(struct sketch *sketch, uint32_t hash)
{
    uint32_t word = hash % BITS / 64;
    uint64_t bit = UINT64_C(1) << hash % 64;
    bool added = ((sketch->now[word] | sketch->before[word]) & bit) == 0;
    sketch->now[word] |= bit;
    return added;
}

/* To set one more bit while z are zero takes 256/z things on average: their sum is the most likely number. */
uint32_t sketch_count(const struct sketch *sketch)
{
    uint32_t zeros = BITS;
    for (int i = 0; i < SKETCH_WORDS; i++)
        zeros -= (uint32_t)__builtin_popcountll(sketch->now[i] | sketch->before[i]);
    uint32_t sum = 0;
    for (uint32_t z = zeros + 1; z <= BITS; z++)
        sum += BITS * 1024 / z;
    return (sum + 512) / 1024;
}
