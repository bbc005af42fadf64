/* What a list's word about an own name comes to: a change of state, once another answer has confirmed it, is kept with
 * its history, raised as an alert, told as an event, and told to the node whose sender used the address. */
#ifndef COLLECTOR_LOOKOUT_NOTING_H
#define COLLECTOR_LOOKOUT_NOTING_H

#include <stdbool.h>
#include "collector/blacklist/answer.h"
#include "collector/blacklist/subject.h"
#include "collector/blacklist/zones.h"
#include "collector/store/listings.h"
#include "common/error.h"
#include "common/moment.h"

struct note {
    struct subject subject;
    const struct zone *zone; /* borrowed */
    enum answer_state state;
    bool is_remembered;         /* it was said before, and confirms nothing */
    enum listing_weight weight; /* and the rest: listed alone */
    char code[STORE_LISTING_TEXT], means[STORE_LISTING_TEXT], reason[STORE_LISTING_TEXT];
};
struct note note_of(const struct subject *, const struct zone *, const struct answer *);

enum noted { NOTED_NOTHING, NOTED_DOUBT, NOTED_CHANGE };
/* Inside of a transaction. NOTED_DOUBT: it is to be asked anew when `apart` has passed. Negative: the store failed. */
int noting_take(struct store *, const struct note *, duration apart, moment now, struct error *) MUST_CHECK;

/* What stands on lists that are not asked any more is over, for all that is known: up to `most` of them. How many. */
int noting_retire(struct store *, const struct zones *, uint32_t most, moment now, struct error *) MUST_CHECK;

#endif
