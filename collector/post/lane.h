/* A lane of the post: a thread with a store of its own that delivers what waits for one way, one sending at a time. All
 * mail is one lane, each other channel another. A way that does not work is left alone for longer and longer, and tried
 * with one sending only; what one sending has against it, it waits for by itself. */
#ifndef COLLECTOR_POST_LANE_H
#define COLLECTOR_POST_LANE_H

#include "collector/alert/settings.h"
#include "collector/post/settings.h"
#include "collector/store/sendings.h"
#include "common/error.h"

#define LANE_NAMES (CHANNELS_MOST + 1)

struct lane_settings {
    const char *where; /* the store's place; copied. All else is borrowed */
    const struct mail_settings *mail;
    const struct channel *channel; /* NULL: the lane of mail */
    const char *names[LANE_NAMES]; /* whose sendings it delivers */
    size_t name_count;
};

/* Since it began. */
struct lane_counts {
    uint64_t sent, tried_again, failed, in_doubt;
};

struct lane;
int lane_create(const struct lane_settings *, struct lane **result, struct error *) MUST_CHECK;
void lane_end(struct lane *); /* it is to end soon; it is not waited for */
struct lane_counts lane_counts(struct lane *);
void lane_destroy(struct lane **); /* what is under way is given some seconds more */

/* How long one sending waits that was tried so often. */
duration lane_pause(int64_t tries);
/* How long a way is left alone that has failed so often, one time after the other. */
duration lane_rest(uint32_t fails);

#endif
