/* Whose a sender is. A customer owns senders: guests' ports, MACs, addresses, users, accounts. Who owns what stands in
 * a map that the operator keeps, a line a member:
 *
 *     # member              customer
 *     203.0.113.0/28        acme
 *     2001:db8:1::/48       acme
 *     52:54:00:12:34:56     acme
 *     port:vnet3            baker
 *     uid:1001              baker
 *     account:@example.com  carol      # every account of that domain
 *     account:dave          dave
 *
 * Where it says nothing, a port whose name bears its guest's number (Proxmox: tap101i0, veth101i0) is the customer
 * "vm101"'s, for that number goes with the guest from node to node. Names of ports need "port:" here, so that a
 * mistyped address is a mistake; the domain of an account has at most 44 characters. Pure. */
#ifndef COMMON_WORDS_CUSTOMERS_H
#define COMMON_WORDS_CUSTOMERS_H

#include <stdbool.h>
#include <stdint.h>
#include "common/address.h"
#include "common/error.h"
#include "common/text.h"
#include "common/words/account.h"
#include "common/words/sender.h"

#define CUSTOMER_TEXT  (ACCOUNT_MOST + 1) /* a customer's name, written as account.h does, with its end */
#define CUSTOMERS_MOST 1000000            /* members in a map */

/* How it is known. */
enum customer_proof { CUSTOMER_UNKNOWN, CUSTOMER_MAPPED, CUSTOMER_NUMBERED, CUSTOMER_PROOFS };
const char *customer_proof_name(enum customer_proof); /* "unknown", "map", "number" */

struct customers;
/* Read a map; `name` is its file's, for the sentence of a mistake ("FILE:LINE: ..."). A member that stands there twice
 * for different customers is a mistake. `numbered`: whether ports' names tell. An empty text gives a map without lines.
 */
int customers_read(struct text map, const char *name, bool numbered, struct customers **result,
                   struct error *) MUST_CHECK;
void customers_destroy(struct customers **);

/* In all that follows the map may be NULL: nothing is known. */

/* Whom to ask about: the sender, and what else is known of it. */
struct customer_question {
    const struct sender *sender;
    const uint8_t *mac;            /* six bytes of the guest's; NULL: not known */
    const struct address *address; /* that it used last; NULL: not known */
    struct text login;             /* an account's, as the client said it: a long one is kept without its domain */
};
/* The sender itself first (a port, a MAC, a user, an account and then its domain, an address by its longest prefix),
 * then the MAC, then the address, then the number in a port's name. `result` is "" where nobody is known. A
 * SENDER_CUSTOMER is its own. */
enum customer_proof customers_find(const struct customers *, const struct customer_question *,
                                   char result[CUSTOMER_TEXT]);

/* A line of the map: one of the three. */
struct customer_member {
    struct sender
        sender; /* also an IPv4 address and an IPv6 /64; kind SENDER_NONE: it is another prefix, or a domain */
    struct address prefix; /* family 0: none; of IPv6 also a single address, which is less than a sender */
    struct text domain;    /* its accounts; without '@'; empty: none; borrowed from the map */
};
/* Calls back for each member of that customer in the map, once. */
void customers_members(const struct customers *, struct text customer,
                       void (*each)(void *context, const struct customer_member *), void *context);
uint32_t customers_count(const struct customers *); /* members, all in all */

#endif
