/* News of the fleet: what the centre tells a node of its own accord, beside what persons order. It is nothing that must
 * be carried out and is not acknowledged: each piece stands for itself, replaces the one before of the same kind and
 * key, and ends at its own time. A node that begins anew asks for all that holds. */
#ifndef AGENT_COURIER_FLEET_NEWS_H
#define AGENT_COURIER_FLEET_NEWS_H

#include <stdint.h>
#include "common/error.h"
#include "common/moment.h"
#include "common/text.h"
#include "common/words/fleet.h"
#include "common/words/order.h"
#include "common/words/sender.h"

#define FLEET_NEWS_MOST 500 /* in one answer */

enum fleet_news_kind { FLEET_NEWS_CAMPAIGN, FLEET_NEWS_CUSTOMER, FLEET_NEWS_STANDING };

/* What a relay refuses by: an order that stands on some node, or for all. */
struct fleet_standing {
    struct sender sender;         /* an address, an account, a customer, ... */
    char customer[CUSTOMER_TEXT]; /* whose it is; empty: not known */
    enum deed deed;
    uint32_t rate;
    moment until; /* 0: it has no end, or is a release */
    char reason[160], by[64], node[65];
};

struct fleet_news {
    int64_t number;
    enum fleet_news_kind kind;
    union {
        struct fleet_campaign campaign;
        struct fleet_customer customer;
        struct fleet_standing standing;
    };
};

struct fleet_news_list {
    struct fleet_news *items; /* in the order of their numbers */
    uint32_t count, unsound;  /* unsound: of a kind that is known, but not possible, and left out */
    bool some;                /* the answer had news in it, whether or not any is left */
    int64_t number;           /* what to ask behind next; lower than what was asked where the centre is from a backup */
};

/* Read what an answer of GET /v1/directives has of them; none is well. `node`: our own name, of which a customer's sums
 * are left out. Ends that are too far ahead are brought to FLEET_LONGEST from `now`; what is over already is among the
 * results, for it may replace what is not. */
int fleet_news_read(struct text answer, int64_t after, const char *node, moment now, struct fleet_news_list *result,
                    struct error *) MUST_CHECK;
void fleet_news_clear(struct fleet_news_list *);

#endif
