/* The likeness of a message's text: sixteen numbers of which near-identical texts have most in common.
 *
 * It is a sketch of the set of pairs of neighbouring words (MinHash with one permutation; Broder 1997, Li, Owen and
 * Zhang 2012): the share of equal numbers estimates the share of pairs that two texts have in common. Names, numbers
 * and random padding touch few pairs. The words cannot be had back from it. */
#ifndef COMMON_WORDS_LIKENESS_H
#define COMMON_WORDS_LIKENESS_H

#include <stdbool.h>
#include <stdint.h>

#define LIKENESS_PARTS 16

struct likeness {
    uint16_t parts[LIKENESS_PARTS]; /* 0: no pair of words fell into this part */
};

/* False for a text that was too short to have one: all parts are 0. */
bool likeness_is_known(const struct likeness *);

/* How much two texts have in common: 0 (nothing, or one of them is not known) to 100. Parts that are empty in both do
 * not count. */
uint32_t likeness_share(const struct likeness *, const struct likeness *);

#endif
