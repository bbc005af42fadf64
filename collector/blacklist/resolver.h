/* Name servers: those that the machine uses, and those that everybody does, which lists do not answer. */
#ifndef COLLECTOR_BLACKLIST_RESOLVER_H
#define COLLECTOR_BLACKLIST_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/address.h"
#include "common/text.h"

/* "192.0.2.53", "192.0.2.53:5353", "2001:db8::53", "[2001:db8::53]:53"; port 53 where none is said. */
bool resolver_parse(struct text, struct address *, uint16_t *port);

/* The `nameserver` lines of a resolv.conf (resolv.conf(5)); returns how many were written, at most `most`. */
size_t resolver_read(struct text content, struct address *result, size_t most);

/* The name of who offers it to everybody, "Google Public DNS"; NULL: none that is known. */
const char *resolver_public(const struct address *);

#endif
