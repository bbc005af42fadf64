/* A thread with a store of its own. It takes all that waits at once and commits it together: so that a thousand small
 * deliveries cost a few commits. What is done goes to a queue that the loop empties. */
#ifndef COLLECTOR_API_WORKER_H
#define COLLECTOR_API_WORKER_H

#include <stdint.h>
#include "collector/api/exchange.h"
#include "common/error.h"

/* What the threads have finished; `descriptor` (eventfd) is readable when there is something. */
struct finished;
int finished_create(struct finished **result, struct error *) MUST_CHECK;
void finished_destroy(struct finished **);
int finished_descriptor(const struct finished *);
struct exchange *finished_take(struct finished *); /* all, oldest first, linked by `next` */

struct worker;
struct heard;
/* `where`: as store_open() takes it; it is opened here, so that what is wrong with it is told at once. 1: its server
 * does not answer now, as `error` says; requests are refused until it does.
 * `keep`: this is the one that writes, and the store is tidied between groups; NULL: it only looks.
 * `heard`: where it is noted of which nodes something was heard; borrowed, NULL: nowhere. */
int worker_create(const char *where, const struct store_retention *keep, struct heard *, struct finished *,
                  struct worker **result, struct error *) MUST_CHECK;
/* Does what is queued, then ends. */
void worker_destroy(struct worker **);
void worker_add(struct worker *, struct exchange *);
uint64_t worker_commits(struct worker *);

#endif
