/* customer: what the customer's other senders did, on this node and, where a collector tells, on others.
 *
 * Who rents machines to abuse them rents several, and who has stolen a customer's keys has all that they open. So a
 * sender whose kin is bad is likelier to be bad itself; by how much depends on how many of them are. One may be the one
 * that was broken into, and says little of its neighbours.
 *
 * What does this and is honest, and how it is told apart:
 *
 *   a reseller, a university: one name, many owners    it is never more than 8 points, less than an alert; a plan, or
 *                                                      members of its own in the map
 *   the mail server beside the machine that was        one other is worth 4 points at most; of who was long clean half
 *   broken into                                        (it is `soft`)
 *   machines that one person set up in one odd way,    who has less than 10 points, an alert's worth, says nothing of
 *   three backup MX under one attack                   others, and only what is beyond that counts
 *   newsletters of one customer from several machines  volume and shape (`soft` detectors) are left out
 *
 * It never adds to itself: as it is soft, what it says is no part of what is said of the sender to its kin. Nothing is
 * held against a sender that sends nothing. Nor is it `joint`, though it takes several: where a mistake of ours hits
 * many senders at once, it hits those of one customer together, and the guard against storms must see them all.
 *
 * Weights: half of what the others have beyond 10 points each; of one other 4 points at most.
 *
 * State: what has been said (8 bytes). */
#include <stdio.h>
#include "common/words/fleet.h"
#include "common/words/kin.h"
#include "detectors/detector.h"
#include "detectors/standing.h"

struct settings {
    struct detector_settings base;
    duration again;
};

struct state {
    struct standing standing;
};

#define ONE_MOST DECIBANS(4)

static const struct option options[] = {
    DETECTOR_OPTIONS("customer", struct settings, "8"),
    AGAIN_OPTION("customer", struct settings),
    {.key = NULL},
};

static void say(struct findings *findings, points more, const struct kin *kin)
{
    uint32_t others = kin->here + kin->elsewhere;
    char where[80] = "";
    if (kin->elsewhere > 0)
        snprintf(where, sizeof where, ", %u of them on %u other node%s,", kin->elsewhere, kin->nodes,
                 kin->nodes == 1 ? "" : "s");
    if (others == 1)
        findings_add(findings, more, "another sender of customer %s%s has %d.%02d points", kin->customer,
                     kin->elsewhere ? ", on another node," : "", kin->points / 100, kin->points % 100);
    else
        findings_add(findings, more, "%u other senders of customer %s%s have %d.%02d points between them", others,
                     kin->customer, where, kin->points / 100, kin->points % 100);
}

static void observe(const void *context, void *memory, const struct observation *seen, struct findings *findings)
{
    const struct settings *settings = context;
    struct state *state = memory;
    const struct kin *kin = seen->known.kin;
    if (kin == NULL || (seen->kind == OBSERVATION_CONNECTION && seen->connection.outcome != CONNECTION_OPENED))
        return;
    uint32_t others = kin->here + kin->elsewhere;
    points worth = (points)((kin->points - (int64_t)others * FLEET_POINTS_LEAST) / 2), most = settings->base.most;
    if (others == 1 && worth > ONE_MOST)
        worth = ONE_MOST;
    points more = standing_raise(&state->standing, worth < most ? worth : most, seen->time, settings->again);
    if (more > 0)
        say(findings, more, kin);
}

const struct detector detector_customer = {
    .name = "customer",
    .sees = "What firm evidence there is against other senders of the same customer, here and on other nodes.",
    .wants = OBSERVATION_BIT(OBSERVATION_CONNECTION) | OBSERVATION_BIT(OBSERVATION_MESSAGE),
    .options = options,
    .settings_size = sizeof(struct settings),
    .state_size = sizeof(struct state),
    .observe = observe,
    .soft = true,
};
