/* Which nodes were heard of lately: those that asked for orders and had nothing to deliver. Noted by the threads that
 * answer and only look at the store, and written down now and then by the one that writes. */
#ifndef COLLECTOR_API_HEARD_H
#define COLLECTOR_API_HEARD_H

#include "collector/store/store.h"

struct heard;
/* NULL: no memory. */
struct heard *heard_create(void);
void heard_destroy(struct heard **);
/* From any thread; `steady`: by the clock that nobody sets. Without memory it is not noted; the node comes again. */
void heard_note(struct heard *, int64_t node, duration steady);
/* Writes down what was noted since the last time, and forgets it where that was `committed` (heard_settle). `now`: the
 * store's moment of `steady`. */
int heard_write(struct heard *, struct store *, moment now, duration steady, struct error *) MUST_CHECK;
void heard_settle(struct heard *, bool committed);

#endif
