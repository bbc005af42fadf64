/* Which senders have to be looked at again, and when: so that a second in which nothing is due costs nothing, however
 * many senders there are. A heap by time; senders of one moment come in the order of their bytes, so that every machine
 * takes them in the same order. */
#ifndef AGENT_JUDGE_AGENDA_H
#define AGENT_JUDGE_AGENDA_H

#include <stdbool.h>
#include <stddef.h>
#include "common/moment.h"
#include "common/words/sender.h"

struct agenda_entry {
    moment due;
    struct sender sender;
};

struct agenda { /* zeroed: empty */
    struct agenda_entry *entries;
    size_t count, room;
};

bool agenda_add(struct agenda *, moment due, const struct sender *) __attribute__((warn_unused_result));
bool agenda_next(const struct agenda *, moment *due); /* false: empty */
struct agenda_entry agenda_take(struct agenda *);     /* the next; there must be one */
void agenda_clear(struct agenda *);

#endif
