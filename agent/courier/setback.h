/* How soon to send records again where the centre answers, but its answers bring the node no further: it takes no
 * record, or says again and again that it has less, or more, than it was given. A few are what single bad records and a
 * centre from a backup cost. More are a fault of the centre's, which must not cost the node all that it holds, one
 * record set aside after the other, nor its processor and disk. */
#ifndef AGENT_COURIER_SETBACK_H
#define AGENT_COURIER_SETBACK_H

#include <stdbool.h>
#include <stdint.h>
#include "common/moment.h"

#define SETBACK_FREE        8 /* in a row, before the first pause */
#define SETBACK_PAUSE_FIRST SECOND
#define SETBACK_PAUSE_MOST  MINUTE

struct setback {
    uint32_t count; /* since records were taken last */
    duration until; /* steady; nothing is sent before */
};

static inline void setback_again(struct setback *setback, duration steady)
{
    if (++setback->count <= SETBACK_FREE)
        return;
    uint32_t doubled = setback->count - SETBACK_FREE - 1;
    duration pause = SETBACK_PAUSE_FIRST << (doubled < 6 ? doubled : 6);
    setback->until = steady + (pause < SETBACK_PAUSE_MOST ? pause : SETBACK_PAUSE_MOST);
    if (setback->count > 1000)
        setback->count = 1000;
}

static inline void setback_over(struct setback *setback)
{
    *setback = (struct setback){0};
}

static inline bool setback_rests(const struct setback *setback, duration steady)
{
    return steady < setback->until;
}

/* A person is told of the first few, and no more until it is over. */
static inline bool setback_is_news(const struct setback *setback)
{
    return setback->count <= SETBACK_FREE;
}

#endif
