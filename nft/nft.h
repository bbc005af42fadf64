/* Our table in the kernel, over netlink with libmnl alone.
 *
 * On a hypervisor `table netdev postern`: a chain on each guest's port and each uplink (ingress, priority -450). On a
 * host `table inet postern`: one chain on output. Only mail ports are ever touched; mail that arrives is not.
 *
 * Sets are named as people see them in `nft list ruleset`, their elements carry time-out and counter:
 *
 *                  netdev and inet      netdev alone                      inet alone
 *     block        block4 block6        block_port block_mac              block_uid
 *     throttle     throttle4 throttle6  throttle_port throttle_mac        throttle_uid
 *     divert       divert4 divert6      divert_port divert_mac            divert_uid
 *     allow        allow4 allow6        allow_port allow_mac              allow_uid
 *
 * A port or MAC is known where a packet comes in, a user where it is made; asking for the other is -EOPNOTSUPP. The
 * keys are the senders', in `allow` too; destinations that stay open for all are the constant sets open4 and open6. An
 * allowed sender wins over every other set. Throttle drops what opens a connection above the rate, and leaves what is
 * open alone. Divert counts and lets through: there is no relay that it knows.
 *
 * The table belongs to no process (no `owner` flag): it outlives the agent, so that blocks run out by themselves and a
 * restart takes it over, and `nft` on the command line can read and change it. nft_guard_... tells of changes. */
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
    duration timeout;  /* at least a second; read back: what is left, 0 where a person set none */
    uint32_t rate;     /* NFT_THROTTLE: connections a minute; 0: the plan's */
    bool borrowed;     /* it stands for another's order, its customer's: the comment "customer" in `nft list` */
    uint64_t packets, bytes_counted; /* read back */
};

int nft_open(struct nft **result, struct error *) MUST_CHECK;
void nft_close(struct nft **);

/* Load a throw-away table hooked on the loopback device for each feature and take it away again. -EPERM:
 * CAP_NET_ADMIN is missing. nft_install() asks by itself where nobody has. */
int nft_probe(struct nft *, struct nft_features *result, struct error *) MUST_CHECK;

/* Make our table as planned, in one transaction. A table of ours that is already there and is what the plan would make,
 * to the last expression, is taken over as it is, with hooks and elements; else (another plan, another role, tampered
 * with) it is replaced and they are carried over, in one transaction. So calling it again puts right what others did.
 * `*kept` tells how many elements stand. A table of our name and another hand's making is -EEXIST and left alone. */
int nft_install(struct nft *, const struct nft_plan *, uint32_t *kept, struct error *) MUST_CHECK;
int nft_remove(struct nft *, struct error *) MUST_CHECK; /* the table whole; fine where there is none */

/* Hook a guest's port or an uplink; fine where it is hooked. -ENOENT: there is no such device. On a host -EOPNOTSUPP:
 * nothing needs hooking. */
int nft_hook(struct nft *, const char *device, bool uplink, struct error *) MUST_CHECK;
/* Many at once, in one transaction: each takes the kernel some ten milliseconds. Devices that are gone are passed over.
 */
struct nft_device {
    const char *name;
    bool uplink;
};
int nft_hook_all(struct nft *, const struct nft_device *, size_t count, struct error *) MUST_CHECK;
int nft_unhook(struct nft *, const char *device, struct error *) MUST_CHECK; /* fine where it is not */

/* Add, or give an element that stands a new time-out (and rate), whatever the kernel's version; what it has counted
 * stays. -ENOENT: the table is gone. */
int nft_add(struct nft *, const struct nft_element *, struct error *) MUST_CHECK;
/* The same for many, in few transactions; quick where none of them stands. */
int nft_add_all(struct nft *, const struct nft_element *, size_t count, struct error *) MUST_CHECK;
int nft_delete(struct nft *, enum nft_deed, enum nft_key, const uint8_t bytes[16],
               struct error *) MUST_CHECK; /* fine if absent */
/* The same for many, in few transactions; quick where all of them stand. Only deed, key and bytes are looked at. */
int nft_delete_all(struct nft *, const struct nft_element *, size_t count, struct error *) MUST_CHECK;
int nft_flush(struct nft *, struct error *) MUST_CHECK; /* every element of every set, the allow sets too */
/* Calls back for each element of all sets, sorted by deed, key and bytes; read again where the rule set changed
 * meanwhile, before any call. */
int nft_list(struct nft *, void (*each)(void *context, const struct nft_element *), void *context,
             struct error *) MUST_CHECK;

/* What others do to our table. `ours` must outlive the guard. */
struct nft_guard;
enum nft_guard_news { NFT_GUARD_QUIET, NFT_GUARD_TABLE_GONE, NFT_GUARD_CHANGED, NFT_GUARD_OVERRUN };
int nft_guard_open(const struct nft *ours, struct nft_guard **result, struct error *) MUST_CHECK;
void nft_guard_close(struct nft_guard **);
int nft_guard_descriptor(const struct nft_guard *);
/* Read what is waiting, the worst of it. Our own changes and elements that run out are not news. `culprit` is the
 * process as "nft (1234)", empty where the kernel does not say. GONE, CHANGED, OVERRUN: nft_install() puts it right;
 * after CHANGED and OVERRUN elements may be missing or new, see nft_list(). */
enum nft_guard_news nft_guard_read(struct nft_guard *, char culprit[32]);

#endif
