/* One try at handing something over: what every way of doing so is given, and what it says came of it. A way blocks the
 * thread that uses it, within its limits of time, and knows neither the store nor what else waits. */
#ifndef COLLECTOR_POST_DELIVERY_H
#define COLLECTOR_POST_DELIVERY_H

#include <stdbool.h>
#include "common/buffer.h"
#include "common/moment.h"
#include "common/text.h"

enum delivered {
    DELIVERED,
    DELIVERY_REFUSED,  /* for good */
    DELIVERY_LATER,    /* not now; others may have more luck by the same way */
    DELIVERY_AWAY,     /* the way itself does not work now, whatever is to be sent */
    DELIVERY_IN_DOUBT, /* it was handed over whole, and nobody said that it arrived */
};

#define DELIVERY_TROUBLE 240

struct delivery {
    const char *id;
    struct text recipients, subject, bytes;
    /* To be called before the last byte goes: from then on it may have arrived. It stays ours for `more`. False: it
     * must not be sent, and is said to be DELIVERY_LATER. Once for each delivery. */
    bool (*hand)(void *context, duration more);
    bool (*is_over)(void *context); /* nobody waits for it any more */
    void *context;

    /* --- what came of it --- */
    char trouble[DELIVERY_TROUBLE]; /* a line; with DELIVERED, who of several did not get it, and why */
    duration pause;                 /* so long the other side wants to be left alone; 0: it did not say */
    struct buffer left; /* mail that others got: the recipients who are to be asked again, as `recipients` */
};

/* The first line of the file, as what a password is: `most` bytes with its end, wiped by the caller. Negative: errno,
 * and the trouble says it. */
int delivery_read_secret(struct delivery *, const char *path, char *result, size_t most);

#endif
