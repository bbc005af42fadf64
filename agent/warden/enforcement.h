/* Orders to the kernel: checks each once more, keeps the book, makes the table, mends it when others broke it. */
#ifndef AGENT_WARDEN_ENFORCEMENT_H
#define AGENT_WARDEN_ENFORCEMENT_H

#include <stdbool.h>
#include <stdint.h>
#include "agent/message/message.h"
#include "agent/warden/holdings.h"
#include "common/address.h"
#include "common/error.h"
#include "nft/nft.h"

struct enforcement;

struct enforcement_listener {
    void *context;
    void (*event)(void *context, uint8_t severity, const char *what, const char *text);
    /* A sender is held from now on for its customer's order, which is given as if it were the sender's own; NULL: not
     * told. Of very many that begin at once the first. */
    void (*held)(void *context, const struct order *);
};

int enforcement_open(const struct nft_plan *, const struct enforcement_listener *, struct enforcement **,
                     struct error *) MUST_CHECK;
void enforcement_close(struct enforcement **); /* the kernel's side stays as it is */

/* Another plan; while enforcement is on the table is made anew, in one transaction. The plan's address list is borrowed
 * until the next plan. `own`: the machine's own addresses, borrowed as well: a hypervisor never blocks itself. */
int enforcement_plan(struct enforcement *, const struct nft_plan *, const struct address_list *own,
                     struct error *) MUST_CHECK;

int enforcement_switch(struct enforcement *, bool on, moment now, struct error *) MUST_CHECK;
bool enforcement_is_on(const struct enforcement *);
bool enforcement_is_host(const struct enforcement *); /* by the plan */

/* A guest's port or an uplink is here, or gone. `mac` NULL: it has none. */
int enforcement_device(struct enforcement *, const char *name, bool uplink, const uint8_t *mac, moment now,
                       struct error *) MUST_CHECK;
void enforcement_device_gone(struct enforcement *, const char *name);

/* Carry out, or refuse with a reason. While enforcement is off it is only written down. */
int enforcement_order(struct enforcement *, const struct order *, moment now, struct error *) MUST_CHECK;
/* An order of a former run that the kernel does not hold: on a mail account, on a customer, or a sender's own where its
 * customer is held. As if found in force; to be told before enforcement is switched on. */
void enforcement_adopt(struct enforcement *, const struct order *, moment now);
/* Whether that sender's connections may be cut: it is blocked and enforcement is on. */
bool enforcement_blocks(struct enforcement *, const struct sender *);

/* Once a second: what ran out is struck out, what could not be mended is tried again. */
void enforcement_tick(struct enforcement *, moment now);

/* The guard's descriptor (-1 while off) and what to do when it can be read. The descriptor changes with every switch.
 */
int enforcement_guard(const struct enforcement *);
void enforcement_mend(struct enforcement *, moment now);

/* Orders, with what they stopped so far where they stand in the kernel; a customer's with the sum of all that it holds.
 * Beside these each sender that is held for its customer, as if that order were its own; of its addresses those that
 * stopped something. */
struct enforcement_row {
    struct order order;
    const struct sender *customer; /* for whom the sender is held; NULL: it is its own order */
    uint64_t packets, bytes;
};
int enforcement_list(struct enforcement *, void (*each)(void *context, const struct enforcement_row *), void *context,
                     moment now, struct error *) MUST_CHECK;

/* What stands on that sender; NULL: nothing. Until the next call. */
const struct order *enforcement_standing(struct enforcement *, const struct sender *);
void enforcement_each(struct enforcement *, void (*each)(void *context, const struct order *), void *context);

/* The map of customers, borrowed until the next (NULL: none): what is held for them follows it. */
int enforcement_customers(struct enforcement *, const struct customers *map, moment now, struct error *) MUST_CHECK;
/* Hold all that a customer has now where an order stands on it, else let go of it, as its orders, guests and the map
 * are: done by itself with each of these. Says what is held. */
int enforcement_customer(struct enforcement *, const struct sender *customer, moment now, struct holdings_sum *,
                         struct error *) MUST_CHECK;
/* The customer for whose order the sender is held; NULL: it is not. Until the next call. */
const struct sender *enforcement_holder(struct enforcement *, const struct sender *);

struct enforcement_counters {
    uint32_t orders, repairs, refused;
    uint32_t in_force[DEEDS]; /* of the orders, by deed */
    bool table, reject;
};
struct enforcement_counters enforcement_counters(const struct enforcement *);

#endif
