/* The mailbox of the abuse desk by LMTP (RFC 2033) and SMTP (RFC 5321), as bytes in, bytes out: whoever may connect
 * brings mail for any mailbox, one message at a time; it is kept before it is answered for. */
#ifndef COLLECTOR_DESK_DIALOGUE_H
#define COLLECTOR_DESK_DIALOGUE_H

#include <stdbool.h>
#include "common/buffer.h"
#include "common/text.h"

#define DIALOGUE_LINE_MOST       4096
#define DIALOGUE_RECIPIENTS_MOST 100
#define DIALOGUE_REPLIES_MOST    (256U * 1024) /* what a buffer for replies must hold, for pieces of 4 KB */

struct dialogue_owner {
    size_t size_most; /* bytes of a message */
    /* A message, with its Return-Path before it. 0: kept for good; negative: it is to be brought again. */
    int (*take)(void *context, struct text content);
    void *context;
};

struct dialogue;
struct dialogue *dialogue_create(const struct dialogue_owner *); /* NULL: no memory. The owner is borrowed. */
void dialogue_destroy(struct dialogue **);
/* What a client sent, in pieces of 4 KB at most. False: the connection ends when the replies are sent. The first words
 * are for the listener: DIALOGUE_GREETING. */
#define DIALOGUE_GREETING "220 postern-collector\r\n"
bool dialogue_feed(struct dialogue *, struct text bytes, struct buffer *replies) __attribute__((warn_unused_result));

#endif
