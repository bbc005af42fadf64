/* The envelope of a message file: one line of JSON that says who sent the content behind it, to whom, and how it went.
 * collector/message/message_file.h reads it. */
#ifndef AGENT_SAMPLE_ENVELOPE_H
#define AGENT_SAMPLE_ENVELOPE_H

#include "agent/sample/budget.h"
#include "common/address.h"
#include "common/buffer.h"

#define ENVELOPE_RECIPIENTS_MOST 1000
#define ENVELOPE_MOST            (512U * 1024) /* bytes of the line */

/* Texts are borrowed. */
struct envelope {
    uint64_t number;              /* of those that this process has told of */
    moment time;                  /* of the answer */
    struct text helo, user, from; /* `user`: whose login was accepted; `from.bytes` NULL: not known */
    struct text phrase;           /* of the server's answer, in which its queue id may stand */
    struct address client, server;
    uint16_t client_port; /* 0: not known */
    enum sample_why why;
    bool complete;
    uint16_t code;      /* of the server's answer; 0: none was seen */
    uint32_t bytes;     /* of the content that follows */
    uint64_t digest[2]; /* of all the content, as it was sent */
    struct likeness likeness;
    uint32_t recipients_left_out; /* beside those that the call below gives and that have no room */
    /* Those who got it, one after the other; false: there are no more. */
    bool (*recipient)(void *context, struct text *address);
    void *context;
};

/* What is known when the message is answered, as members of an object without its braces, at most ENVELOPE_MOST less
 * some for envelope_line(). False: no memory. */
bool envelope_members(const struct envelope *, struct buffer *) __attribute__((warn_unused_result));
/* The line, once it is known whose it is; `customer` "": nobody's. */
bool envelope_line(struct text members, const char *sender, const char *customer, struct buffer *)
    __attribute__((warn_unused_result));

/* The queue id in the phrase of an answer to content, as mail servers write it: "Ok: queued as ID" (Postfix), "OK
 * id=ID" (Exim), "ID Message accepted for delivery" (Sendmail, OpenSMTPD). Empty: there is none. */
struct text envelope_queue(struct text phrase);

#endif
