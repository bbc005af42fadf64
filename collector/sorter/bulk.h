/* The internal filter "bulk": what the counts of a message's text and pictures come to, as an opinion like the others'.
 *
 * Score: below the first step the share of it; from there on the number of steps reached; threshold 1. Symbols:
 * BODY_BULK(12) PICTURE_BULK(7), the recipients counted. */
#ifndef COLLECTOR_SORTER_BULK_H
#define COLLECTOR_SORTER_BULK_H

#include "collector/filter/opinion.h"
#include "collector/store/bulk.h"

#define BULK_FILTER "bulk"

/* False: nothing is to be said of it (never counted, or counting is off). */
bool bulk_opinion(const struct bulk_counts *, const struct bulk_settings *, struct opinion *result);

#endif
