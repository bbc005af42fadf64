/* What deserves attention and is not raised where it happens, because that would be on the way of records: it is looked
 * for now and then, in indexes that hold little else. Inside of a transaction of the caller's. */
#ifndef COLLECTOR_STORE_RAISING_H
#define COLLECTOR_STORE_RAISING_H

#include "collector/store/alerts.h"

struct store_raising {
    moment begun;   /* since when nodes could have been heard; none is lost that had less than `lost` */
    duration lost;  /* a node that says nothing for so long is lost */
    duration quiet; /* so long after its last virus a sender has no more */
};
/* 1: there is something for store_raise(); 0: nothing. Looks only. */
int store_raise_wanted(struct store *, const struct store_raising *, moment now, struct error *) MUST_CHECK;
/* Raises what is new and resolves what is over, a bounded number of each; how many. 0: nothing was written. */
int store_raise(struct store *, const struct store_raising *, moment now, struct error *) MUST_CHECK;

#endif
