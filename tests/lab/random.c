/* A step and a finish; everything else is arithmetic on its bits. */
#include "tests/lab/random.h"

#include <math.h>

static uint64_t finish(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

uint64_t lab_mix(uint64_t a, uint64_t b)
{
    return finish(finish(a + UINT64_C(0x9e3779b97f4a7c15)) ^ (b + UINT64_C(0x632be59bd9b4e019)));
}

double lab_share(uint64_t hash)
{
    return (double)(hash >> 11) * 0x1p-53;
}

uint64_t lab_next(struct lab_random *random)
{
    return finish(random->state += UINT64_C(0x9e3779b97f4a7c15));
}

uint64_t lab_below(struct lab_random *random, uint64_t most)
{
    return most > 0 ? lab_next(random) % most : 0;
}

double lab_fraction(struct lab_random *random)
{
    return lab_share(lab_next(random));
}

bool lab_chance(struct lab_random *random, double share)
{
    return lab_fraction(random) < share;
}

double lab_draw(struct lab_random *random, struct lab_range range)
{
    return range.least + (range.most - range.least) * lab_fraction(random);
}

uint64_t lab_draw_whole(struct lab_random *random, struct lab_range range)
{
    uint64_t least = (uint64_t)range.least, most = (uint64_t)range.most;
    return least + lab_below(random, most >= least ? most - least + 1 : 1);
}

double lab_exponential(struct lab_random *random, double mean)
{
    return -mean * log(1 - lab_fraction(random));
}
