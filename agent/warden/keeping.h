/* When the orders that the kernel does not hold are written to their file (kept_orders.h), and that they are in force
 * again after a restart. */
#ifndef AGENT_WARDEN_KEEPING_H
#define AGENT_WARDEN_KEEPING_H

#include "agent/warden/enforcement.h"

struct keeping {
    int directory; /* of the state; borrowed */
    bool changed;  /* since they were written */
    bool written;  /* in this second */
    bool failed;   /* the last time, and it was said */
};

/* The orders of before are in force: before enforcement is switched on, so that what stands in the kernel is known for
 * what it is. Negative: the file cannot be read, and there are none. */
int keeping_adopt(struct keeping *, struct enforcement *, moment now, struct error *) MUST_CHECK;
/* An order on that sender has come or gone. */
void keeping_note(struct keeping *, struct enforcement *, const struct sender *);
/* At most once a second, however many orders come, what a storm adds with the next; `at_once`: now, for a person waits
 * for it. Negative: it failed, and that is news. */
int keeping_write(struct keeping *, struct enforcement *, bool at_once, struct error *) MUST_CHECK;
void keeping_tick(struct keeping *); /* a second has begun */

#endif
