/* An observation: one fact about one sender at one time. Start reading here.
 *
 * What the packet path, the log reader, the centre and the clock find out becomes observations; the sender table says
 * whom each is about; detectors turn them into evidence. Texts are borrowed for the length of the call. Time comes from
 * the capture or the log, never from our own clock. */
#ifndef COMMON_WORDS_OBSERVATION_H
#define COMMON_WORDS_OBSERVATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/address.h"
#include "common/moment.h"
#include "common/text.h"
#include "common/words/alike.h"
#include "common/words/likeness.h"

enum observation_kind {
    OBSERVATION_CONNECTION,  /* an outbound connection to a mail port was opened, refused or not answered */
    OBSERVATION_HELO,        /* HELO, EHLO (or LHLO) was said */
    OBSERVATION_TLS,         /* a TLS client hello was seen */
    OBSERVATION_AUTH,        /* a login was tried and answered */
    OBSERVATION_TRANSACTION, /* MAIL FROM was answered */
    OBSERVATION_RECIPIENT,   /* RCPT TO was answered */
    OBSERVATION_MESSAGE,     /* content was sent and answered, or ended without an answer */
    OBSERVATION_CLOSE,       /* the connection ended */
    OBSERVATION_FILTER,      /* a content filter has said what it thinks of a message */
    OBSERVATION_LISTING,     /* a blacklist lists the origin's address, or no longer */
    OBSERVATION_COMPLAINT,   /* somebody who got a message has complained, or taken it back */
    OBSERVATION_TICK,        /* a whole second has begun; sent once for every sender in the table */
    OBSERVATION_KINDS
};

#define OBSERVATION_BIT(kind) (UINT32_C(1) << (kind))

enum connection_outcome { CONNECTION_OPENED, CONNECTION_REFUSED, CONNECTION_UNANSWERED };
enum tls_use { TLS_NONE, TLS_STARTTLS, TLS_IMPLICIT };
enum auth_outcome { AUTH_NONE, AUTH_TRIED, AUTH_FAILED, AUTH_ACCEPTED };
enum close_reason { CLOSE_QUIT, CLOSE_FIN, CLOSE_RESET, CLOSE_TIMEOUT, CLOSE_OPEN };

/* What no mail server wraps its packets in: it is done to get past filters. */
enum origin_odd {
    ODD_TAGS = 1,     /* VLAN tags: more than two, or several with an empty one among them */
    ODD_OPTIONS = 2,  /* IPv4 options, IPv6 extension headers */
    ODD_FRAGMENTS = 4 /* fragments of a few bytes, or that overlap */
};

/* How much a list's word counts, by who keeps it and what the return code means; whoever asks the list knows. */
enum listing_weight {
    LISTING_INFORMATIONAL, /* says nothing of abuse: dynamic addresses, a whole provider */
    LISTING_LOW,
    LISTING_MEDIUM,
    LISTING_HIGH,
    LISTING_CRITICAL /* large receivers refuse by it */
};

/* RFC 5965, 3.5, RFC 6650 and RFC 6591 (auth-failure). */
enum complaint_type {
    COMPLAINT_ABUSE,
    COMPLAINT_FRAUD,
    COMPLAINT_VIRUS,
    COMPLAINT_NOT_SPAM, /* it was taken for spam and is none */
    COMPLAINT_AUTH_FAILURE,
    COMPLAINT_OTHER
};

/* Where it was seen and who sent it on the wire; the sender table makes a sender of it. */
struct origin {
    uint32_t port;          /* the capture position's number as its owner gave it; 0: none */
    uint16_t vlan;          /* outermost tag's number; 0: none */
    uint8_t mac[6];         /* of the client, zero where unknown */
    struct address address; /* of the client */
    uint16_t client_port;
    uint8_t odd;         /* enum origin_odd: how its packets were wrapped, so far */
    bool user_known;     /* false: `user` says nothing */
    uint32_t user;       /* the local user that sent it */
    struct text account; /* the login name that the mail was submitted under; empty: none */
};

/* The server's answer. `code` 0: none was seen (lost in a gap, or the connection ended first). */
struct reply {
    uint16_t code;
    uint16_t
        enhanced; /* RFC 3463 as class*10000 + subject*100 + detail (5.1.1 = 50101), each capped at 9/99/99; 0: none */
    struct text phrase; /* the last line without the codes; may be cut */
};

