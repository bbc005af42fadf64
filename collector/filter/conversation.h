/* A conversation with a filter over a stream socket. It blocks, but never longer than until its deadline, whatever the
 * other side does: refuses, is silent, sends a byte a second, or takes nothing. */
#ifndef COLLECTOR_FILTER_CONVERSATION_H
#define COLLECTOR_FILTER_CONVERSATION_H

#include <stdbool.h>
#include "common/buffer.h"
#include "common/error.h"
#include "common/moment.h"
#include "common/text.h"

#define CONVERSATION_UNIX "unix:" /* what stands before a path */

struct conversation {
    int descriptor;      /* -1: none */
    duration deadline;   /* of clock_steady() */
    const char *address; /* borrowed; for sentences */
};
#define CONVERSATION_NONE ((struct conversation){.descriptor = -1})

/* "127.0.0.1:783", "[::1]:783", "unix:/absolute/path". */
bool conversation_is_address(const char *);

/* `patience` is for all of it, from now on. -ETIMEDOUT here and below: the deadline passed. */
int conversation_open(const char *address, duration patience, struct conversation *result, struct error *) MUST_CHECK;
void conversation_close(struct conversation *);

/* All of it, or an error. The other side may have said why before it closed: conversation_receive() may still be asked.
 */
int conversation_send(struct conversation *, struct text, struct error *) MUST_CHECK;
/* Nothing more will be sent. */
void conversation_end_sending(struct conversation *);
/* Append what has come, waiting for some. 1: there is more in the buffer; 0: the other side closed; -EMSGSIZE: the
 * buffer's bound is met. */
int conversation_receive(struct conversation *, struct buffer *, struct error *) MUST_CHECK;
/* ... until the other side closes. */
int conversation_receive_all(struct conversation *, struct buffer *, struct error *) MUST_CHECK;
/* ... until `end` stands in the buffer. *taken: the bytes up to its end. -ECONNRESET: closed before. */
int conversation_receive_until(struct conversation *, struct text end, struct buffer *, size_t *taken,
                               struct error *) MUST_CHECK;

#endif
