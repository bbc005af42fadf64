/* A customer of the node, and one of its flows under way: what the seed has drawn for it, and how far it has come. */
#ifndef TESTS_LAB_SENDING_H
#define TESTS_LAB_SENDING_H

#include "tests/lab/receiver.h"
#include "tests/lab/wire.h"

#define LAB_ADDRESSES 16

struct lab_customer {
    const struct lab_actor *actor;
    bool neighbour;
    unsigned number; /* 0, 1, ... on this node */
    uint64_t key;
    uint32_t port; /* its guest port */
    uint8_t mac[6];
    struct address addresses[LAB_ADDRESSES];
    unsigned address_count;
    uint16_t next_port;
    char domain[LAB_NAME];
};

/* A message on its way, to servers of one domain unless it is submitted. */
struct lab_message {
    struct lab_recipient *recipients; /* owned */
    size_t count;
    char from[LAB_ADDRESS];
    uint64_t key;
    moment first; /* when it was tried first; 0: not yet */
    unsigned tries;
};

struct lab_terms { /* of a flow, as this seed has drawn them */
    moment begin, end;
    double rate;
    uint64_t connections, messages, list, domains, from_count, helo_count;
    double tls_share, big, unknown, policy, greylist, full, refused, connect_refused, unanswered, quit;
    unsigned servers;
    duration greylisted;
};

struct lab_sending {
    const struct lab_flow *flow;
    struct lab_customer *customer;
    const struct lab_customer *victim; /* of LAB_FRAME_NEIGHBOUR */
    struct lab_terms terms;
    struct lab_random random;
    uint64_t key, text_key; /* the latter is the same for all customers of the flow */
    uint64_t connections, messages, recipients, volley_left;
    struct lab_message *deferred; /* left by the last dialogue: to be tried again at `deferred_at` */
    size_t deferred_count, deferred_room;
    moment deferred_at;
    bool failed; /* memory */
};

void lab_sending_begin(struct lab_sending *, const struct lab_flow *, struct lab_customer *, uint64_t seed,
                       moment start, moment end);
void lab_sending_clear(struct lab_sending *);
/* When it connects next after `now`; 0: never again. */
moment lab_sending_next(struct lab_sending *, moment now);
/* Its next recipient; with `fellow` one at the same domain. */
void lab_sending_recipient(struct lab_sending *, const struct lab_recipient *fellow, struct lab_recipient *result);
void lab_sending_from(struct lab_sending *, const struct lab_recipient *, char result[LAB_ADDRESS]);
void lab_sending_helo(struct lab_sending *, unsigned address, const struct lab_recipient *, char result[LAB_ADDRESS]);
/* What a server makes of a recipient at the age `since` the first try. */
enum lab_answer lab_sending_answer(const struct lab_sending *, const struct lab_recipient *, duration since);
void lab_message_clear(struct lab_message *);

/* One connection at that time, written to `wire` (zeroed): with `again` for that message, else for new ones. Returns
 * the index of the customer's address that was used. */
unsigned lab_converse(struct lab_sending *, moment, struct lab_message *again, struct lab_wire *wire);

/* Header and body as the DATA command's content, without the final dot line, below `size`; returns the bytes. */
size_t lab_content(struct lab_sending *, const struct lab_message *, moment, char *result, size_t size);

#endif
