/* What a relay was told about whom, for people: how often it asked about a sender, how much was refused. Bounded; the
 * one that was heard of longest ago gives way. Pure. */
#ifndef AGENT_RELAY_ACTS_H
#define AGENT_RELAY_ACTS_H

#include <stdbool.h>
#include <stdint.h>
#include "common/error.h"
#include "common/moment.h"
#include "common/siphash.h"
#include "common/words/sender.h"

#define ACTS_MOST 16384

struct act {
    moment since;        /* when it began: an order came, or the first refusal */
    moment asked_last;   /* 0: no mail server has asked */
    uint64_t asked;      /* questions about it while something stood against it */
    uint64_t refused;    /* messages; several questions about one are counted once */
    uint64_t deferred;   /* for an order's rate or the relay's own */
    uint64_t greylisted; /* recipients */
    uint64_t diverted;
    uint64_t told; /* for whoever tells of it: what of `refused` and the others was told already */
};

struct acts;
int acts_create(uint32_t most, const struct siphash_key *, struct acts **result, struct error *) MUST_CHECK;
void acts_destroy(struct acts **);
struct act *acts_add(struct acts *, const struct sender *, moment now); /* it becomes the youngest; never NULL */
struct act *acts_find(struct acts *, const struct sender *);            /* NULL: none, or it was forgotten */

#endif
