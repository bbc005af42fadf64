/* What the centre knows to stand against senders anywhere in the fleet, for a relay that refuses by it: the uplink
 * brings the "standing" news, this keeps them in a file with the number up to which they were told, so that a relay
 * that is cut off goes on.
 *
 * What was taken but not yet done is taken again after a crash: an item may come twice. */
#ifndef AGENT_COURIER_STANDINGS_FEED_H
#define AGENT_COURIER_STANDINGS_FEED_H

#include <stdbool.h>
#include <stdint.h>
#include "agent/courier/fleet_news.h"

struct relay;
struct relay_store;
struct relay_settings;

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
bool standings_feed_is_policys(const char *by);               /* ordered by no person, as nodes write it */
/* A standing of that number. What no question of a relay can be about is passed over. */
void standings_feed_take(struct standings_feed *, int64_t number, const struct fleet_standing *);
void standings_feed_done(struct standings_feed *, int64_t after); /* all up to there were told */
/* The centre begins anew (one from a backup, or another): all that it told is forgotten, and after() is 0. */
void standings_feed_forget(struct standings_feed *);

#endif
