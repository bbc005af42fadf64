/* About how many different things in a window, in 64 bytes: linear counting (Whang, Vander-Zanden and Taylor, "A
 * Linear-Time Probabilistic Counting Algorithm for Database Applications", 1990).
 *
 * Each thing sets one of 256 bits, chosen by its hash; from the bits that are still zero follows how many things there
 * were: within a tenth up to some 500, at most about 1,500. It ages by halves: one bitmap for this half of the window,
 * one for the half before, and what is read is their union: what was seen in the last half to whole window. */
#ifndef DETECTORS_SKETCH_H
#define DETECTORS_SKETCH_H

#include <stdbool.h>
#include <stdint.h>
#include "common/moment.h"

#define SKETCH_WORDS 4
struct sketch {
    uint64_t now[SKETCH_WORDS], before[SKETCH_WORDS];
};

/* Age by the halves that have passed since the one that was last written: the caller keeps that number. */
void sketch_age(struct sketch *, uint32_t halves);
/* True where it was not in the union before. */
bool sketch_add(struct sketch *, uint32_t hash);
uint32_t sketch_count(const struct sketch *);

#endif
