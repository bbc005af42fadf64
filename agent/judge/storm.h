/* The guard against storms: when orders would suddenly hit many senders, a mistake of ours (a changed network, a bad
 * map, a blacklist gone wild) is likelier than that many abusers at once. Then people are told, and nobody further is
 * stopped. */
#ifndef AGENT_JUDGE_STORM_H
#define AGENT_JUDGE_STORM_H

#include "agent/judge/policy.h"
#include "agent/sender/senders.h"

struct storm {
    moment ordered[POLICY_STORM_MOST]; /* when orders were given, within the last hour: a ring */
    uint32_t first, count;
    moment counted; /* when `active` was counted; that is done once a minute at most */
    uint32_t active;
    bool on;
};

/* Whether one more sender may be given an order now. */
bool storm_permits(struct storm *, const struct policy *, struct senders *, moment);
void storm_note(struct storm *, moment); /* an order was given */
/* Whether a sender whose hold began then has been counted within this hour. */
bool storm_has_counted(moment begun, moment time);

#endif
