/* Points: weight of evidence in decibans, 10*log10 of the likelihood ratio "abuser" : "not" (Good, "Probability and the
 * Weighing of Evidence", 1950). 10 points are odds of 10:1, 20 of 100:1; independent points add. Kept as hundredths in
 * integers, so that every machine and compiler agrees on every sum. */
#ifndef COMMON_WORDS_POINTS_H
#define COMMON_WORDS_POINTS_H

#include <stdint.h>

typedef int32_t points; /* hundredths of a deciban */

#define DECIBANS(n) ((points)((n)*100))

#endif
