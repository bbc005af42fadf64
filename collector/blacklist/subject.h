/* What is looked up in a blacklist, and under which name (RFC 5782): an IPv4 address by its bytes backwards, an IPv6
 * address by its nibbles backwards, a domain as it is, each before the zone's own name. */
#ifndef COLLECTOR_BLACKLIST_SUBJECT_H
#define COLLECTOR_BLACKLIST_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/address.h"
#include "common/text.h"

#define SUBJECT_TEXT 256 /* room for any subject as text, and its NUL */
#define SUBJECT_NAME                                                                                                   \
    256 /* room for any name that is asked for, and its NUL: RFC 1035 lets 253 characters be written                   \
         */
#define SUBJECT_DOMAIN_MOST 190 /* characters of a domain: room is left for the zone behind it */

enum subject_kind { SUBJECT_IPV4, SUBJECT_IPV6, SUBJECT_DOMAIN, SUBJECT_KINDS };

struct subject {
    enum subject_kind kind;
    uint8_t bytes[16];                    /* of an address, network order */
    char domain[SUBJECT_DOMAIN_MOST + 1]; /* small letters, no dot at the end; else empty */
};

struct subject subject_from_address(const struct address *); /* its prefix is not looked at */

/* "203.0.113.7", "2001:db8::7", "example.org". Of names: letters, digits, "-" and "_", labels of 1 to 63, at least two
 * of them, and not all of it digits and dots. False where it is nothing to look up; `result` unchanged. */
bool subject_parse(struct text, struct subject *result);

/* As subject_parse() reads it. Returns `result`. */
const char *subject_print(const struct subject *, char result[SUBJECT_TEXT]);

/* The name to ask for, without a dot at the end: "7.113.0.203.zen.example". The zone's name as it is given. False where
 * both together are longer than a name may be. */
bool subject_name(const struct subject *, struct text zone, char result[SUBJECT_NAME]);

#endif
