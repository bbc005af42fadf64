/* The threads that teach: one for each filter that learns, with a store of its own, so that a filter that is slow or
 * away keeps no other waiting. What is to be taught stands in the store (lessons.h), so nothing is lost when they end;
 * several collectors on one store share the work. */
#ifndef COLLECTOR_SORTER_TRAINER_H
#define COLLECTOR_SORTER_TRAINER_H

#include "collector/filter/filter.h"
#include "collector/quarantine/packing.h"
#include "collector/sorter/learning.h"
#include "common/error.h"

struct trainer_settings {
    const char *store; /* as store_open() takes it */
    const struct filter_settings *filters;
    size_t filter_count;
    const struct learning_settings *learning;
    const struct packing_keys *keys;
    duration forget; /* lessons are on record for so long */
};

struct trainer;
/* All is borrowed but `store`. */
int trainer_create(const struct trainer_settings *, struct trainer **result, struct error *) MUST_CHECK;
void trainer_destroy(struct trainer **); /* after the lesson that is under way */

#endif
