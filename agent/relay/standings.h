/* What stands against senders, in memory, for the answer to each question of a relay: a mark, a deed, until when. So a
 * million take some 60 MB. Whose names and why, for people, is kept elsewhere. Bounded: where it is full, what was told
 * longest ago gives way. Pure. */
#ifndef AGENT_RELAY_STANDINGS_H
#define AGENT_RELAY_STANDINGS_H

#include <stdbool.h>
#include <stdint.h>
#include "agent/relay/places.h"
#include "common/moment.h"
#include "common/words/order.h"

struct relay_standing {
    int64_t number;  /* of the order or the news, for reference */
    uint32_t until;  /* seconds since 1970 */
    uint32_t rate;   /* of a throttle: messages a minute */
    uint8_t deed;    /* enum deed; DEED_RELEASE: nothing stands */
    uint8_t policys; /* no person's word: an allowed customer's member is not stopped by it */
    uint8_t reserved[6];
};

struct standings {
    struct places places;
    struct siphash_key key;
};

int standings_create(struct standings *, uint32_t most, const struct siphash_key *, struct error *) MUST_CHECK;
void standings_clear(struct standings *);

/* What stands takes the place of what stood before; DEED_RELEASE, and what is over, ends it. */
void standings_put(struct standings *, const struct sender *, enum deed, uint32_t rate, moment until, int64_t number,
                   moment now);
/* What stands against it was ordered by no person. */
void standings_note_policys(struct standings *, const struct sender *);
/* False: nothing stands against it. */
bool standings_find(struct standings *, const struct sender *, moment now, struct relay_standing *result);
/* Once a second: what is over gives its place back, in ten minutes at most. */
void standings_tick(struct standings *, moment now);
void standings_forget(struct standings *); /* all of it */
uint32_t standings_count(const struct standings *);

#endif
