/* The order book: every order in force, whether or not it stands in the kernel. From it the kernel's table is made anew
 * when enforcement is switched on or others flushed it. Bounded; one order for each target: the latest. Pure. */
#ifndef AGENT_WARDEN_BOOK_H
#define AGENT_WARDEN_BOOK_H

#include <stdbool.h>
#include <stdint.h>
#include "common/error.h"
#include "common/words/order.h"

struct book_entry {
    struct order order;
    bool adopted;            /* found in the kernel: the judge that gave it is gone, and with it what it knew */
    uint64_t packets, bytes; /* of a customer's, while they are listed: what stopped its members */
    bool listed;             /* used while the kernel's elements are listed */
    bool absent;             /* a port that is not here now: the guest is off */
    bool mac_known;          /* of the port, when the order came */
    uint8_t mac[6];
};

struct book;
int book_create(uint32_t most, struct book **, struct error *) MUST_CHECK;
void book_destroy(struct book **);
/* Write an order down; it takes the place of an earlier one for the same target. A release strikes that out and gives
 * NULL. A full book gives up the order that was touched longest ago. */
struct book_entry *book_write(struct book *, const struct order *);
struct book_entry *book_find(struct book *, const struct sender *);
void book_strike(struct book *, const struct sender *);
uint32_t book_count(const struct book *);
/* Calls back for each, oldest first; the callback may strike the entry that it is given. */
void book_each(struct book *, void (*each)(void *context, struct book_entry *), void *context);
/* Strike out what has run out, and call back (NULL: not) for each that was; returns how many. */
uint32_t book_expire(struct book *, moment now, void (*expired)(void *context, const struct order *), void *context);

#endif
