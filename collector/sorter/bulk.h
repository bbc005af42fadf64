/* The internal filter "bulk": what the counts of a message's text and pictures come to, as an opinion like the others'.
 *
 * From the first step on it is spam to it: a score of 1 with a threshold of 1, and a quarter more for each step beyond.
 * Below it says nothing, for few copies are no sign of good mail. Symbols: BODY_BULK(6) body:7f3a9c01, PICTURE_BULK(20)
 * picture:c3a5f00f, the step that was reached and the beginning of the digest. So what is said of one text stays the
 * same from step to step, and a node takes it for one opinion, however many copies of it there are
 * (detectors/filter.c). */
#ifndef COLLECTOR_SORTER_BULK_H
#define COLLECTOR_SORTER_BULK_H

#include "collector/filter/opinion.h"
#include "collector/store/bulk.h"

#define BULK_FILTER "bulk"

/* False: it is no bulk, and has no such opinion. */
bool bulk_opinion(const struct bulk_counts *, struct opinion *result);

#endif
