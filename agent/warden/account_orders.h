/* The orders on mail accounts, kept in a file: no table in the kernel holds them, so without it they would end with the
 * warden. Written anew as a whole; a file that is not whole is none, for it decides whose mail is stopped. */
#ifndef AGENT_WARDEN_ACCOUNT_ORDERS_H
#define AGENT_WARDEN_ACCOUNT_ORDERS_H

#include <stddef.h>
#include "common/error.h"
#include "common/words/order.h"

#define ACCOUNT_ORDERS_MOST 16384

struct account_orders {
    size_t count;
    struct order *items; /* owned */
};
void account_orders_add(struct account_orders *, const struct order *); /* beyond the most, or memory: passed over */
void account_orders_clear(struct account_orders *);

/* `directory`: that of the state. Orders that are over or that are not sound are left out. 0 also where there is no
 * file; negative where it cannot be read or was not written by us: then there are none. */
int account_orders_read(int directory, moment now, struct account_orders *result, struct error *) MUST_CHECK;
int account_orders_write(int directory, const struct account_orders *, struct error *) MUST_CHECK;

#endif
