/* A sender: whom an observation is about. A guest's port, a MAC, an address, an IPv6 /64, a local user, a mail account.
 */
#ifndef COMMON_WORDS_SENDER_H
#define COMMON_WORDS_SENDER_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include "common/address.h"
#include "common/text.h"

enum sender_kind {
    SENDER_NONE,
    SENDER_PORT,
    SENDER_MAC,
    SENDER_IPV4,
    SENDER_IPV6,
    SENDER_USER,
    SENDER_ACCOUNT,
    SENDER_CUSTOMER, /* all that one customer has, wherever it is (customers.h); the target of orders alone */
    SENDER_KINDS
};

/* No padding, unused bytes zero: it is compared, hashed and sent as it stands. */
struct sender {
    uint8_t kind;   /* enum sender_kind */
    uint8_t prefix; /* SENDER_IPV4: 32; SENDER_IPV6: 64 (the prefix a customer gets); else 0 */
    /* PORT: interface name, zero-padded; MAC: 6; IPv4: 4; IPv6: 16; USER: uid, big-endian; ACCOUNT, CUSTOMER: see
     * account.h */
    uint8_t bytes[46];
};
static_assert(sizeof(struct sender) == 48, "a sender is sent between processes as it stands");

#define SENDER_TEXT 64

struct sender sender_from_address(const struct address *); /* IPv6 is masked to its /64 */
struct sender sender_from_port(const char *interface);     /* at most 15 characters */
struct sender sender_from_mac(const uint8_t mac[6]);
struct sender sender_from_user(uint32_t uid);
struct sender sender_from_account(struct text login);               /* any bytes; SENDER_NONE where it is empty */
struct sender sender_from_customer(struct text name);               /* the same; written as an account's name is */
bool sender_user(const struct sender *, uint32_t *result);          /* false where it is no user */
bool sender_address(const struct sender *, struct address *result); /* false where it is no address */

/* "203.0.113.7", "2001:db8:1:2::/64", "52:54:00:12:34:56", "uid:33", "port:vnet3",
 * "account:alice@example.com", "customer:acme". Returns `result`. */
const char *sender_print(const struct sender *, char result[SENDER_TEXT]);
/* Reads what sender_print writes; an IPv6 address stands for its /64; a word that is none of these is a port's name,
 * 1 to 15 characters without '/', ':' and space. */
bool sender_parse(struct text, struct sender *result);
bool sender_equals(const struct sender *, const struct sender *);
bool sender_is_sound(const struct sender *); /* kind known, unused bytes zero: what a receiver checks */

#endif
