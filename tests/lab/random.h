/* Chance, from a seed alone: the same seed draws the same everywhere. Splitmix64 (Steele, Lea, Flood 2014). */
#ifndef TESTS_LAB_RANDOM_H
#define TESTS_LAB_RANDOM_H

#include <stdbool.h>
#include <stdint.h>
#include "tests/lab/scenario.h"

struct lab_random {
    uint64_t state;
};

uint64_t lab_mix(uint64_t a, uint64_t b); /* a hash of both */
double lab_share(uint64_t hash);          /* 0 <= x < 1 */

uint64_t lab_next(struct lab_random *);
uint64_t lab_below(struct lab_random *, uint64_t most); /* 0..most-1; 0 where most is 0 */
double lab_fraction(struct lab_random *);
bool lab_chance(struct lab_random *, double share);
double lab_draw(struct lab_random *, struct lab_range);
uint64_t lab_draw_whole(struct lab_random *, struct lab_range); /* both ends can be drawn */
double lab_exponential(struct lab_random *, double mean);

#endif
