/* IPv4 and IPv6 addresses and prefixes; RFC 4291, written as RFC 5952 says. */
#ifndef COMMON_ADDRESS_H
#define COMMON_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/text.h"

struct address {
    uint8_t family;    /* 4, 6; 0: none */
    uint8_t prefix;    /* 0-32 or 0-128; an address is a prefix of full length */
    uint8_t bytes[16]; /* network order; an IPv4 address fills the first four, the rest are zero */
};

#define ADDRESS_TEXT 50

struct address address_from_ipv4(const uint8_t bytes[4]);
struct address address_from_ipv6(const uint8_t bytes[16]);

/* "203.0.113.7", "2001:db8::/32", "203.0.113.0/24". An IPv4-mapped IPv6 address stays IPv6. Host bits must be zero for
 * a prefix. No names, no zone. */
bool address_parse(struct text, struct address *result);

/* RFC 5952; "/bits" is added where the prefix is shorter than the address. Returns `result`. */
const char *address_print(const struct address *, char result[ADDRESS_TEXT]);

bool address_equals(const struct address *, const struct address *);
bool address_contains(const struct address *prefix, const struct address *);
struct address address_mask(const struct address *, uint8_t bits); /* the prefix of that many bits it lies in */

/* Loopback, link-local, multicast, unspecified: never a customer's routable address. */
bool address_is_special(const struct address *);

/* A list of prefixes, kept sorted, as options hold them. Zeroed memory is an empty list. */
struct address_list {
    struct address *items;
    size_t count;
};
bool address_list_add(struct address_list *, const struct address *) __attribute__((warn_unused_result));
bool address_list_contains(const struct address_list *, const struct address *);
void address_list_clear(struct address_list *);

#endif
