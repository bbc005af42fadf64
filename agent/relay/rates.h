/* How much comes from whom: messages and recipients in the last minute and the last hour, by a mark. A window slides:
 * it holds what came since its last full minute or hour began, and of the one before the part that still lies in it, as
 * if that had come evenly. So a burst over the turn of a minute is one burst. Bounded: the one that was quiet longest
 * gives way. Pure. */
#ifndef AGENT_RELAY_RATES_H
#define AGENT_RELAY_RATES_H

#include <stdint.h>
#include "agent/relay/places.h"
#include "common/moment.h"

/* 0: no limit. */
struct rate_limits {
    uint32_t messages_minute, messages_hour, recipients_minute, recipients_hour;
};
struct rate_use {
    uint32_t messages, recipients;
};

struct rates {
    struct places places;
};
int rates_create(struct rates *, uint32_t most, const struct siphash_key *, struct error *) MUST_CHECK;
void rates_clear(struct rates *);

/* 0: that much more is within the limits; else for how many seconds it is not. More than a limit at once is let through
 * where the window is empty: it could not go otherwise. */
uint32_t rates_wait(struct rates *, uint64_t mark, const struct rate_limits *, struct rate_use, moment now);
void rates_count(struct rates *, uint64_t mark, struct rate_use, moment now);
bool rates_are_limited(const struct rate_limits *); /* by any */

#endif
