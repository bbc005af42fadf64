/* What the centre tells of senders, opinions of content filters and the like, on its way to the watcher. One is done
 * with only when the watcher has judged it, which it says; a watcher that was started anew is told all that no watcher
 * has answered for. So none is lost, whoever dies; and one that comes twice is known by its mark
 * (agent/watcher/filtered.h). No descriptor, no clock. */
#ifndef AGENT_COURIER_OPINIONS_H
#define AGENT_COURIER_OPINIONS_H

#include "agent/courier/filtered.h"

#define OPINIONS_MOST 1000

struct opinions;
struct opinions *opinions_create(void); /* NULL: no memory */
void opinions_destroy(struct opinions **);

bool opinions_has_room(const struct opinions *); /* for what one answer brings */
/* False: there is no room, and it must be asked for again. */
bool opinions_take(struct opinions *, const struct filtered_list *);
/* The watcher is a new one. */
void opinions_begin(struct opinions *);
/* The next message for the watcher; false: there is none now. opinions_told() once it could be sent. */
bool opinions_next(const struct opinions *, union message *);
void opinions_told(struct opinions *);
/* True: it was the watcher's answer to the first that it was told, and it has judged all up to `number`, the centre's.
 */
bool opinions_answered(struct opinions *, const union message *, int64_t *number);

struct opinions_counters {
    uint32_t waiting;
    uint64_t judged, unsound;
};
struct opinions_counters opinions_counters(const struct opinions *);

#endif
