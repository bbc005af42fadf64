/* What orders on customers hold here: of each held customer the guests' ports that are open, and what the map says that
 * it has and the kernel can stop: MACs, addresses, local users. Accounts are the courier's, who is asked about each.
 * Which order stands on a sender in the end is order_prevailing()'s; this only knows who belongs to whom. Bounded.
 * Pure. */
#ifndef AGENT_WARDEN_HOLDINGS_H
#define AGENT_WARDEN_HOLDINGS_H

#include <stddef.h>
#include "agent/warden/device.h"
#include "common/error.h"
#include "common/words/customers.h"

#define HOLDINGS_MOST      65536 /* senders, of all customers together */
#define HOLDINGS_ADDRESSES 4096  /* of one customer: IPv4 addresses and IPv6 /64s, each an element in the kernel */

/* What there is to belong to somebody. */
struct holdings_sight {
    const struct customers *map; /* NULL: none */
    const struct device *devices;
    size_t device_count;
    bool host; /* there are users, else guests' ports and MACs */
    /* Whether that sender may not be held, being this machine itself or nobody's; NULL: all may. */
    bool (*refused)(void *context, const struct sender *);
    void *context;
};

/* What is held of a customer, and what is not. */
struct holdings_sum {
    uint32_t ports, macs, users, addresses;
    uint32_t accounts; /* lines of the map: accounts and domains of accounts */
    uint32_t members;  /* lines of the map, all in all */
    uint32_t refused;  /* see `refused` above */
    uint32_t narrow;   /* IPv6 prefixes longer than a /64 in which the map has others too */
    uint64_t beyond;   /* addresses, or others where the whole is full, that are beyond the bounds */
};

enum holding_news {
    HOLDING_BEGINS,
    HOLDING_MOVES, /* begins, and was another customer's */
    HOLDING_STAYS,
    HOLDING_ENDS
};
typedef void holdings_news(void *context, const struct sender *, enum holding_news);

struct holdings;
int holdings_create(struct holdings **, struct error *) MUST_CHECK;
void holdings_destroy(struct holdings **);

/* Hold all that the customer has now, let go of what is not its any more, and tell of each. `news` (may be NULL) must
 * not call back. */
void holdings_update(struct holdings *, const struct sender *customer, const struct holdings_sight *,
                     holdings_news *news, void *context, struct holdings_sum *);
/* Let go of all that is held for that customer. */
void holdings_end(struct holdings *, const struct sender *customer, holdings_news *news, void *context);
/* One sender comes to be held, or no more (NULL). False: the bound was reached. */
bool holdings_set(struct holdings *, const struct sender *, const struct sender *customer);

/* For whom it is held; NULL: it is not. Until the next change. */
const struct sender *holdings_find(struct holdings *, const struct sender *);
void holdings_each(struct holdings *, void (*each)(void *context, const struct sender *, const struct sender *customer),
                   void *context);
uint32_t holdings_count(const struct holdings *);

/* Whose guest is behind a port: by the map, its port or MAC in it, then by the number in its name. libvirt gives a port
 * its guest's MAC with the first byte 0xfe. Kind SENDER_NONE: nobody is known. */
struct sender holdings_owner(const struct customers *, const struct device *);

#endif
