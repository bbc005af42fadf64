/* Connections to the milter's port that say nothing: the library waits two hours for them, and while they hold all
 * descriptors no mail server gets in. At a path only a group can be one, so they are not looked for. */
#ifndef AGENT_MILTER_STRANGERS_H
#define AGENT_MILTER_STRANGERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "common/moment.h"

#define STRANGERS_PATIENCE (10 * SECOND) /* for the 17 bytes that a mail server begins with */

struct strangers {
    uint32_t count; /* of descriptors that there may be */
    struct stranger {
        ino_t socket; /* 0: none, or one that has spoken */
        duration since;
    } * at; /* by descriptor; owned by whoever made it */
};

/* End those that were silent for too long. `now`: on the steady clock. Returns how many. */
uint32_t strangers_end(struct strangers *, duration now);

#endif
