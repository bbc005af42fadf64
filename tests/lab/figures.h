/* Many whole numbers, and where the middle and the ends of them lie. */
#ifndef TESTS_LAB_FIGURES_H
#define TESTS_LAB_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct figures {
    uint64_t *values;
    size_t count, room;
    bool sorted;
};

/* False: no memory, nothing was added. */
bool figures_add(struct figures *, uint64_t value) __attribute__((warn_unused_result));
/* The smallest value that a share of at least `share` (above 0, up to 1) of all does not pass: the nearest rank, so
 * always one that was added. 0 where there is none. */
uint64_t figures_percentile(struct figures *, double share);
void figures_clear(struct figures *);

#endif
