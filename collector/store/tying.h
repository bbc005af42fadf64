/* Whose doing a complaint is about: found by what it says of the message, among the messages that nodes sent in and the
 * senders that they told of. Everything that it says was written by a stranger: what does not lead to one sender, or at
 * least to one customer, leads to nobody, and a person looks at it. */
#ifndef COLLECTOR_STORE_TYING_H
#define COLLECTOR_STORE_TYING_H

#include "collector/store/messages.h"
#include "common/address.h"

#define STORE_TIE_TEXT 300

/* What a complaint says. Empty texts, no addresses, 0: it does not. */
struct store_trail {
    const char *message_id, *body; /* body: the digest of the text's normal form */
    const struct address *addresses;
    size_t address_count;
    bool is_source; /* the first is who did it; else they are hosts that may have, the last hop first */
    moment time;    /* of what is complained of */
};

struct store_tie {
    const char *tied; /* "message": by its Message-ID; "text": by its text; "address": by who used it; "": to nobody */
    char sender[STORE_TIE_TEXT], customer[STORE_TIE_TEXT]; /* empty: several come into question, or there is none */
    int64_t node;                                          /* 0: the same */
    char message[STORE_MESSAGE_NAME];                      /* the latest of those; empty: none that is kept */
    size_t
        at; /* by "message", "text": which of the trail's addresses it was sent from, counted from 1; 0: from another */
};

/* Inside of a transaction of the caller's. 1: it is tied; 0: it is not. */
int store_tie(struct store *, const struct store_trail *, moment now, struct store_tie *result,
              struct error *) MUST_CHECK;

#endif
