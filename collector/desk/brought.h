/* What the sources bring and who takes it: the contract between the desk and the places where complaints arrive. */
#ifndef COLLECTOR_DESK_BROUGHT_H
#define COLLECTOR_DESK_BROUGHT_H

#include <stdbool.h>
#include "common/error.h"
#include "common/text.h"

#define BROUGHT_MOST ((size_t)16 * 1024 * 1024) /* bytes of one; longer ones stay where they are */

struct brought {
    struct text content; /* borrowed, word for word */
    const char *place;   /* how far the source is read once this is kept; NULL: the source itself knows */
};

struct taker {
    /* 0: it is kept for good, with its place; then the source may let go of it. Negative: not now. */
    int (*take)(void *context, const struct brought *, struct error *);
    /* Nothing was taken, but the source is read up to that place. NULL: nobody keeps it. */
    int (*pass)(void *context, const char *place, struct error *);
    void *context;
    /* Whether nobody takes any more, so that a source that is slow need not be waited for; NULL: never. */
    bool (*is_over)(void *context);
};

#endif
