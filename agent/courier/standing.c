/* See standing.h. */
#include "agent/courier/standing.h"

#include <stdio.h>

#define REFUSED_FIRST SECOND
#define REFUSED_MOST  (10 * MINUTE) /* a right may be given back */

static void note(struct standing *standing, const char *address, const char *why)
{
    snprintf(standing->trouble, sizeof standing->trouble, "%.80s: %.140s", address, why);
    standing->connected = 0;
    standing->say[0] = 0;
}

duration standing_failed(struct standing *standing, const char *address, const char *why, uint32_t addresses,
                         uint32_t chance)
{
    note(standing, address, why);
    standing->losses += standing->state == STANDING_CONNECTED;
    standing->state = STANDING_TRYING;
    standing->refusals = 0;
    if (!standing->told) {
        standing->told = true;
        standing->severity = 1;
        snprintf(standing->say, sizeof standing->say, "the collector cannot be reached: %s", standing->trouble);
    }
    return uplink_pace_failed(&standing->pace, addresses, chance);
}

duration standing_refused(struct standing *standing, const char *address, const char *why, bool sure, uint32_t chance)
{
    note(standing, address, why);
    if (standing->state == STANDING_CONNECTED)
        standing->state = STANDING_TRYING;
    uint32_t refusals = ++standing->refusals;
    if (standing->state != STANDING_REFUSED && (sure || refusals >= STANDING_REFUSALS)) {
        standing->state = STANDING_REFUSED;
        standing->told = true;
        standing->severity = 2;
        snprintf(standing->say, sizeof standing->say, "the collector refuses this node: %s; nothing is sent",
                 standing->trouble);
    }
    duration pause = refusals < 12 ? REFUSED_FIRST << refusals : REFUSED_MOST;
    if (pause > REFUSED_MOST || sure)
        pause = REFUSED_MOST;
    return pause / 2 + pause / 1000 * chance;
}

void standing_well(struct standing *standing, const char *address, moment now, duration steady)
{
    uplink_pace_well(&standing->pace);
    standing->say[0] = 0;
    standing->severity = 0;
    standing->refusals = 0;
    if (standing->state != STANDING_CONNECTED) {
        standing->state = STANDING_CONNECTED;
        standing->connected = now;
        standing->well_since = steady;
        standing->trouble[0] = 0;
    }
    if (!standing->ever) {
        standing->ever = true;
        standing->told = false;
        snprintf(standing->say, sizeof standing->say, "connected to the collector at %.100s", address);
    } else if (standing->told && steady - standing->well_since >= STANDING_QUIET) {
        standing->told = false;
        snprintf(standing->say, sizeof standing->say, "connected to the collector again, at %.100s", address);
        if (standing->losses > 1)
            snprintf(standing->say, sizeof standing->say,
                     "connected to the collector again, at %.100s; the connection was lost %u times", address,
                     standing->losses);
    }
    if (!standing->told)
        standing->losses = 0;
}

const char *standing_word(const struct standing *standing)
{
    static const char *const words[] = {"trying", "connected", "refused"};
    return words[standing->state];
}
