/* Whether a filter is there, and how it does: from what came of asking it. Time is an argument. */
#ifndef COLLECTOR_SORTER_HEALTH_H
#define COLLECTOR_SORTER_HEALTH_H

#include <stdbool.h>
#include <stdint.h>
#include "common/moment.h"

#define HEALTH_FAILURES 3            /* in a row: it is down */
#define HEALTH_PING     (5 * SECOND) /* so often one that is down is asked whether it is back */
#define HEALTH_LATEST   64           /* answers by which its speed is told */

/* How long until a filter that did not answer is asked about that message again: after the first time, the second, ...
 * and after every later one as after the last. */
#define HEALTH_PAUSES 5
extern const duration health_pauses[HEALTH_PAUSES];

struct health {
    uint32_t failures; /* in a row */
    bool down;
    moment since;                            /* it is down, or up; 0: since it was first asked */
    char trouble[160];                       /* of the last failure */
    uint64_t asked, answered, failed, later; /* later: given to an appliance */
    uint64_t returned, lost;                 /* appliances gave back; and did not, in time */
    uint64_t spam, virus;                    /* of what it said */
    duration latest[HEALTH_LATEST]; /* of answers; the one at answered % HEALTH_LATEST is the next to be replaced */
};

/* True: it was down, and is up again. */
bool health_answered(struct health *, duration took, moment now);
/* It took the message, and what it says will come later. */
bool health_took(struct health *, moment now);
/* True: it is down from now on. */
bool health_failed(struct health *, const char *why, moment now);
/* A ping of one that is down: true: it is up again. */
bool health_pinged(struct health *, bool good, moment now);

/* The time within which `percent` of the latest answers came; 0: there was none. */
duration health_speed(const struct health *, uint32_t percent);

#endif
