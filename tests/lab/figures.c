/* Kept whole and sorted when asked: a run has thousands of them, not millions. */
#include "tests/lab/figures.h"

#include <math.h>
#include <stdlib.h>

bool figures_add(struct figures *figures, uint64_t value)
{
    if (figures->count == figures->room) {
        size_t room = figures->room ? 2 * figures->room : 64;
        uint64_t *values = reallocarray(figures->values, room, sizeof *values);
        if (values == NULL)
            return false;
        figures->values = values;
        figures->room = room;
    }
    figures->values[figures->count++] = value;
    figures->sorted = false;
    return true;
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

uint64_t figures_percentile(struct figures *figures, double share)
{
    if (figures->count == 0)
        return 0;
    if (!figures->sorted)
        qsort(figures->values, figures->count, sizeof *figures->values, compare);
    figures->sorted = true;
    /* A share such as 0.95 is no binary fraction: 0.95 * 20 must not become rank 20. */
    double rank = ceil(share * (double)figures->count - 1e-9);
    size_t index = rank < 1 ? 0 : (size_t)rank - 1;
    return figures->values[index < figures->count ? index : figures->count - 1];
}

void figures_clear(struct figures *figures)
{
    free(figures->values);
    *figures = (struct figures){0};
}
