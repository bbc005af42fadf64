/* What an encrypted mail session shows of itself: the lengths of its records and who sends them when (RFC 8446 5,
 * RFC 5246 6.2).
 *
 * Client and server take turns. What the client sends between two replies is one turn: a command of some dozen bytes,
 * or a message, which is larger. A refusal is longer than "250 2.1.5 Ok", for it has a text for people. Nothing is
 * known of what was said; that a message was sent, and that none was, shows all the same.
 *
 * Records are followed by their headers alone, across segments. Bytes that did not come are passed over where they end
 * inside a record; else a segment is waited for that begins with a header of data. What is no TLS is not followed. */
#ifndef AGENT_PACKET_TLS_RECORDS_H
#define AGENT_PACKET_TLS_RECORDS_H

#include <stdbool.h>
#include <stdint.h>
#include "common/text.h"

enum tls_side { TLS_CLIENT, TLS_SERVER };

struct tls_records {
    struct tls_direction {
        uint32_t left;     /* bytes of the record that are still to come */
        uint8_t header[5]; /* of the next one, as far as it came */
        uint8_t have;      /* bytes of it */
        uint8_t where;     /* enum tls_where */
        bool met;          /* a record */
    } sides[2];
    bool newer;        /* TLS 1.3: the handshake's end looks like data */
    bool finished;     /* ... and has come from the client */
    bool long_reply;   /* the last reply was; a refusal, unless a message follows */
    uint8_t speaker;   /* of the last data: 0 nobody, 1 the client, 2 the server */
    bool message;      /* the client's last turn was one */
    uint16_t shortest; /* reply to a command; 0: none yet */
    uint16_t turns;    /* of the client */
    uint16_t commands, messages, replies_long;
    uint32_t said, replied; /* bytes in this turn and in the reply to it */
};

/* Follow both sides from their first record on. */
void tls_records_begin(struct tls_records *);
void tls_records_add(struct tls_records *, enum tls_side, struct text);
/* That many bytes did not come. */
void tls_records_skip(struct tls_records *, enum tls_side, uint32_t length);
void tls_records_stop(struct tls_records *); /* it was no TLS; what was counted is forgotten */
/* The connection is over: count the last turn. */
void tls_records_finish(struct tls_records *);

#endif
