/* Orders of the last hour held against the senders seen in it. */
#include "agent/judge/storm.h"

#define WINDOW HOUR

static void forget_old(struct storm *storm, moment time)
{
    while (storm->count > 0 && storm->ordered[storm->first] <= time - WINDOW) {
        storm->first = (storm->first + 1) % POLICY_STORM_MOST;
        storm->count--;
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
    forget_old(storm, time);
    if (storm->count < policy->storm_least)
        return true;
    if (storm->count >= policy->storm_most)
        return false;
    if (storm->counted == 0 || time - storm->counted >= MINUTE || time < storm->counted) {
        storm->active = count_active(senders, time);
        storm->counted = time;
    }
    return (uint64_t)storm->count * 1000000 < (uint64_t)policy->storm_share * storm->active;
}

/* One sender that is stopped, released and stopped again is no storm: it counts once an hour. */
bool storm_has_counted(moment begun, moment time)
{
    return begun != 0 && begun <= time && begun > time - WINDOW;
}

void storm_note(struct storm *storm, moment time)
{
    forget_old(storm, time);
    if (storm->count < POLICY_STORM_MOST)
        storm->ordered[(storm->first + storm->count++) % POLICY_STORM_MOST] = time;
}
