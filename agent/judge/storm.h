/* The guard against storms: when orders would suddenly hit many senders, a mistake of ours (a changed network, a bad
 * map, a blacklist gone wild) is likelier than that many abusers at once. Then people are told, and nobody further is
 * stopped.
 *
 * Senders that take part in one run (the evidence of a detector that is `joint` weighs against them) are many by
 * nature, and one abuser: each counts by a quarter. So a run over many addresses neither escapes for its size, nor uses
 * up what others would be stopped by. */
#ifndef AGENT_JUDGE_STORM_H
#define AGENT_JUDGE_STORM_H

#include "agent/judge/policy.h"
#include "agent/sender/senders.h"

/* When orders were given, within the last hour. */
struct storm_ring {
    moment ordered[POLICY_STORM_MOST];
    uint32_t first, count;
};

struct storm {
    struct storm_ring apart, joint;
    moment counted; /* when `active` was counted; that is done once a minute at most */
    uint32_t active;
    bool on;
};

/* Whether one more sender may be given an order now. */
bool storm_permits(struct storm *, const struct policy *, struct senders *, moment);
void storm_note(struct storm *, bool joint, moment); /* an order was given */
uint32_t storm_count(const struct storm *);          /* of senders that were, within the hour */
/* Whether a sender whose hold began then has been counted within this hour. */
bool storm_has_counted(moment begun, moment time);

#endif