/* What the sender's own past says of such an hour, and for how many days it has been clean. 0: not known yet. The judge
 * fills it in before detectors are asked; who makes observations leaves it zeroed. */
struct kin;
struct known {
    uint32_t usual_connections, usual_messages; /* 1: one or none */
    uint16_t clean_days;
    const struct kin *kin; /* what the customer's other senders have against them (kin.h); NULL: nothing */
};

struct observation {
    enum observation_kind kind;
    moment time;
    struct origin origin;
    struct address server;
    uint16_t server_port;
    struct known known;
    union {
        struct {
            enum connection_outcome outcome;
        } connection;
        struct {
            struct text name;
            bool extended; /* EHLO */
        } helo;
        struct {
            enum tls_use use;
            struct text server_name; /* SNI; empty where absent */
            uint64_t fingerprint;    /* of the client hello: version, ciphers, extensions, groups, ALPN */
        } tls;
        struct {
            struct text user; /* empty where it could not be read */
            struct text mechanism;
            enum auth_outcome outcome;
            struct reply reply;
        } auth;
        struct {
            struct text from; /* empty: the null sender */
            struct reply reply;
        } transaction;
        struct {
            struct text from, address;
            struct reply reply;
        } recipient;
        struct {
            struct text from, helo;
            uint32_t recipients;       /* accepted ones in this transaction */
            uint64_t bytes;            /* content as sent, before dot-unstuffing, without the final dot line */
            uint64_t digest[2];        /* XXH3-128 of those bytes */
            struct likeness likeness;  /* of the text; not known where it is short, or was not seen */
            const struct alike *alike; /* who else sent such a text, which the judge fills in; NULL: not known */
            bool complete;             /* false: a gap fell into it, or it never ended */
            uint32_t sample; /* the number under which whoever looks at it keeps its content; 0: nobody does */
            struct reply reply;
        } message;
        struct {
            enum close_reason reason;
            duration lasted;
            uint32_t commands, transactions;
            enum tls_use tls;
            uint64_t client_bytes, server_bytes;
            bool spoke_first; /* sent before the greeting, and not as agreed with that server (Exim's PIPECONNECT) */
            uint8_t unasked;  /* commands sent before the reply to the one before, to a server that did not offer
                                 PIPELINING; up to 255 */
            /* Of encrypted sessions, as far as the lengths of their records tell (see tls_records.h): turns of the
             * client that look like a command, those that look like a message, and replies to commands that are as long
             * as refusals are. */
            uint16_t tls_commands, tls_messages, tls_replies_long;
            /* Of those who hide from a watcher: copies of sent bytes that differ, and segments of the client that a
             * server may well ignore (wrong checksum, too short a life, ...), up to 255. */
            uint16_t conflicts;
            uint8_t doubted;
        } close;
        struct {
            struct text filter, action, symbols; /* who says so; its own words for what to do and for why */
            int32_t score, threshold;            /* hundredths; spam from the threshold on; threshold 0: none */
            bool certain;                        /* what it found is no matter of opinion: a virus, a test pattern */
        } filter;
        struct {
            struct text zone;
            struct address code; /* what the list answered, 127.0.0.2 */
            enum listing_weight weight;
            bool listed;  /* false: no longer */
            moment since; /* first known to stand there; 0: with this observation */
        } listing;
        struct {
            struct text reporter; /* who passes it on: a feedback loop's or a provider's name */
            enum complaint_type type;
            uint32_t count; /* so many alike in one report; 0 counts as 1 */
            bool verified;  /* the message it is about was found among those that this sender sent */
            bool claimed;   /* the reporter's name is only what the report says */
            bool withdrawn; /* an earlier one like this was found to be none */
        } complaint;
    };
};

/* Where its texts stand, for who keeps a copy; returns how many there are. */
#define OBSERVATION_TEXTS 4
size_t observation_texts(struct observation *, struct text *result[OBSERVATION_TEXTS]);

const char *observation_kind_name(enum observation_kind);
const char *tls_use_name(enum tls_use);               /* "none", "starttls", "implicit" */
const char *auth_outcome_name(enum auth_outcome);     /* "none", "tried", "failed", "accepted" */
const char *close_reason_name(enum close_reason);     /* "quit", "fin", "reset", "timeout", "open" */
const char *listing_weight_name(enum listing_weight); /* "informational", "low", "medium", "high", "critical" */
/* "abuse", "fraud", "virus", "not-spam", "auth-failure", "other": the words of RFC 5965. */
const char *complaint_type_name(enum complaint_type);

#endif
