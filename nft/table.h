/* What the files of this folder share: the open handle, and elements as they are read and written. */
#ifndef NFT_TABLE_H
#define NFT_TABLE_H

#include "nft/netlink.h"
#include "nft/nft.h"

struct nft {
    struct netlink netlink;
    struct nft_features features;
    bool probed;
    uint8_t family; /* NFPROTO_NETDEV, NFPROTO_INET; 0: nothing was installed through this handle */
    uint32_t throttle_rate, throttle_burst;
};

/* An element as it is carried from one table to another: `whole` is the time-out it was given, in milliseconds, 0: it
 * never ends. */
struct held {
    struct nft_element element;
    uint64_t whole;
};
struct held_list {
    struct held *items;
    size_t count, room;
};
void held_list_clear(struct held_list *);

/* Append all elements of our table of that family; the list is sorted then, each element once. A set that is not there
 * has none. The caller sees to it that the generation stays the same. */
int held_list_read(struct nft *, uint8_t family, struct held_list *, struct error *) MUST_CHECK;
/* A message that adds the element, where the handle's family can; `flags` may be NLM_F_EXCL. */
void held_put(struct batch *, const struct nft *, const struct held *, uint16_t flags);

#endif
