/* The expressions of which rules are made, written into netlink messages. The names are nf_tables' own; everything is
 * loaded into register 1, as one comparison at a time is all that our rules need. */
#ifndef NFT_EXPRESSION_H
#define NFT_EXPRESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "nft/netlink.h"

struct rule {
    struct nlmsghdr *message;
    struct nlattr *expressions;
};

/* A rule at the end of a chain. Nothing else may be added to the batch before rule_end(). */
struct rule rule_begin(struct batch *, uint8_t family, const char *table, const char *chain);
void rule_end(struct rule *);

/* Load: NFT_META_...; NFT_PAYLOAD_... with offset and length in bytes; a field of an IPv6 extension header. */
void expression_meta(struct rule *, uint32_t key);
void expression_payload(struct rule *, uint32_t base, uint32_t offset, uint32_t length);
void expression_header6(struct rule *, uint8_t header, uint32_t offset, uint32_t length);
/* Load 1 where the packet has that extension header, else 0. */
void expression_header6_present(struct rule *, uint8_t header);

/* Change and compare what was loaded: NFT_CMP_..., values in network order (interface names: zero-padded to 16). */
void expression_mask(struct rule *, const void *mask, uint32_t length);
void expression_compare(struct rule *, uint32_t operation, const void *value, uint32_t length);
/* Is it in the set? The element's own expressions (counter, limit) are run, and may say no. */
void expression_lookup(struct rule *, const char *set);

/* What is done. `chain` is for NFT_JUMP and NFT_GOTO, else NULL; `code`: NFT_..., NF_DROP, NF_ACCEPT. */
void expression_counter(struct rule *);
void expression_reset(struct rule *); /* reject with a TCP reset */
void expression_verdict(struct rule *, int32_t code, const char *chain);

/* Expressions that stand in an element or a set, as a nest of `type`. */
void element_counter(struct nlmsghdr *, uint16_t type, uint64_t packets, uint64_t bytes);
/* Says yes to what is above `rate` a minute, after a burst. */
void element_limit_over(struct nlmsghdr *, uint16_t type, uint32_t rate, uint32_t burst);

/* Read an element's expression back. False: it is neither, or has not the form it must have. */
struct element_state {
    uint64_t packets, bytes;
    uint32_t rate; /* a minute; 0: no limit */
};
bool element_state_read(const struct nlattr *expression, struct element_state *);

#endif
