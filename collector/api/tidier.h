/* When the store is tidied, and by whom: the thread that writes, between two groups of requests, in steps that hold up
 * none for long. */
#ifndef COLLECTOR_API_TIDIER_H
#define COLLECTOR_API_TIDIER_H

#include <stdbool.h>
#include "collector/store/store.h"

struct heard;
struct tidier {
    bool on;
    struct heard *heard; /* borrowed; NULL: none */
    struct store_retention keep;
    duration due; /* steady time of the next step */
    bool failing; /* it was said */
};

void tidier_begin(struct tidier *, const struct store_retention *, struct heard *);
bool tidier_is_due(const struct tidier *);
duration tidier_patience(const struct tidier *); /* until it is */
/* One step, a transaction of its own. The server is gone: the store is closed and NULL. */
void tidier_step(struct tidier *, struct store **);

#endif
