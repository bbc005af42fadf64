/* Our table as data: the messages that make it. */
#ifndef NFT_RULESET_H
#define NFT_RULESET_H

#include <stdbool.h>
#include <stdint.h>
#include "nft/netlink.h"
#include "nft/nft.h"

/* NFPROTO_NETDEV or NFPROTO_INET. */
uint8_t ruleset_family(enum nft_role);

/* What the set of ports bears as its comment: that the table is ours, and the fingerprint of all that it is. */
#define RULESET_MARK_START "postern's plan "
#define RULESET_MARK       40

/* The table with its sets, chains and rules, without hooks and elements of senders, and its mark. Features decide how
 * far the kernel is asked. */
void ruleset_build(struct batch *, const struct nft_plan *, const struct nft_features *, char mark[RULESET_MARK]);

/* A device's chain and its one rule. `flags` may be NLM_F_EXCL. */
void ruleset_hook(struct batch *, const char *device, bool uplink, uint16_t flags);
void ruleset_unhook(struct batch *, const char *device, bool uplink);
/* The device that a chain of ours hooks, borrowed from the name; NULL: it is no such chain. */
const char *ruleset_hooked_device(const char *chain, bool *uplink);

#endif
