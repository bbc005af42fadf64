/* What the relay's answers stand on, in a file of the courier's directory: the key of all marks, what the greylist
 * knows, and the fleet's standings with names and reasons.
 *
 * The greylist is a log: what changed in a second is one row of packed entries, so a commit writes a page or two
 * however many triplets there are, and all of it is read at the start in one go. When the log holds twice what is
 * known, it is written anew, a piece at a time, and the old rows go. Commits do not wait for the disk: a power cut
 * costs what came in the last seconds. */
#ifndef AGENT_COURIER_RELAY_STORE_H
#define AGENT_COURIER_RELAY_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include "agent/courier/fleet_news.h"
#include "agent/relay/greylist.h"
#include "common/error.h"
#include "common/siphash.h"
#include "common/words/order.h"

struct relay_store;
int relay_store_open(const char *path, struct relay_store **result, struct error *) MUST_CHECK;
void relay_store_close(struct relay_store **);
const struct siphash_key *relay_store_key(const struct relay_store *);
bool relay_store_was_damaged(const struct relay_store *); /* what was there was moved aside */

/* The next piece of the greylist's log, into it: a row, 16,384 entries at most. 1: there may be more; 0: that was all.
 */
int relay_store_load_greylist(struct relay_store *, struct greylist *, struct error *) MUST_CHECK;
/* What changed in it since the last time; and a piece of the log anew, where that is due. Once a second. */
int relay_store_keep_greylist(struct relay_store *, struct greylist *, struct error *) MUST_CHECK;

/* What stands against one sender, for people. */
struct stored_standing {
    enum deed deed;
    uint32_t rate;
    moment until;
    int64_t news;
    char customer[64], reason[200], by[96], node[96];
};
/* False: nothing is kept of it. */
bool relay_store_find_standing(struct relay_store *, const struct sender *, struct stored_standing *result);
/* The next piece of all that was told, without names for people: some ten thousand. 1: there may be more; 0: that was
 * all. */
int relay_store_load_standings(struct relay_store *,
                               void (*each)(void *context, const struct sender *, const struct stored_standing *),
                               void *context, struct error *) MUST_CHECK;
/* The first put begins a transaction, relay_store_commit() ends it with the number behind which to ask next. */
int relay_store_put_standing(struct relay_store *, int64_t number, const struct fleet_standing *,
                             struct error *) MUST_CHECK;
int relay_store_commit(struct relay_store *, int64_t after, struct error *) MUST_CHECK;
int64_t relay_store_after(const struct relay_store *);
/* The next thousand of those that are kept: what has been over for a day goes. Once a second. */
int relay_store_prune_standings(struct relay_store *, moment now, struct error *) MUST_CHECK;
int relay_store_forget_standings(struct relay_store *, struct error *) MUST_CHECK;

#endif
