/* What the centre tells of senders of this node, as it comes with the answer to the question for directives: what
 * content filters say of messages that were sent in, listings on blacklists, complaints. Bytes from the network in,
 * plain values out; what cannot be true is left out. */
#ifndef AGENT_COURIER_FILTERED_H
#define AGENT_COURIER_FILTERED_H

#include <stdbool.h>
#include <stdint.h>
#include "agent/message/message.h"
#include "common/error.h"
#include "common/text.h"

#define FILTERED_MOST 200 /* in one answer */

struct filtered {
    int64_t number;
    enum message_kind kind; /* MESSAGE_FILTERED, MESSAGE_LISTED, MESSAGE_COMPLAINED; without its head: */
    union {
        struct message_filtered said;
        struct message_listed listed;
        struct message_complained complained;
    };
};

struct filtered_list {
    struct filtered *items; /* in the order of their numbers */
    uint32_t count, unsound;
    bool some;      /* the answer had opinions in it, whether or not any is left */
    int64_t number; /* what to ask behind next; lower than what was asked where the centre is from a backup */
};

/* Read what an answer of GET /v1/directives has of them; none is well. */
int filtered_read(struct text answer, int64_t after, struct filtered_list *result, struct error *) MUST_CHECK;
void filtered_clear(struct filtered_list *);

#endif
