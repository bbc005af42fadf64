/* A likelihood ratio as points: 10*log10(more/less) in hundredths of a deciban, in integers alone, so that every
 * machine and compiler agrees on the last digit. */
#ifndef DETECTORS_RATIO_H
#define DETECTORS_RATIO_H

#include <stdint.h>
#include "common/words/points.h"

/* Rounded to the nearest; negative where `more` is less than `less`. A zero counts as one. */
points ratio_points(uint64_t more, uint64_t less);

#endif
