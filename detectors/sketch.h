/* About how many different things, in 32 bytes: linear counting (Whang, Vander-Zanden and Taylor, "A Linear-Time
 * Probabilistic Counting Algorithm for Database Applications", 1990).
 *
 * Each thing sets one of 256 bits, chosen by its hash; from the bits that are still zero follows how many things there
 * were: within a tenth up to some 500, at most about 1,500.
 *
 * A sketch counts within a window. It ages by halves: one bitmap for this half of the window, one for the half before,
 * and what is read is their union: what was seen in the last half to whole window. */
#ifndef DETECTORS_SKETCH_H
#define DETECTORS_SKETCH_H

#include <stdbool.h>
#include <stdint.h>

struct bitmap {
    uint64_t words[4];
};
/* True where it was not there before. */
bool bitmap_add(struct bitmap *, uint32_t hash);
uint32_t bitmap_count(const struct bitmap *);

struct sketch {
    struct bitmap now, before;
};
/* Age by the halves that have passed since it was last aged: the caller keeps that number. */
void sketch_age(struct sketch *, uint32_t halves);
bool sketch_add(struct sketch *, uint32_t hash);
uint32_t sketch_count(const struct sketch *);

#endif
