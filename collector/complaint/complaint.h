/* Complaints: what others report of mail that left here, in whatever form it comes, as one struct.
 *
 * ARF (RFC 5965, 6591, 6650) and its dialects (Yahoo, AOL, Validity), XARF JSON (version 4; 1 to 3 are converted),
 * X-ARF (0.1 and 0.2; blocklist.de, Netcraft), Hotmail JMRP, SpamCop, Spamhaus, Netcraft, Amazon SES, Shadowserver CSV.
 * Bounces, automatic replies and other mail are told apart from complaints.
 *
 * Everything here was written by a stranger, who may have written anything: who reports, and what, are claims. Texts
 * are printable and bounded; what is not there is empty, 0, or an address of family 0. */
#ifndef COLLECTOR_COMPLAINT_COMPLAINT_H
#define COLLECTOR_COMPLAINT_COMPLAINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/address.h"
#include "common/moment.h"
#include "common/text.h"
#include "common/words/observation.h"

#define COMPLAINTS_MOST     4096 /* of one mail: rows of a table */
#define COMPLAINTS_TROUBLE  160
#define COMPLAINT_ADDRESSES 6
#define COMPLAINT_DOMAINS   4
#define COMPLAINT_LINKS     4

enum complaint_format {
    COMPLAINT_FORMAT_NONE, /* of something that is no complaint in a form known here */
    COMPLAINT_FORMAT_ARF,
    COMPLAINT_FORMAT_XARF,
    COMPLAINT_FORMAT_XARF_MAIL, /* X-ARF 0.1 and 0.2: "Name: value" lines in a mail */
    COMPLAINT_FORMAT_JMRP,
    COMPLAINT_FORMAT_SPAMCOP,
    COMPLAINT_FORMAT_SPAMHAUS,
    COMPLAINT_FORMAT_NETCRAFT,
    COMPLAINT_FORMAT_SES,
    COMPLAINT_FORMAT_SHADOWSERVER,
    COMPLAINT_FORMATS
};
/* "arf", "xarf", "x-arf", "jmrp", "spamcop", "spamhaus", "netcraft", "ses", "shadowserver"; "". */
const char *complaint_format_name(enum complaint_format);

/* Holds no pointer: it goes from the process that reads to the one that asked. */
struct complaint {
    uint32_t format;                        /* enum complaint_format */
    uint32_t type;                          /* enum complaint_type: what it weighs */
    uint32_t incidents, words;              /* at least 1; words of `body`, 0: it has too few to be told by */
    uint16_t source_port, destination_port; /* 0: not said */
    uint8_t is_redacted;                    /* 1: the recipient is not named, or by a hash */
    uint8_t has_original;                   /* 1: the message, or its head, is in the report */
    uint8_t address_count, domain_count, link_count, reserved[3];
    moment time; /* when the message arrived there, or the attack happened; else the message's own Date; 0: not said */
    moment sent; /* when it was reported */
    struct address source; /* who did it; a prefix where a prefix is reported */
    struct address destination;
    /* Hosts that the message's head names as having handed it on, last hop first. Where `source` is not said, the
     * sender is one of them; only what stands above the reporter's own line cannot be made up. */
    struct address addresses[COMPLAINT_ADDRESSES];
    char native[64];    /* what the report calls it: "abuse", "auth-failure/dmarc", "Activity/Spam", "login-attack" */
    char version[16];   /* of the format, as it says */
    char category[24];  /* in XARF 4's words: "messaging", "connection", "content"; empty: not known */
    char kind[40];      /* "spam", "login_attack", "phishing" */
    char reporter[128]; /* who says so, in small letters: a domain where there is one, else a name */
    char reporter_address[128]; /* where to answer */
    char on_behalf[128];        /* for whom, as it says */
    char report_id[192];        /* the reporter's number, or the mail's Message-ID without brackets */
    char agent[96];
    char source_text[256];   /* the source as it is written: may be a name, a link, or redacted */
    char message_id[256];    /* of the message complained of, without brackets */
    char envelope_id[128];   /* ENVID, or a queue's number */
    char envelope_from[256]; /* without brackets */
    char header_from[256];
    char subject[256];
    char recipient[256]; /* without brackets; the first */
    char body[33];       /* as message_facts.body: the digest of the text's normal form */
    /* Of the mail that brought it, by its uppermost Authentication-Results (RFC 8601): the address in From that DKIM or
     * DMARC vouches for, and the name of the server that says so. Empty: nobody does. */
    char authentic[128], authserv[128];
    char domains[COMPLAINT_DOMAINS][128], links[COMPLAINT_LINKS][256];
};

enum complaint_finding {
    FOUND_COMPLAINTS, /* one or more */
    FOUND_BOUNCE,     /* a message could not be delivered, or is late */
    FOUND_REPLY,      /* a program answered: out of office, receipts */
    FOUND_OTHER,      /* somebody's mail; a person looks at it */
    FOUND_BROKEN,     /* a complaint by its form that does not say what it must; a person looks at it */
    COMPLAINT_FINDINGS
};
/* "complaint", "bounce", "reply", "other", "broken". */
const char *complaint_finding_name(enum complaint_finding);

struct complaints {
    uint32_t found; /* enum complaint_finding */
    uint32_t count; /* of `items`: one and more of FOUND_COMPLAINTS; else one, of what could be read, or none */
    uint32_t cut;   /* 1: there were more than COMPLAINTS_MOST, or than memory holds */
    char trouble[COMPLAINTS_TROUBLE]; /* FOUND_BROKEN: what is wrong with it */
    struct complaint *items;          /* owned */
};

/* Any bytes: a mail as it is stored (any line ends), XARF JSON (a report, or an array of them), X-ARF's lines, or a CSV
 * of Shadowserver. walk_prepare() comes first. No memory makes FOUND_BROKEN of it. */
void complaints_read(struct text content, struct complaints *result);
void complaints_clear(struct complaints *);

/* Whether this is a complaint at all: numbers within their ranges, texts ended and printable. It comes as bytes from a
 * process that hostile mail may have taken over. */
bool complaint_is_sound(const struct complaint *);

#endif
