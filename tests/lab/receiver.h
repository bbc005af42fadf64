/* The world that the node sends to: for each domain a server with an address, a distance, abilities and a way of
 * putting things. Nothing is kept: a domain's server follows from its key. */
#ifndef TESTS_LAB_RECEIVER_H
#define TESTS_LAB_RECEIVER_H

#include "common/address.h"
#include "tests/lab/words.h"

#define LAB_ADDRESS (2 * LAB_NAME)
#define LAB_LARGE   8 /* large receivers */

/* Whom a message is for. */
struct lab_recipient {
    uint64_t key, domain; /* the same key is the same person; the same domain the same domain */
    int large;            /* which of the large receivers; -1: none */
    char address[LAB_ADDRESS];
};

enum lab_style { LAB_GOOGLE, LAB_MICROSOFT, LAB_YAHOO, LAB_UNITED, LAB_POSTFIX, LAB_EXIM, LAB_EXCHANGE, LAB_STYLES };

enum lab_answer {
    LAB_ACCEPTED,
    LAB_UNKNOWN,
    LAB_POLICY,   /* refused for what the sender is */
    LAB_GREYLIST, /* 4xx: come again */
    LAB_FULL,
    LAB_REFUSED, /* the content */
    LAB_ANSWERS
};

struct lab_receiver {
    uint64_t key;
    enum lab_style style;
    uint8_t number[4]; /* its IPv4 address; the IPv6 one follows from it */
    int64_t way;       /* ns to it and back */
    char host[LAB_NAME + 16];
};

const char *lab_large_domain(int large);
/* `servers` 0: large receivers have three servers each, half of the others one of forty hosters', the rest their own.
 * Else one of so many. */
struct lab_receiver lab_receiver_find(const struct lab_recipient *, unsigned servers);
struct address lab_receiver_address(const struct lab_receiver *, bool ipv6);
bool lab_receiver_offers_tls(const struct lab_receiver *, double share);

/* One reply, with CRLF, below LAB_REPLY bytes; returns its length. */
#define LAB_REPLY 400
size_t lab_reply(const struct lab_receiver *, enum lab_answer, const char *recipient, char result[LAB_REPLY]);
size_t lab_reply_banner(const struct lab_receiver *, char result[LAB_REPLY]);
size_t lab_reply_ehlo(const struct lab_receiver *, bool tls, bool auth, char result[LAB_REPLY]);
size_t lab_reply_sender(const struct lab_receiver *, char result[LAB_REPLY]);
size_t lab_reply_queued(const struct lab_receiver *, uint64_t number, char result[LAB_REPLY]);

#endif
