/* Those who found nothing and wait for something to come: nodes for orders, people for events. No thread waits with
 * them. */
#ifndef COLLECTOR_API_WAITING_H
#define COLLECTOR_API_WAITING_H

#include "collector/api/request.h"

struct waiting {
    struct request *first;
    size_t count[TOLD_KINDS];        /* of those who wait for each kind of news */
    uint64_t generation[TOLD_KINDS]; /* counts up with what is committed */
};

/* What this one waits for. */
enum told waiting_for(const struct request *);
size_t waiting_count(const struct waiting *);
void waiting_add(struct waiting *, struct request *);
/* Nothing where it does not wait. */
void waiting_remove(struct waiting *, struct request *);
/* Something came: who waits for it waits no more and is handed on. */
void waiting_wake(struct waiting *, enum told, void (*each)(void *context, struct request *), void *context);
/* The same for these nodes alone. */
void waiting_wake_nodes(struct waiting *, const int64_t *nodes, size_t count,
                        void (*each)(void *context, struct request *), void *context);

#endif
