/* Keeps what a source brings: a store of a thread's own, and its transactions. */
#ifndef COLLECTOR_DESK_KEEPER_H
#define COLLECTOR_DESK_KEEPER_H

#include "collector/desk/brought.h"
#include "collector/quarantine/packing.h"
#include "collector/store/store.h"
#include "common/buffer.h"

struct keeper {
    const char *where;               /* the store's place, borrowed */
    const struct packing_keys *keys; /* borrowed; NULL: nothing is sealed */
    struct store *store;             /* NULL: it is opened with the next transaction */
    struct buffer packed;
};

void keeper_init(struct keeper *, const char *where, const struct packing_keys *);
void keeper_clear(struct keeper *);
int keeper_open(struct keeper *, struct error *) MUST_CHECK; /* where it is not */
/* A transaction that writes, and the store's time. */
int keeper_begin(struct keeper *, moment *now, struct error *) MUST_CHECK;
/* For good where `status` is not negative; returns it, or why it failed. */
int keeper_end(struct keeper *, int status, struct error *) MUST_CHECK;
/* In one transaction, with the source's place where there is one. 0: it is kept for good, now or before. */
int keeper_keep(struct keeper *, const char *source, const struct brought *, struct error *) MUST_CHECK;
/* The source's place alone. */
int keeper_place(struct keeper *, const char *source, const char *place, struct error *) MUST_CHECK;

#endif
