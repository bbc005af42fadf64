/* What a blacklist's answer means. An answer lists or clears only where it says so by the zone's own codes; whatever
 * else comes (errors of the list, of the resolver, of the way there) leaves it unknown, with the reason, and is never a
 * listing. */
#ifndef COLLECTOR_BLACKLIST_ANSWER_H
#define COLLECTOR_BLACKLIST_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "collector/blacklist/zones.h"
#include "common/address.h"
#include "common/dns_message.h"
#include "common/words/observation.h"

enum answer_state { ANSWER_UNKNOWN, ANSWER_CLEAN, ANSWER_LISTED };

/* Why it is unknown. */
enum answer_doubt {
    DOUBT_NONE,
    DOUBT_TIMEOUT,     /* nobody answered */
    DOUBT_UNREACHABLE, /* the resolver's machine refused the question */
    DOUBT_FAILED,      /* SERVFAIL: the resolver could not get an answer */
    DOUBT_REFUSED,     /* REFUSED or NOTIMP: the resolver does not answer us */
    DOUBT_TRUNCATED,   /* the answer did not fit and could not be had over TCP */
    DOUBT_MALFORMED,   /* it cannot be read */
    DOUBT_FORGED,      /* it repeats the question in other letters: not an answer to it */
    DOUBT_TYPING,      /* 127.255.255.252: the zone's name is misspelt */
    DOUBT_PUBLIC,      /* 127.255.255.254: the list does not answer public resolvers */
    DOUBT_EXCESS,      /* 127.255.255.255: asked too often, or not registered */
    DOUBT_ERROR,       /* another address of 127.255.255.0/24, or a code that the zones file calls an error */
    DOUBT_OUTSIDE,     /* an address outside 127.0.0.0/8: the resolver, or who bought the zone, answers what he likes */
    DOUBT_LOOPBACK,    /* 127.0.0.1, which no list may say (RFC 5782, 2.1), but by a code of its own */
    DOUBT_CODE,        /* a code that the zones file does not know */
    DOUBT_WILDCARD,    /* the zone lists what it must not: it lists everything */
    DOUBT_EMPTY,       /* the zone does not list what it must: it lists nothing */
    DOUBT_UNTESTED,    /* the zone's test got no answer; the text says why */
    DOUBT_REWRITTEN,   /* the resolver answers for names that do not exist */
    DOUBT_BUDGET,      /* the day's questions to this zone are spent */
    DOUBT_NAME,        /* name and zone together are too long to be asked for */
    DOUBT_STOPPED,     /* not asked any more: we end */
    ANSWER_DOUBTS
};

#define ANSWER_CODES_MOST DNS_ADDRESSES_MOST
#define ANSWER_REASON     256
struct answer {
    enum answer_state state;
    enum answer_doubt doubt;    /* DOUBT_NONE unless unknown */
    enum listing_weight weight; /* listed: the worst of its codes */
    uint32_t count;             /* addresses that the list answered */
    uint8_t codes[ANSWER_CODES_MOST][4];
    const char *meaning;        /* listed: the worst code's text, the zone's own; else NULL */
    char reason[ANSWER_REASON]; /* listed: what the list's TXT says, printable; may be empty */
    uint32_t ttl;               /* seconds that it may be believed; 0 unless listed or clean */
};

/* What the addresses of a reply mean in this zone, or why they mean nothing. `reason` is left empty. */
struct answer answer_judge(const struct zone *, const struct dns_reply *);
struct answer answer_doubtful(enum answer_doubt);

const char *answer_state_name(enum answer_state); /* "unknown", "clean", "listed" */
const char *answer_doubt_name(enum answer_doubt); /* a word: "timeout", "public-resolver", ... */
const char *answer_doubt_text(enum answer_doubt); /* a sentence for people */
struct address answer_code(const struct answer *, uint32_t index);

#endif
