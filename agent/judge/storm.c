/* Orders of the last hour held against the senders seen in it. */
#include "agent/judge/storm.h"

#define WINDOW      HOUR
#define JOINT_PARTS 4 /* of a run, so many count as one */

static void forget_old(struct storm_ring *ring, moment time)
{
    while (ring->count > 0 && ring->ordered[ring->first] <= time - WINDOW) {
        ring->first = (ring->first + 1) % POLICY_STORM_MOST;
        ring->count--;
    }
}

static uint32_t count_active(struct senders *senders, moment time)
{
    uint32_t active = 0;
    for (struct sender_record *r = senders_oldest(senders); r != NULL; r = senders_younger(senders, r))
        active += r->last > time - WINDOW;
    return active;
}

bool storm_permits(struct storm *storm, const struct policy *policy, struct senders *senders, moment time)
{
    forget_old(&storm->apart, time);
    forget_old(&storm->joint, time);
    uint64_t parts = (uint64_t)storm->apart.count * JOINT_PARTS + storm->joint.count;
    if (parts < (uint64_t)policy->storm_least * JOINT_PARTS)
        return true;
    if (parts >= (uint64_t)policy->storm_most * JOINT_PARTS)
        return false;
    if (storm->counted == 0 || time - storm->counted >= MINUTE || time < storm->counted) {
        storm->active = count_active(senders, time);
        storm->counted = time;
    }
    return parts * 1000000 < (uint64_t)policy->storm_share * storm->active * JOINT_PARTS;
}

/* One sender that is stopped, released and stopped again is no storm: it counts once an hour. */
bool storm_has_counted(moment begun, moment time)
{
    return begun != 0 && begun <= time && begun > time - WINDOW;
}

void storm_note(struct storm *storm, bool joint, moment time)
{
    struct storm_ring *ring = joint ? &storm->joint : &storm->apart;
    forget_old(ring, time);
    if (ring->count < POLICY_STORM_MOST)
        ring->ordered[(ring->first + ring->count++) % POLICY_STORM_MOST] = time;
}

uint32_t storm_count(const struct storm *storm)
{
    return storm->apart.count + storm->joint.count;
}
