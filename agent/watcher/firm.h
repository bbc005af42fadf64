/* What firm evidence holds against customers' senders, as the collector is told of it: it adds up what all nodes say of
 * one customer. Of each sender is remembered what was said last, so that only what changed is said again: what rose
 * within ten seconds, what faded within a minute. Bounded, like what is said in a second. */
#ifndef AGENT_WATCHER_FIRM_H
#define AGENT_WATCHER_FIRM_H

#include "agent/judge/judge.h"
#include "common/error.h"

#define FIRM_SENDERS 4096
#define FIRM_EACH    100 /* said in one call */

struct firm;
struct firm *firm_create(struct error *);
void firm_destroy(struct firm **);

/* Evidence against that sender came; nothing is kept of one that is nobody's. */
void firm_note(struct firm *, const struct sender_record *);
/* All that there are: after a start, when it is not known what was said before. */
void firm_begin(struct firm *, struct judge *, struct senders *, moment now);

struct firm_change {
    const struct sender_record *record;
    points points, score;
};
/* Once in a second, or less often: calls back for each that has something to say. `say` returns false where it cannot
 * be said now; then it is tried again. */
void firm_tick(struct firm *, const struct judge *, struct senders *, moment now,
               bool (*say)(void *context, moment, const struct firm_change *), void *context);

#endif
