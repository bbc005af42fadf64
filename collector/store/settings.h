/* How nodes are set: the texts that people gave for the fleet and for single nodes, and what nodes said of them. As all
 * of the store's (store.h): within a transaction, with texts that are borrowed for the length of a callback. */
#ifndef COLLECTOR_STORE_SETTINGS_H
#define COLLECTOR_STORE_SETTINGS_H

#include "collector/store/store.h"

struct store_settings {
    int64_t revision, node; /* node 0: the whole fleet */
    moment time;
    struct text text, reason, person;
    int64_t done, failed; /* how many nodes said so; by store_settings_list() */
};
/* Replaces what stood there before. 1: done, with the revision that it was given; 0: no such node. */
int store_settings_put(struct store *, const struct store_settings *, int64_t *revision, struct error *) MUST_CHECK;
/* What holds for a node: its own where they are not empty, else the fleet's; `revision` is that from which on it was
 * so. 1: `each` was called; 0: nothing was ever set for it. */
int store_settings_for(struct store *, int64_t node, void (*each)(void *, const struct store_settings *), void *context,
                       struct error *) MUST_CHECK;
/* The same where any settings are newer than `after`; else 0, which costs nothing when many ask in one transaction. */
int store_settings_behind(struct store *, int64_t node, int64_t after,
                          void (*each)(void *, const struct store_settings *), void *context,
                          struct error *) MUST_CHECK;
/* Those of the fleet, then of each node that has its own. */
int store_settings_list(struct store *, void (*each)(void *, const struct store_settings *), void *context,
                        struct error *) MUST_CHECK;

/* What a node said of a revision. */
struct store_told {
    int64_t node, revision;
    struct text node_name, text;
    moment time;
    bool done;
};
/* Who did not take it, and why. */
int store_settings_refused(struct store *, int64_t revision, uint32_t most,
                           void (*each)(void *, const struct store_told *), void *context, struct error *) MUST_CHECK;
int store_settings_told(struct store *, int64_t node, int64_t revision, void (*each)(void *, const struct store_told *),
                        void *context, struct error *) MUST_CHECK;

#endif
