/* See sketch.h. */
#include "detectors/sketch.h"

#define WORDS 4
#define BITS  (WORDS * 64)

static uint64_t bit_of(uint32_t hash)
{
    return UINT64_C(1) << hash % 64;
}

static uint32_t word_of(uint32_t hash)
{
    return hash / 64 % WORDS;
}

bool bitmap_add(struct bitmap *bitmap, uint32_t hash)
{
    uint64_t *word = &bitmap->words[word_of(hash)];
    bool added = (*word & bit_of(hash)) == 0;
    *word |= bit_of(hash);
    return added;
}

/* To set one more bit while z are zero takes 256/z things on average: their sum is the most likely number. */
uint32_t bitmap_count(const struct bitmap *bitmap)
{
    uint32_t zeros = BITS;
    for (int i = 0; i < WORDS; i++)
        zeros -= (uint32_t)__builtin_popcountll(bitmap->words[i]);
    uint32_t sum = 0;
    for (uint32_t z = zeros + 1; z <= BITS; z++)
        sum += BITS * 1024 / z;
    return (sum + 512) / 1024;
}

void sketch_age(struct sketch *sketch, uint32_t halves)
{
    if (halves == 0)
        return;
    sketch->before = halves == 1 ? sketch->now : (struct bitmap){{0}};
    sketch->now = (struct bitmap){{0}};
}

bool sketch_add(struct sketch *sketch, uint32_t hash)
{
    bool is_old = (sketch->before.words[word_of(hash)] & bit_of(hash)) != 0;
    return bitmap_add(&sketch->now, hash) && !is_old;
}

uint32_t sketch_count(const struct sketch *sketch)
{
    struct bitmap both = sketch->now;
    for (int i = 0; i < WORDS; i++)
        both.words[i] |= sketch->before.words[i];
    return bitmap_count(&both);
}
