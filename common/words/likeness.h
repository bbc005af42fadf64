/* The likeness of a message's text: sixteen numbers of which near-identical texts have most in common.
 *
 * It is a sketch of the set of pairs of neighbouring words (MinHash with one permutation; Broder 1997, Li, Owen and
 * Zhang 2012): the share of equal numbers estimates the share of pairs that two texts have in common. Names, numbers
 * and random padding touch few pairs. The words cannot be had back from it. */
#ifndef COMMON_WORDS_LIKENESS_H
#define COMMON_WORDS_LIKENESS_H

#include <stdbool.h>
#include <stdint.h>
#include "common/text.h"

#define LIKENESS_PARTS 16

struct likeness {
    uint16_t parts[LIKENESS_PARTS]; /* 0: no pair of words fell into this part */
};

/* False for a text that was too short to have one: all parts are 0. */
bool likeness_is_known(const struct likeness *);

/* How much two texts have in common: 0 (nothing, or one of them is not known) to 100. Parts that are empty in both do
 * not count. */
uint32_t likeness_share(const struct likeness *, const struct likeness *);

/* As text: its numbers one after the other, four small hexadecimal digits each. likeness_parse() takes capitals as
 * well; false: the text is none, and `result` is as it was. */
#define LIKENESS_TEXT (4 * LIKENESS_PARTS + 1)
const char *likeness_print(const struct likeness *, char result[LIKENESS_TEXT]);
bool likeness_parse(struct text, struct likeness *result);

#endif
