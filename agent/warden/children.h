/* Watcher and courier as the warden sees them: started through the supervisor, given what they need, listened to, and
 * started anew when they die, fall silent or break the rules. */
#ifndef AGENT_WARDEN_CHILDREN_H
#define AGENT_WARDEN_CHILDREN_H

#include <systemd/sd-event.h>
#include "agent/message/message.h"
#include "agent/message/supervise.h"
#include "agent/message/talk.h"

struct children;

struct children_listener {
    void *context;
    /* It was started and has its configuration, memory and peer: say what else it must know. READY follows. */
    void (*started)(void *context, enum role);
    /* Never ALIVE. `descriptor` (-1: none) is the listener's. */
    void (*message)(void *context, enum role, const union message *, int descriptor);
    void (*event)(void *context, uint8_t severity, const char *what, const char *text);
};

/* `supervisor`: the channel to it, borrowed. */
int children_open(sd_event *, int supervisor, const struct children_listener *, struct children **,
                  struct error *) MUST_CHECK;
void children_close(struct children **);

/* The bundle that each gets at its start, and that those who run get now. Takes the descriptor. */
void children_configure(struct children *, int bundle, uint64_t size);
void children_start(struct children *, enum role); /* once; from then on it is kept running */
/* What the supervisor says of them; takes the descriptor. */
void children_supervised(struct children *, const struct supervise *, int descriptor);
void children_tick(struct children *);

/* False: it does not run or is too far behind. */
bool children_say(struct children *, enum role, const union message *, int descriptor, enum talk_weight);
uint32_t children_restarts(const struct children *, enum role);
uint32_t children_waiting(const struct children *, enum role); /* messages that it has not taken yet */

#endif
