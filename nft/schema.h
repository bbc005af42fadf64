/* Which sets our table has. */
#ifndef NFT_SCHEMA_H
#define NFT_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>
#include "nft/netlink.h"
#include "nft/nft.h"

#define TABLE_NAME "postern"
#define PORTS_SET  "ports" /* the mail ports; its comment tells that the table is ours and by which plan */
#define OPEN4_SET  "open4" /* destinations always open */
#define OPEN6_SET  "open6"

/* A set of senders. */
struct set_form {
    const char *name;
    enum nft_deed deed;
    enum nft_key key;
};
extern const struct set_form set_forms[];
extern const size_t set_forms_count;

/* A key as nftables sees it. */
struct key_form {
    const char *word;
    uint32_t type;   /* nft's number of the data type: `nft list` shows values by it */
    uint32_t length; /* bytes */
    bool host_order; /* else network order */
    bool netdev, inet;
};
extern const struct key_form key_forms[NFT_KEYS];

/* Whether a table of that family can look at such a key: a port or MAC where packets come in, a user where they are
 * made. */
bool family_has_key(uint8_t family, enum nft_key);
const struct set_form *set_form_find(uint8_t family, enum nft_deed, enum nft_key); /* NULL: that family has none */

/* What its parts have in common while a table is made. */
struct making {
    struct batch *batch;
    uint8_t family;
    const struct nft_plan *plan;
    const struct nft_features *features;
    const char *mark; /* the comment of the set of ports */
};

/* The messages that make all sets, with the elements of the constant ones. */
void schema_put(const struct making *);

#endif
