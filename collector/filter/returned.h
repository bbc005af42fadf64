/* Messages that come back from appliances: our side of SMTP (RFC 5321) and LMTP (RFC 2033) as bytes in, bytes out.
 * Whoever speaks to us is held to few, small things: commands of one line, mailboxes of ours, one message at a time, of
 * which only the head is kept. Nothing is ever sent on from here, so there is no loop that it could be part of; a
 * message that has been through more servers than any way has is refused all the same, to end one between others. */
#ifndef COLLECTOR_FILTER_RETURNED_H
#define COLLECTOR_FILTER_RETURNED_H

#include <stdbool.h>
#include <stdint.h>
#include "common/buffer.h"
#include "common/text.h"

#define RETURNED_LINE_MOST       4096
#define RETURNED_RECIPIENTS_MOST 100
#define RETURNED_HEAD_MOST       (512U * 1024)
#define RETURNED_HOPS_MOST       100
#define RETURNED_REPLIES_MOST    (512U * 1024) /* what a buffer for replies must hold */

struct returned_owner {
    const char *name;   /* what we call ourselves */
    uint64_t size_most; /* of a message */
    /* A mailbox that we take mail for? 1: yes; 0: no; negative: cannot be said now. */
    int (*knows)(void *context, struct text mailbox);
    /* A message's head for it. 0: taken; negative: not now, it is to be brought again. */
    int (*take)(void *context, struct text mailbox, struct text head);
    void *context;
};

struct returned;
struct returned *returned_create(const struct returned_owner *); /* NULL: no memory. The owner is borrowed. */
void returned_destroy(struct returned **);

/* The first words to a client. */
bool returned_greet(const struct returned *, struct buffer *replies) __attribute__((warn_unused_result));
/* What a client sent, in any pieces. False: the connection ends when the replies are sent. Pieces of 4 KB or less need
 * no more room for replies than RETURNED_REPLIES_MOST. */
bool returned_feed(struct returned *, struct text bytes, struct buffer *replies) __attribute__((warn_unused_result));

#endif
