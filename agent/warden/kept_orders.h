/* The orders that no table in the kernel holds, kept in a file, so that they outlive the warden: on mail accounts, on
 * customers, and those of senders that are held for their customer, of which the kernel knows only that. Written anew
 * as a whole; a file that is not whole is none, for it decides whose mail is stopped. */
#ifndef AGENT_WARDEN_KEPT_ORDERS_H
#define AGENT_WARDEN_KEPT_ORDERS_H

#include <stddef.h>
#include "common/error.h"
#include "common/words/order.h"

#define KEPT_ORDERS_MOST 65536

struct kept_orders {
    size_t count;
    struct order *items; /* owned */
};
void kept_orders_add(struct kept_orders *, const struct order *); /* beyond the most, or memory: passed over */
void kept_orders_clear(struct kept_orders *);

/* `directory`: that of the state. Orders that are over or that are not sound are left out. 0 also where there is no
 * file; negative where it cannot be read or was not written by us: then there are none. */
int kept_orders_read(int directory, moment now, struct kept_orders *result, struct error *) MUST_CHECK;
int kept_orders_write(int directory, const struct kept_orders *, struct error *) MUST_CHECK;

#endif
