/* A DNS reply (RFC 1035, 4.1) read from bytes: what was asked, whether the name exists, and of the answers to it, also
 * by way of aliases (CNAME), the addresses or the first text. Hostile bytes: bounded, no recursion, a name's pointers
 * only lead backwards. */
#ifndef COMMON_DNS_MESSAGE_H
#define COMMON_DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/text.h"

#define DNS_NAME           256 /* room for a name as text, and its NUL */
#define DNS_ADDRESSES_MOST 16
#define DNS_TEXT_MOST      512

enum dns_type { DNS_A = 1, DNS_TXT = 16 };

/* How a question ended; the codes of a reply (RCODE) among them. */
enum dns_outcome {
    DNS_ANSWERED,    /* NOERROR, with or without data */
    DNS_NO_NAME,     /* NXDOMAIN */
    DNS_FAILED,      /* SERVFAIL, FORMERR and any code that stands nowhere else */
    DNS_REFUSED,     /* REFUSED, NOTIMP */
    DNS_TRUNCATED,   /* it did not fit (TC) */
    DNS_MALFORMED,   /* it cannot be read, or is no reply */
    DNS_TIMEOUT,     /* no reply came */
    DNS_UNREACHABLE, /* the server's machine refused, or there is no way to it */
    DNS_STOPPED      /* given up by who asked */
};

struct dns_reply {
    enum dns_outcome outcome;
    char question[DNS_NAME]; /* as the reply repeats it, letter by letter; empty where there is none */
    uint32_t count;          /* addresses; more than fit are counted, not kept */
    uint8_t addresses[DNS_ADDRESSES_MOST][4];
    char text[DNS_TEXT_MOST]; /* the first TXT answer, its strings joined; control characters made '?' */
    uint32_t ttl; /* seconds: the least of the answers', or what the SOA says of a name without (RFC 2308) */
};

/* Read a reply. `type`: of the answers looked for. */
void dns_reply_read(struct text message, enum dns_type type, struct dns_reply *result);
/* One that never came. */
void dns_reply_none(enum dns_outcome, struct dns_reply *result);

#endif
