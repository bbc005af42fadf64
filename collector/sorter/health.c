/* See health.h. */
#include "collector/sorter/health.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const duration health_pauses[HEALTH_PAUSES] = {5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, HOUR};

static bool note_good(struct health *health, moment now)
{
    bool was_down = health->down;
    if (was_down || health->since == 0)
        health->since = now;
    health->failures = 0;
    health->down = false;
    health->trouble[0] = '\0';
    return was_down;
}

bool health_answered(struct health *health, duration took, moment now)
{
    health->latest[health->answered++ % HEALTH_LATEST] = took;
    health->asked++;
    return note_good(health, now);
}

bool health_took(struct health *health, moment now)
{
    health->asked++;
    health->later++;
    return note_good(health, now);
}

bool health_failed(struct health *health, const char *why, moment now)
{
    health->asked++;
    health->failed++;
    snprintf(health->trouble, sizeof health->trouble, "%s", why);
    if (++health->failures < HEALTH_FAILURES || health->down)
        return false;
    health->down = true;
    health->since = now;
    return true;
}

bool health_pinged(struct health *health, bool good, moment now)
{
    return good && note_good(health, now);
}

static int by_length(const void *left, const void *right)
{
    duration a = *(const duration *)left, b = *(const duration *)right;
    return (a > b) - (a < b);
}

duration health_speed(const struct health *health, uint32_t percent)
{
    duration sorted[HEALTH_LATEST];
    size_t count = health->answered < HEALTH_LATEST ? (size_t)health->answered : HEALTH_LATEST;
    if (count == 0)
        return 0;
    memcpy(sorted, health->latest, count * sizeof sorted[0]);
    qsort(sorted, count, sizeof sorted[0], by_length);
    size_t place = (count * percent + 99) / 100;
    return sorted[place > 0 ? place - 1 : 0];
}
