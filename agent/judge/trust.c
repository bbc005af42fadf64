/* See trust.h. */
#include "agent/judge/trust.h"

#define HARD DECIBANS(2)

points trust_lessen(points added, uint32_t clean_days)
{
    if (clean_days < TRUST_FROM || added <= 0)
        return added;
    int64_t days = clean_days < TRUST_FULL ? clean_days : TRUST_FULL;
    return (points)(added - (int64_t)added * days / (2 * TRUST_FULL));
}

bool trust_ends(points added, bool soft)
{
    return !soft && added >= HARD;
}
