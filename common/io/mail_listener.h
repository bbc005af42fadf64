/* A thread that listens where mail servers deliver, and lends each connection to a dialogue: bytes in, bytes out. It is
 * thin: how a connection is let in, how long it may be silent or last, and that who does not take his answers is not
 * listened to, stand here once; what is said is the dialogue's. While a dialogue works, the others wait. */
#ifndef COMMON_IO_MAIL_LISTENER_H
#define COMMON_IO_MAIL_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/address.h"
#include "common/buffer.h"
#include "common/error.h"
#include "common/moment.h"
#include "common/text.h"

#define MAIL_LISTENER_MOST  256  /* connections at once */
#define MAIL_LISTENER_PIECE 4096 /* the most bytes that a dialogue is fed at once */

/* What it holds its clients to, and whom they talk with. All calls come from its thread. */
struct mail_dialogues {
    const struct address_list *from; /* who may connect; borrowed */
    uint32_t connections;            /* at once: 1 to MAIL_LISTENER_MOST */
    duration silence, whole;         /* how long a client may be silent; how long it may be there, however busy */
    size_t replies;                  /* bytes of answers that wait to be sent: room for those to one piece */
    void *context;
    /* The first words to a client go to `replies`. NULL: not now; the client is told to come again. */
    void *(*begin)(void *context, struct buffer *replies);
    /* False: the connection ends when the replies are sent. */
    bool (*feed)(void *dialogue, struct text piece, struct buffer *replies);
    void (*end)(void *dialogue);
    void (*sent_away)(void *context); /* somebody who may not connect was; NULL: nobody wants to know */
};

struct mail_listener;
/* "127.0.0.1:2525", as listen_open(). It listens when this returns, and may have called already. */
int mail_listener_create(const char *address, const struct mail_dialogues *, struct mail_listener **result,
                         struct error *) MUST_CHECK;
void mail_listener_destroy(struct mail_listener **); /* connections end as they are */
uint16_t mail_listener_port(const struct mail_listener *);

#endif
