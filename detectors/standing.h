/* What lasts is said once, not again with every packet.
 *
 * Many observations of one thing (still so many connections a minute, still the same name in HELO) are not independent:
 * their points must not add up. A detector says how much the state of affairs is worth now; what it has said before is
 * taken off. What was said fades in the sender's account, so it halves here as well, once in each `again`: as long as
 * the state lasts it is topped up and the account stays near its worth. `again` goes with the policy's half-life. */
#ifndef DETECTORS_STANDING_H
#define DETECTORS_STANDING_H

#include <stdbool.h>
#include <stdint.h>
#include "common/moment.h"
#include "common/words/points.h"

struct standing {
    points said;
    uint32_t since; /* seconds */
};

/* What is to be added so that `worth` has been said; 0 where that is less than half a point. */
points standing_raise(struct standing *, points worth, moment now, duration again);

/* Whether what was counted up to the piece of time `known` is worth nothing at `period`: it lies further ahead than
 * packets that overtake each other explain, so the clock was set back since, or these bytes were never ours. */
bool standing_is_ahead(uint32_t known, uint32_t period);

/* The number, from the epoch, of the piece of time of that length. Grows with time; 32 bits last for centuries at
 * 10 seconds a piece. */
uint32_t standing_period(moment now, duration length);

#define AGAIN_OPTION(section, settings)                                                                                \
    DURATION_OPTION(section, settings, again, "1h", .least = "1m", .most = "30d",                                      \
                    .text = "Evidence that lasts is said again, by half, after this time; never sooner than after "    \
                            "the policy's half-life.")

#endif
