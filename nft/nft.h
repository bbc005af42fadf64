/* Our table in the kernel, over netlink with libmnl alone.
 *
 * On a hypervisor `table netdev postern`: a chain on each guest's port and each uplink (ingress, priority -450). On a
 * host `table inet postern`: one chain on output. Sets are named as people see them in `nft list ruleset`: block_port
 * block_mac block4 block6 block_uid, the same with throttle_ and divert_, and allow_port allow4 allow6 allow_uid.
 * Elements carry time-out and counter. Only mail ports are ever touched; mail that arrives is not. */
#ifndef NFT_NFT_H
#define NFT_NFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/address.h"
#include "common/error.h"
#include "common/moment.h"

struct nft; /* a netlink socket and what is known of the kernel's side */

struct nft_features {
    bool netdev, inet;  /* the families load at all */
    bool netdev_reject; /* else: drop, and the agent sends the resets */
    bool inet_reject;
    bool element_counters;    /* else: no counters, and nothing can be throttled */
    bool element_expressions; /* several in an element, a limit and a counter; else throttled ones have no counter */
    bool owner, persist;      /* table flags */
};

enum nft_role { NFT_HYPERVISOR, NFT_HOST };

struct nft_plan {
    enum nft_role role;
    uint16_t ports[16];              /* mail ports, ended by 0 */
    struct address_list always_open; /* destinations that stay reachable, for the provider's own abuse desk */
    bool reject;                     /* answer with a reset where the kernel can */
    uint32_t throttle_rate;          /* connections a minute for elements that bring none of their own */
    uint32_t throttle_burst;
};

enum nft_deed { NFT_BLOCK, NFT_THROTTLE, NFT_DIVERT, NFT_ALLOW, NFT_DEEDS };
enum nft_key { NFT_PORT, NFT_MAC, NFT_IPV4, NFT_IPV6, NFT_USER, NFT_KEYS };

struct nft_element {
    enum nft_deed deed;
    enum nft_key key;
    uint8_t bytes[16]; /* PORT: name, zero-padded; MAC 6; IPv4 4; IPv6 the /64's first address; USER: uid in host order,
                          4 */
    duration timeout;  /* at least a second; read back: what is left */
    uint32_t rate;     /* NFT_THROTTLE: connections a minute; 0: the plan's */
    uint64_t packets, bytes_counted; /* read back */
};

int nft_open(struct nft **result, struct error *) MUST_CHECK;
void nft_close(struct nft **);

/* Load a throw-away table hooked on the loopback device for each feature and take it away again. */
int nft_probe(struct nft *, struct nft_features *result, struct error *) MUST_CHECK;

/* Make our table as planned, in one transaction. A table of ours that is already there with the same plan is taken over
 * as it is, with its elements; with another plan it is replaced and its elements carried over, in one transaction.
 * `*kept` tells how many elements stand. A table of our name and another hand's making is an error that says so. */
int nft_install(struct nft *, const struct nft_plan *, uint32_t *kept, struct error *) MUST_CHECK;
int nft_remove(struct nft *, struct error *) MUST_CHECK; /* the table whole; fine where there is none */

/* Hook a guest's port or an uplink; fine where it is hooked. The device must exist. */
int nft_hook(struct nft *, const char *device, bool uplink, struct error *) MUST_CHECK;
int nft_unhook(struct nft *, const char *device, struct error *) MUST_CHECK; /* fine where it is not */

/* Add, or give an element that stands a new time-out, whatever the kernel's version. */
int nft_add(struct nft *, const struct nft_element *, struct error *) MUST_CHECK;
int nft_delete(struct nft *, enum nft_deed, enum nft_key, const uint8_t bytes[16],
               struct error *) MUST_CHECK;              /* fine if absent */
int nft_flush(struct nft *, struct error *) MUST_CHECK; /* every element of every set, the allow sets too */
/* Calls back for each element of all sets; tried again where the table changed meanwhile. */
int nft_list(struct nft *, void (*each)(void *context, const struct nft_element *), void *context,
             struct error *) MUST_CHECK;

/* nft/guard.h's part: what others do to our table. */
struct nft_guard;
enum nft_guard_news { NFT_GUARD_QUIET, NFT_GUARD_TABLE_GONE, NFT_GUARD_CHANGED, NFT_GUARD_OVERRUN };
int nft_guard_open(const struct nft *ours, struct nft_guard **result, struct error *) MUST_CHECK;
void nft_guard_close(struct nft_guard **);
int nft_guard_descriptor(const struct nft_guard *);
/* Read what is waiting. Our own changes are not news. `culprit` names the process (may be empty). OVERRUN: verify all.
 */
enum nft_guard_news nft_guard_read(struct nft_guard *, char culprit[32]);

#endif
