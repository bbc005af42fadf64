/* What a collector knows of the nodes together, as it is told to each of them and goes from the courier to the judge:
 * one body that senders on several nodes send, and what the senders of one customer have against them elsewhere. Made
 * of what other nodes say, who may lie: each is held to its ranges, and ends by itself. */
#ifndef COMMON_WORDS_FLEET_H
#define COMMON_WORDS_FLEET_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include "common/moment.h"
#include "common/words/customers.h"
#include "common/words/likeness.h"
#include "common/words/points.h"

#define FLEET_LONGEST     DAY /* such knowledge is believed no longer, whatever it says */
#define FLEET_COUNT_MOST  1000000
#define FLEET_POINTS_MOST DECIBANS(1000000)
/* What a sender must have against it to say something of others of its customer: points of firm evidence, faded, as
 * much as an alert takes. Machines that one person set up in one odd way have less each. Of another node's senders,
 * where only the sum is known, each on the average. */
#define FLEET_POINTS_LEAST DECIBANS(10)

/* One body from senders of several customers on several nodes. As nodes tell of it: counts of the last hour, this
 * node's included. As the centre counts it in the messages that it is sent (`counted`): recipients of the last day, and
 * as many senders as customers. */
struct fleet_campaign {
    struct likeness likeness;
    uint32_t customers, senders, nodes, recipients;
    moment first, until; /* when the first of them was told of; when it is over, unless it is told again */
    uint32_t counted;    /* 1: as the centre counts */
    uint32_t zero;
};

/* The senders of one customer on other nodes than this one. */
struct fleet_customer {
    char name[CUSTOMER_TEXT]; /* written as account.h does */
    char zero[48 - CUSTOMER_TEXT];
    points points; /* the sum of what firm evidence holds against them */
    uint32_t senders, nodes;
    uint32_t reserved;
    moment until;
};
static_assert(sizeof(struct fleet_campaign) == 72 && sizeof(struct fleet_customer) == 72, "sent as they stand");

/* Whether it can be true: numbers within their ranges, senders from two nodes and two customers at least. */
bool fleet_campaign_is_sound(const struct fleet_campaign *);
/* The same; no senders and no points: nothing is held against the customer any more. */
bool fleet_customer_is_sound(const struct fleet_customer *);

#endif
