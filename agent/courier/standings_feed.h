/* What the centre knows to stand against senders anywhere in the fleet, for a relay that refuses by it: the uplink
 * brings the "standing" news, this keeps them in a file with the number up to which they were told, so that a relay
 * that is cut off goes on.
 *
 *     if (standings_feed_is_wanted(feed))  ask with &standings=yes&news=<standings_feed_after(feed)>
 *     for each item of the answer          standings_feed_take(feed, &item)
 *     behind the last of one answer        standings_feed_done(feed, <its news_after>)
 *
 * What was taken but not yet done is taken again after a crash: an item may come twice. */
#ifndef AGENT_COURIER_STANDINGS_FEED_H
#define AGENT_COURIER_STANDINGS_FEED_H

#include <stdbool.h>
#include <stdint.h>
#include "common/moment.h"
#include "common/text.h"

struct relay;
struct relay_store;
struct relay_settings;

/* One "kind":"standing" as it came: any bytes, borrowed. What is no sender and no deed is passed over by take(). */
struct standings_item {
    int64_t news;         /* its number */
    struct text sender;   /* as sender_print() writes it: an address, an account or customer:NAME */
    struct text customer; /* whose the sender is; empty: not known */
    struct text order;    /* "block", "throttle", "divert", "allow", "release" */
    uint32_t rate;        /* of a throttle, a minute; 0: not said */
    moment until;         /* in the past: it is over */
    struct text reason, by, node;
};

/* The relay desk's; NULL is allowed everywhere: nothing is wanted. */
struct standings_feed {
    struct relay *relay;
    struct relay_store *store; /* NULL: there is no file to keep them in, so they are not asked for */
    const struct relay_settings *settings;
    void (*trouble)(void *context, const char *text);
    void *context;
    uint64_t taken;
    bool broken; /* of this answer something could not be kept */
    bool told;   /* and that was said */
};

bool standings_feed_is_wanted(const struct standings_feed *); /* may change with the configuration: ask each time */
int64_t standings_feed_after(const struct standings_feed *);  /* 0: from the beginning */
void standings_feed_take(struct standings_feed *, const struct standings_item *);
void standings_feed_done(struct standings_feed *, int64_t news_after);
/* The centre begins anew (one from a backup, or another): all that it told is forgotten, and after() is 0. */
void standings_feed_forget(struct standings_feed *);

#endif
