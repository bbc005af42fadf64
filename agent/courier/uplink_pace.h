/* How soon to try which address again: all in turn at once, then all again after a pause that doubles each time, each
 * node's by chance a little different, so that a fleet does not come back in one moment. */
#ifndef AGENT_COURIER_UPLINK_PACE_H
#define AGENT_COURIER_UPLINK_PACE_H

#include <stdint.h>
#include "common/moment.h"

#define UPLINK_PAUSE_FIRST SECOND
#define UPLINK_PAUSE_MOST  (30 * SECOND) /* half as much again by chance */

struct uplink_pace {
    uint32_t address, tried, rounds;
};

/* `chance`: 0 to 999. Returns how long to wait before the next try, which is at the next of `addresses`. */
static inline duration uplink_pace_failed(struct uplink_pace *pace, uint32_t addresses, uint32_t chance)
{
    pace->address = (pace->address + 1) % addresses;
    if (++pace->tried < addresses)
        return chance * (100 * MICROSECOND);
    pace->tried = 0;
    duration pause = UPLINK_PAUSE_FIRST << (pace->rounds < 5 ? pace->rounds : 5);
    pace->rounds++;
    if (pause > UPLINK_PAUSE_MOST)
        pause = UPLINK_PAUSE_MOST;
    return pause / 2 + pause / 1000 * chance;
}

static inline void uplink_pace_well(struct uplink_pace *pace)
{
    pace->tried = pace->rounds = 0;
}

#endif
