/* Own names, as a site names them: prefixes, addresses and domains. Prefixes of IPv4 are taken apart into addresses; of
 * IPv6 too few are in use for that, so that those are looked for which senders show. */
#ifndef COLLECTOR_BLACKLIST_OWN_H
#define COLLECTOR_BLACKLIST_OWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "collector/blacklist/subject.h"
#include "common/address.h"
#include "common/error.h"
#include "common/text.h"

#define OWN_MOST 131072 /* names in all */

struct own {
    struct address_list prefixes; /* of both families */
    struct subject *domains;      /* owned */
    size_t domain_count;
    uint64_t addresses; /* that are asked for one by one */
};

/* One more word, an address, a prefix or a domain. -EINVAL: it is none, or there are too many. */
int own_add(struct own *, struct text word, struct error *) MUST_CHECK;
/* One word a line; "#" begins a comment. Errors name the line. */
int own_read(struct own *, struct text content, const char *name, struct error *) MUST_CHECK;
void own_clear(struct own *);

/* Whether the address is in one of the prefixes. */
bool own_has(const struct own *, const struct address *);
/* How many names there are to be asked for, and the one at `index`. */
size_t own_count(const struct own *);
bool own_at(const struct own *, size_t index, struct subject *result);

#endif
