/* Settings from the collector on their way through the warden: the courier's question to the supervisor, one at a time,
 * and the supervisor's answer back. What the text is worth the supervisor finds out, which reads configurations. */
#ifndef AGENT_WARDEN_SETTLING_H
#define AGENT_WARDEN_SETTLING_H

#include <stdbool.h>
#include "agent/message/message.h"
#include "agent/message/supervise.h"
#include "common/moment.h"

struct settling {
    int64_t revision;
    uint32_t question; /* of the courier that runs; 0: nobody waits */
    duration since;    /* steady; 0: none is being looked at */
};

/* Hand it on; `descriptor` is borrowed. False, and an answer, where that cannot be. While one is being looked at,
 * another is passed over: whoever asks, asks again. */
bool settling_begin(struct settling *, int supervisor, const struct message_settings *, int descriptor, duration now,
                    union message *answer);
/* What the supervisor made of it: the sentence for people, and whether there is an answer for the courier. */
bool settling_end(struct settling *, const struct supervise *news, union message *answer, char text[300]);
void settling_forget(struct settling *); /* the courier is another one */

#endif
