/* A message file: one message that a node saw, with its envelope, as it travels from the node and is kept.
 *
 *     {"record":"message","time":T,"sender":S,"customer":S,"address":A,"client_port":N,"helo":S,"user":S,"queue":S,
 *      "from":S,"recipients":[S,...],"recipients_left_out":N,"why":"first|score|diverted|digest|trickle",
 *      "complete":true,"code":N,"bytes":N,"digest":S,"likeness":S,"server":A,"node_message":N}\n
 *     content, byte for byte as sent, dot-unstuffed
 *
 * `client_port`: of the address (0: not known). `code`: the server's reply to the content (0: none was seen). `bytes`:
 * of the content that follows. `complete` false: a gap, or it was longer than is kept; then the content ends where it
 * was cut. Unknown members are passed over. */
#ifndef COLLECTOR_MESSAGE_MESSAGE_FILE_H
#define COLLECTOR_MESSAGE_MESSAGE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include "common/error.h"
#include "common/moment.h"
#include "common/text.h"

#define MESSAGE_RECIPIENTS_MOST 1000
#define MESSAGE_ENVELOPE_MOST   (512U * 1024)

struct message_file {
    void *json; /* owns the texts below but `content` */
    moment time;
    struct text sender, customer, address, helo, user, queue, from, why, server, digest, likeness;
    struct text recipients[MESSAGE_RECIPIENTS_MOST];
    uint32_t recipient_count, recipients_left_out;
    bool complete;
    uint16_t code, client_port;
    struct text envelope; /* the first line, without its end; borrowed from the bytes */
    struct text content;  /* borrowed from the bytes */
};

/* -EINVAL: it is none; the sentence says why. The bytes must outlive the result. */
int message_file_read(struct text bytes, struct message_file **result, struct error *) MUST_CHECK;
/* The same of what is kept apart: its first line, without its end, and its content. */
int message_file_join(struct text envelope, struct text content, struct message_file **result,
                      struct error *) MUST_CHECK;
void message_file_destroy(struct message_file **);

#endif
