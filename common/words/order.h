/* An order: what is done to whom until when. A small fixed struct, so that the one process with rights can check it
 * whole before it acts: it can only touch the mail traffic of the sender it names. */
#ifndef COMMON_WORDS_ORDER_H
#define COMMON_WORDS_ORDER_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include "common/error.h"
#include "common/moment.h"
#include "common/words/sender.h"
#include "common/words/whose.h"

enum deed { DEED_RELEASE, DEED_THROTTLE, DEED_DIVERT, DEED_BLOCK, DEED_ALLOW, DEEDS };
enum order_author { ORDER_BY_POLICY, ORDER_BY_PERSON, ORDER_AUTHORS };

struct order {
    uint64_t id;
    moment until; /* 0 only for DEED_RELEASE; else in the future, at most ORDER_LONGEST from now */
    struct sender target;
    uint8_t deed;        /* enum deed */
    uint8_t author;      /* enum order_author */
    uint8_t reserved[6]; /* zero */
    uint32_t rate;       /* DEED_THROTTLE: connections a minute, 1 to 60,000 */
    uint32_t reserved_too;
    struct whose whose; /* of the target, for people: nothing is done by it */
};
static_assert(sizeof(struct order) == 152, "one size on both sides of the socket");

#define ORDER_LONGEST (400 * DAY)

/* What the receiver of an order checks, whoever sent it: sound sender, known deed, time-out within bounds of `now`,
 * rate within range, reserved bytes zero. */
int order_check(const struct order *, moment now, struct error *) MUST_CHECK;
/* Which of two stands: the one on a sender itself or the one on its customer; NULL: there is none. The harder, but that
 * a person's word stands over the policy's: a member that is allowed by itself is not held with its customer, and an
 * allowed customer's member only where a person said so of it. Of equals the one that lasts longer. */
const struct order *order_prevailing(const struct order *own, const struct order *customers);
const char *deed_name(enum deed); /* "release", "throttle", "divert", "block", "allow" */

#endif
