/* What others commit to the store, noticed here: while somebody waits and the store is shared, the reader looks now and
 * then at the numbers that rise with it, in one statement; less often where it is not shared, for what threads of this
 * collector tell nodes of complaints and listings. And while the store fails it is asked now and then whether
 * it is back, since nobody else may ask: a balancer sends nothing to a collector that is not well. */
#ifndef COLLECTOR_API_PULSE_H
#define COLLECTOR_API_PULSE_H

#include "collector/api/exchange.h"

struct pulse {
    struct exchange exchange; /* goes to the reader as a request's does */
    bool under_way;
    bool missed;                    /* somebody who waits was asked again in vain, the store being away */
    duration due;                   /* steady time */
    duration filtered_due;          /* when nodes may be woken again for what filters say ... */
    int64_t filtered;               /* ... behind this number */
    struct store_pulse found, seen; /* `found` is the reader's while it is under way ... */
    bool found_shared, shared;      /* ... and so is `found_shared` */
};

void pulse_begin(struct pulse *);
/* What the reader is to do; NULL: nothing now. */
struct exchange *pulse_ask(struct pulse *, bool somebody_waits, bool store_fails);
/* It is done: what rose. */
void pulse_take(struct pulse *, bool told[TOLD_KINDS]);
/* This revision was given here, and who waits is woken already. */
void pulse_know(struct pulse *, int64_t revision);

#endif
