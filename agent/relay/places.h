/* A table of marks in memory of its own: common/table with what every one of the relay's tables needs. */
#ifndef AGENT_RELAY_PLACES_H
#define AGENT_RELAY_PLACES_H

#include "common/error.h"
#include "common/table.h"

struct places {
    struct table *table;
    void *memory;
    uint32_t swept; /* the next place that places_sweep() looks at */
    uint32_t most;
};

/* `most` values of `value_size` bytes by marks; where it is full the oldest gives way. Memory that was never used is
 * not resident. */
int places_create(struct places *, uint32_t most, uint32_t value_size, const struct siphash_key *,
                  struct error *) MUST_CHECK;
void places_clear(struct places *);
void *places_find(struct places *, uint64_t mark);
void *places_add(struct places *, uint64_t mark, bool *added);
/* Looks at the next `count` places and removes those of which `is_over` says so. */
void places_sweep(struct places *, uint32_t count, bool (*is_over)(const void *context, const void *value),
                  const void *context);

#endif
