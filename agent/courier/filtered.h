/* What content filters at the centre say of messages that this node sent in, as it comes with the answer to the
 * question for directives. Bytes from the network in, plain values out; what cannot be true is left out. */
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
    struct message_filtered said; /* without its head */
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
