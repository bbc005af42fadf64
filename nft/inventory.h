/* What a table consists of, in a form in which our own messages and the kernel's answers come out the same: thus we
 * know whether what stands is what we would make, to the last expression, and need not make it again. */
#ifndef NFT_INVENTORY_H
#define NFT_INVENTORY_H

#include <stdbool.h>
#include <stdint.h>
#include "common/buffer.h"
#include "common/error.h"
#include "nft/netlink.h"

#define DEVICES_MOST 8192

/* A device that has a chain of ours. */
struct hooked {
    char device[16];
    bool uplink;
};

struct inventory {
    struct buffer sets, chains, rules; /* canonical lines in the kernel's order */
    struct hooked *hooked;
    size_t hooked_count, hooked_room;
};

void inventory_init(struct inventory *);
void inventory_clear(struct inventory *);

/* Take in a message about a set, chain or rule; others are passed over. False: malformed, or more than there can be. */
bool inventory_add(struct inventory *, const struct nlmsghdr *) MUST_CHECK;
bool inventory_add_batch(struct inventory *, const struct batch *) MUST_CHECK;
/* Ask the kernel for all of our table of that family. */
int inventory_read(struct netlink *, uint8_t family, struct inventory *, struct error *) MUST_CHECK;
bool inventory_equals(const struct inventory *, const struct inventory *);

#endif
