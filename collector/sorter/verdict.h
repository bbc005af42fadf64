/* What all opinions of one message come to, and which filter is to be asked next. Pure. */
#ifndef COLLECTOR_SORTER_VERDICT_H
#define COLLECTOR_SORTER_VERDICT_H

#include <stdbool.h>
#include <stdint.h>
#include "collector/filter/opinion.h"
#include "collector/store/messages.h"

#define VERDICT_MOST 16 /* opinions of one message that are looked at */

/* One filter's row, as it stands. */
struct verdict_row {
    uint32_t order; /* of the filter */
    bool bulk;   /* the count of equal ones: few of them do not make it ham, and who is to be asked it does not say */
    bool known;  /* there is such a filter; of one that is gone only what it has said counts */
    bool parked; /* it waits for filters of a lower order */
    bool absent; /* it is down, or has failed to answer: nobody waits for it */
    enum store_opinion_state state;
    int32_t score, threshold;
    bool certain, virus;
};

struct verdict {
    enum store_sorted sorted;
    int64_t score;  /* hundredths of a threshold: the highest share of its own that any gave; 0 to a million */
    uint32_t ask;   /* a bit a row: parked ones whose turn it is */
    uint32_t spare; /* parked ones that need not be asked any more */
};

/* Virus where any says so, else spam where any says so; ham where at least one has a verdict; waiting while others may
 * still have one; else unknown. */
void verdict_reckon(const struct verdict_row *, uint32_t count, struct verdict *result);

#endif
