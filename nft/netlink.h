/* Talking to nf_tables: batches that the kernel takes whole or not at all, questions and their answers, and attributes
 * that are validated before they are read.
 *
 * The kernel works a message off within sendmsg(): when that returns, all it has to say about a batch is waiting. */
#ifndef NFT_NETLINK_H
#define NFT_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <libmnl/libmnl.h>
#include "common/error.h"

struct netlink {
    struct mnl_socket *socket;
    uint32_t port; /* our address on the netlink bus: events caused by us carry it */
    uint32_t sequence;
    uint8_t *incoming;
};

/* `groups`: multicast groups as a bit mask, 0 for none. */
int netlink_open(struct netlink *, uint32_t groups, struct error *) MUST_CHECK;
void netlink_close(struct netlink *);

#define BATCH_MESSAGE 4096 /* no message of ours is longer */

/* Messages that take effect together. A want of memory is remembered and said at the commit. */
struct batch {
    uint8_t *bytes;
    size_t length, room; /* the length ends before the message begun last, which may still grow */
    bool failed;
    uint8_t nowhere[BATCH_MESSAGE] __attribute__((aligned(8))); /* written to after memory ended, never read */
};

void batch_init(struct batch *);
void batch_clear(struct batch *);
/* A new message at the end, NFT_MSG_..., to which attributes are put; valid until the next call. */
struct nlmsghdr *batch_message(struct batch *, uint8_t type, uint8_t family, uint16_t flags);
/* The message of the batch that stands behind `previous` (NULL: the first); NULL at the end. */
struct nlmsghdr *batch_next(const struct batch *, const struct nlmsghdr *previous);

/* Send and wait for the outcome. `generation` not 0: only if the rule set is still that one, else -ERESTART.
 * `refused` (may be NULL): the message that the kernel found fault with, NULL where it did not say. -ENOBUFS: the
 * answer was lost, so what stands must be asked for. */
int batch_commit(struct netlink *, struct batch *, uint32_t generation, const struct nlmsghdr **refused,
                 struct error *) MUST_CHECK;

/* Ask; `each` is called for every message of the answer and stops it with a negative errno. -EINTR: the kernel says
 * that the answer is inconsistent, ask again. */
typedef int netlink_each(void *context, const struct nlmsghdr *, struct error *);
struct nlmsghdr *netlink_question(uint8_t room[BATCH_MESSAGE], uint8_t type, uint8_t family, uint16_t flags);
int netlink_ask(struct netlink *, struct nlmsghdr *question, netlink_each *each, void *context,
                struct error *) MUST_CHECK;

/* The generation that the rule set has now; it grows by one with each transaction, whoever makes it. */
int netlink_generation(struct netlink *, uint32_t *result, struct error *) MUST_CHECK;

/* The attributes that a reader knows, by type; others are passed over. */
struct attribute_form {
    uint16_t type;
    enum mnl_attr_data_type kind;
    uint16_t least; /* bytes, for MNL_TYPE_BINARY */
};
#define ATTRIBUTES_MOST 32 /* types below this can be known */

/* Fill table[type] for the known ones, NULL where absent. False: one has not the form it must have, nothing of it may
 * be read. A message must also be long enough for nfgenmsg. */
bool attributes_of_message(const struct nlmsghdr *, const struct attribute_form *, size_t forms,
                           const struct nlattr *table[ATTRIBUTES_MOST]);
bool attributes_of_nest(const struct nlattr *, const struct attribute_form *, size_t forms,
                        const struct nlattr *table[ATTRIBUTES_MOST]);

/* A nest without the flag that marks it, as nf_tables itself writes its answers: what we send and what comes back can
 * be compared byte by byte. */
struct nlattr *nest_open(struct nlmsghdr *, uint16_t type);
void nest_close(struct nlmsghdr *, struct nlattr *);

/* The part behind the subsystem: NFT_MSG_... */
static inline uint8_t message_type(const struct nlmsghdr *message)
{
    return message->nlmsg_type & 0xff;
}

#endif
