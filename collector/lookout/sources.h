/* Where own names come from: the configuration, nodes, and senders that nodes tell of. They are gone through again and
 * again, a few at a time. */
#ifndef COLLECTOR_LOOKOUT_SOURCES_H
#define COLLECTOR_LOOKOUT_SOURCES_H

#include "collector/blacklist/own.h"
#include "collector/lookout/watch.h"
#include "collector/store/store.h"

struct sources {
    const struct watch_settings *settings;
    const struct own *own;
    size_t next;        /* of the own names */
    moment own_after;   /* not before then from the beginning */
    int64_t node;       /* behind which it goes on */
    moment begun;       /* when this walk over the nodes did; 0: it is over ... */
    moment since;       /* what has sent since then is new to it */
    bool is_full;       /* no sender's address is added */
    moment nodes_after; /* ... and the next begins then */
};

void sources_begin(struct sources *, const struct watch_settings *, const struct own *);
/* The next few of them, inside of a transaction. On failure the caller puts the struct back as it was. */
int sources_step(struct sources *, struct store *, moment now, struct error *) MUST_CHECK;
/* Whether there is something to do now. */
bool sources_is_due(const struct sources *, moment now);

#endif
