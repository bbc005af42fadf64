/* What the files of enforcement share: enforcement.c (orders and devices), enforcement_copy.c (the kernel's table),
 * enforcement_customers.c (what customers' orders hold), enforcement_list.c (what people ask). */
#ifndef AGENT_WARDEN_ENFORCEMENT_STATE_H
#define AGENT_WARDEN_ENFORCEMENT_STATE_H

#include <stddef.h>
#include "agent/warden/book.h"
#include "agent/warden/device.h"
#include "agent/warden/enforcement.h"
#include "agent/warden/holdings.h"

struct enforcement {
    struct enforcement_listener listener;
    struct nft_plan plan;
    const struct address_list *own;
    struct nft *nft;
    struct nft_guard *guard;
    struct nft_features features;
    struct book *book;
    struct holdings *holdings;
    const struct customers *map; /* NULL: none */
    struct device *devices;
    size_t device_count, device_room;
    bool on, table, broken;
    uint32_t repairs, refused, mends_now;
};

/* Whether the machine itself would be hit, or nobody. */
bool enforcement_is_ours(const struct enforcement *, const struct sender *target);
/* The guest's port that the sender is; NULL: it is none that is here. */
struct device *enforcement_port(struct enforcement *, const struct sender *);

/* What stands on that sender now: its own order, or its customer's (`borrowed`); NULL: nothing. */
const struct order *enforcement_prevailing(struct enforcement *, const struct sender *, bool *borrowed);

/* The kernel's table as the book wants it, whole; or one sender in it. `fresh`: it is not in the table. */
int copy_install(struct enforcement *, moment now, struct error *) MUST_CHECK;
int copy_settle(struct enforcement *, const struct sender *, bool fresh, moment now, struct error *) MUST_CHECK;
int copy_add(struct enforcement *, const struct sender *senders, size_t count, moment now, struct error *) MUST_CHECK;
/* Take many out of the sets of one deed. */
int copy_drop(struct enforcement *, const struct sender *senders, size_t count, enum deed, struct error *) MUST_CHECK;
int copy_take_out(struct enforcement *, const struct sender *, enum nft_deed except, struct error *) MUST_CHECK;

/* An order on a customer was written into the book, struck out or has run out. `before`: what stood on it until then;
 * DEED_RELEASE: nothing. */
int customers_order(struct enforcement *, const struct sender *customer, enum deed before, moment now,
                    struct error *) MUST_CHECK;
/* Whose guest is behind a port that is here (again), and whether that is held. */
void customers_welcome(struct enforcement *, struct device *, moment now);

#endif
