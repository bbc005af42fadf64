/* See standing.h. */
#include "detectors/standing.h"

#define LEAST_SAID 50
#define AHEAD_MOST 2              /* pieces of time */
#define SAID_MOST  DECIBANS(1000) /* more than any detector says */

uint32_t standing_period(moment now, duration length)
{
    return now > 0 ? (uint32_t)(now / length) : 0;
}

bool standing_is_ahead(uint32_t known, uint32_t period)
{
    return known > period && known - period > AHEAD_MOST;
}

points standing_raise(struct standing *standing, points worth, moment now, duration again)
{
    uint32_t second = standing_period(now, SECOND), step = again >= SECOND ? (uint32_t)(again / SECOND) : 1;
    if (standing->said < 0 || standing->said > SAID_MOST)
        standing->said = 0;
    if (standing->since > second && standing->since - second > step)
        standing->since = second;
    if (standing->said > 0 && second > standing->since) {
        uint32_t halvings = (second - standing->since) / step;
        standing->said = halvings < 31 ? standing->said >> halvings : 0;
        standing->since += halvings * step;
    }
    points more = worth - standing->said;
    if (more < LEAST_SAID)
        return 0;
    standing->said = worth;
    standing->since = second;
    return more;
}
