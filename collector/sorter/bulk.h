/* The internal filter "bulk": what the counts of a message's text and pictures come to, as an opinion like the others'.
 *
 * From the first step on it is spam to it: its score is the number of steps reached, its threshold 1. Below it says
 * nothing, for few copies are no sign of good mail. Symbols: BODY_BULK(12) PICTURE_BULK(7), the recipients counted. */
#ifndef COLLECTOR_SORTER_BULK_H
#define COLLECTOR_SORTER_BULK_H

#include "collector/filter/opinion.h"
#include "collector/store/bulk.h"

#define BULK_FILTER "bulk"

/* False: it is no bulk, and has no such opinion. */
bool bulk_opinion(const struct bulk_counts *, struct opinion *result);

#endif
