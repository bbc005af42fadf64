/* Sorting: messages that nodes sent in are taken apart, counted, shown to every filter, and what filters say is told to
 * the node that sent the message.
 *
 * One thread has a store of its own and does all there is to do with it, in rounds: it writes what has come of the
 * messages in hand and takes others, in one transaction. A few threads take messages apart, and each filter has some
 * that ask it. None of them knows the store, so that no transaction is open while somebody waits for a filter. */
#ifndef COLLECTOR_SORTER_SORTER_H
#define COLLECTOR_SORTER_SORTER_H

#include <stddef.h>
#include <stdint.h>
#include "collector/filter/filter.h"
#include "collector/filter/settings.h"
#include "collector/quarantine/packing.h"
#include "collector/reading/reading.h"
#include "collector/sorter/asker.h"
#include "collector/store/bulk.h"
#include "common/error.h"

#define SORTER_TOLD_MOST 64

struct sorter_settings {
    const char *where;                      /* as store_open() takes it */
    const struct filters_settings *filters; /* copied, as is all else that is not said to be borrowed */
    const struct packing_keys *keys;        /* borrowed; NULL: nothing is sealed */
    struct reading *reading;                /* borrowed; NULL: nothing is read out of messages */
    const struct bulk_settings *bulk;       /* NULL: nothing is counted */
    bool picture_text;                      /* filters are shown what pictures say */
};

struct sorter;
/* Nothing is done before sorter_begin(), for which the store should be there: its schema, and what is wrong with it,
 * are others' to care for. */
int sorter_create(const struct sorter_settings *, struct sorter **result, struct error *) MUST_CHECK;
int sorter_begin(struct sorter *, struct error *) MUST_CHECK;
/* What is in hand is given back. May take as long as a message may take to be read. False: a thread still waits for its
 * filter, and what the settings lent must stay: the process is to end. */
bool sorter_destroy(struct sorter **);

/* A message was committed. From any thread. */
void sorter_wake(struct sorter *);

/* Readable when nodes were told something. */
int sorter_descriptor(const struct sorter *);
/* Which nodes, since it was last asked; SORTER_TOLD_MOST + 1: more than can be named. */
size_t sorter_told(struct sorter *, int64_t nodes[SORTER_TOLD_MOST]);

/* An appliance gave a message back. Blocks until that is written. 0: it is, or was before; -ENOENT: no such message is
 * at that filter; other negative: later. */
int sorter_returned(struct sorter *, const char *name, const char *filter, const struct opinion *,
                    struct error *) MUST_CHECK;

struct sorter_counts {
    uint64_t sorted[SORTED_WORDS]; /* messages by what came of them; those waiting: taken apart */
    uint64_t told;                 /* opinions that nodes were told */
    uint64_t unread;               /* messages out of which nothing could be read */
    uint64_t failures;             /* rounds that the store failed */
};
void sorter_counts(struct sorter *, struct sorter_counts *);
size_t sorter_filters(const struct sorter *);
const struct filter_settings *sorter_filter(const struct sorter *, size_t index);
void sorter_report(struct sorter *, size_t index, struct asker_report *);

#endif
