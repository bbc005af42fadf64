/* The reckoning: what the evidence of all nodes comes to when it is put together, written as news for nodes. Near-
 * identical bodies of several customers on several nodes are a campaign; a customer's points add up over nodes; orders
 * in force are what relays can refuse by.
 *
 * It runs outside of the way of records, a round every second or so, by whichever collector has the lease (`reckoning`:
 * who, and until when). One that is killed is followed when its lease has ended. A round looks only at what was said
 * since the last one, and takes a bounded part of that; every round is a transaction. */
#ifndef COLLECTOR_STORE_RECKON_H
#define COLLECTOR_STORE_RECKON_H

#include "collector/store/store.h"

#define RECKON_LEASE (5 * SECOND)

struct store_reckoner {
    int64_t holder; /* who this is: not 0, another one for every collector */
    int64_t node;   /* behind which it goes on: so that one that says much keeps no other waiting */
    bool more;      /* the last round left something */
    uint64_t taken; /* rows, all in all */
};

/* 1: there is something to do, and nobody else does it; 0: not now. Changes nothing. */
int store_reckon_wanted(struct store *, const struct store_reckoner *, moment now, struct error *) MUST_CHECK;
/* A round. 1: news were written; 0: none. -EAGAIN: another was faster. The first statement writes, so that SQLite
 * waits its turn. */
int store_reckon(struct store *, struct store_reckoner *, moment now, struct error *) MUST_CHECK;
/* What customers sent in the last day, summed up anew for a few nodes, those first that were summed up longest ago: so
 * that people need not wait for all rows of all nodes. 1: some were; 0: none needs it, or another collector reckons. */
int store_reckon_shares(struct store *, const struct store_reckoner *, moment now, struct error *) MUST_CHECK;

#endif
