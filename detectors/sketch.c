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

/* To set one more bit while z are zero takes 256/z things on average: their sum is the most likely number. By zeros. */
static const uint16_t likeliest[BITS + 1] = {
    1568, 1312, 1184, 1098, 1034, 983, 941, 904, 872, 844, 818, 795, 773, 754, 735, 718, 702, 687, 673, 660, 647, 635,
    623,  612,  601,  591,  581,  572, 562, 554, 545, 537, 529, 521, 513, 506, 499, 492, 485, 479, 472, 466, 460, 454,
    448,  443,  437,  432,  426,  421, 416, 411, 406, 401, 396, 392, 387, 383, 378, 374, 370, 366, 361, 357, 353, 349,
    345,  342,  338,  334,  331,  327, 323, 320, 316, 313, 310, 306, 303, 300, 297, 293, 290, 287, 284, 281, 278, 275,
    272,  269,  267,  264,  261,  258, 256, 253, 250, 248, 245, 242, 240, 237, 235, 232, 230, 227, 225, 223, 220, 218,
    216,  213,  211,  209,  206,  204, 202, 200, 198, 195, 193, 191, 189, 187, 185, 183, 181, 179, 177, 175, 173, 171,
    169,  167,  165,  163,  161,  160, 158, 156, 154, 152, 150, 149, 147, 145, 143, 142, 140, 138, 136, 135, 133, 131,
    130,  128,  126,  125,  123,  122, 120, 118, 117, 115, 114, 112, 111, 109, 108, 106, 105, 103, 102, 100, 99,  97,
    96,   94,   93,   91,   90,   89,  87,  86,  84,  83,  82,  80,  79,  77,  76,  75,  73,  72,  71,  69,  68,  67,
    66,   64,   63,   62,   60,   59,  58,  57,  55,  54,  53,  52,  51,  49,  48,  47,  46,  45,  43,  42,  41,  40,
    39,   38,   36,   35,   34,   33,  32,  31,  30,  28,  27,  26,  25,  24,  23,  22,  21,  20,  19,  18,  16,  15,
    14,   13,   12,   11,   10,   9,   8,   7,   6,   5,   4,   3,   2,   1,   0};

/* How many bits are set, by adding neighbours: pairs, fours, bytes, all. The compiler's own way, where it may not count
 * on a processor that knows how, is a call for each word. */
static inline uint32_t ones(uint64_t word)
{
    word -= word >> 1 & UINT64_C(0x5555555555555555);
    word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
    word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (uint32_t)(word * UINT64_C(0x0101010101010101) >> 56);
}

uint32_t bitmap_count(const struct bitmap *bitmap)
{
    uint32_t zeros = BITS;
    for (int i = 0; i < WORDS; i++)
        zeros -= ones(bitmap->words[i]);
    return likeliest[zeros];
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
