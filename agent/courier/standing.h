/* How the node stands with the centre: whether it is connected, what is wrong, when to try again, and what people are
 * told of it. A connection that comes and goes is told once when it goes and once when it has been well for a while;
 * one refusal may be a damaged answer, so a node takes itself for refused when it was refused again and again. */
#ifndef AGENT_COURIER_STANDING_H
#define AGENT_COURIER_STANDING_H

#include <stdbool.h>
#include <stdint.h>
#include "agent/courier/uplink_pace.h"
#include "common/moment.h"

#define STANDING_QUIET    MINUTE /* well for so long: well again */
#define STANDING_REFUSALS 3      /* one behind the other */

enum standing_state { STANDING_TRYING, STANDING_CONNECTED, STANDING_REFUSED };

struct standing {
    enum standing_state state;
    struct uplink_pace pace;
    moment connected; /* since when; 0: it is not */
    char trouble[240];
    /* What it wants said, if anything, after a call; severity as in the journal's events: 0 news to 2 trouble. */
    char say[300];
    uint8_t severity;
    bool ever, told;           /* it was connected once; the loss was told */
    duration well_since;       /* steady */
    uint32_t losses, refusals; /* since it was told; one behind the other */
};

/* Each says in `say` what people should hear; empty: nothing. `chance`: 0 to 999; they return how long to wait. */
duration standing_failed(struct standing *, const char *address, const char *why, uint32_t addresses, uint32_t chance);
/* `sure`: it need not be heard again, for it is this node that lacks something. */
duration standing_refused(struct standing *, const char *address, const char *why, bool sure, uint32_t chance);
void standing_well(struct standing *, const char *address, moment now, duration steady);
const char *standing_word(const struct standing *); /* "trying", "connected", "refused" */

#endif
