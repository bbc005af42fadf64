/* A command line of SMTP (RFC 5321 4.1.1): its verb, its argument, the path in MAIL and RCPT. Works on the line where
 * it lies and copies nothing. */
#ifndef AGENT_PACKET_SMTP_COMMAND_H
#define AGENT_PACKET_SMTP_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include "common/text.h"

enum smtp_verb {
    VERB_UNKNOWN, /* no word at the front, or one that is no verb of ours */
    VERB_HELO,
    VERB_EHLO,
    VERB_LHLO, /* RFC 2033: answers the content once for each recipient */
    VERB_MAIL,
    VERB_RCPT,
    VERB_DATA,
    VERB_BDAT,
    VERB_RSET,
    VERB_AUTH,
    VERB_STARTTLS,
    VERB_QUIT,
    VERB_OTHER, /* NOOP, VRFY, ... and any word of letters: something that a server answers */
    VERB_PROXY, /* a load balancer's line before the dialogue: has no answer */
    VERBS
};

struct smtp_command {
    enum smtp_verb verb;
    bool plausible;         /* verb and syntax fit so well that reading can start again here after a gap */
    bool last;              /* BDAT: LAST */
    bool sized;             /* BDAT: the size can be read */
    uint64_t size;          /* BDAT: bytes of the chunk */
    struct text argument;   /* behind the verb, trimmed; HELO's name, AUTH's initial response */
    struct text mechanism;  /* AUTH */
    struct text address;    /* MAIL, RCPT: without brackets and source route; empty: the null sender */
    struct text parameters; /* MAIL, RCPT: what stands behind the path */
};

/* `line`: without its CR LF. MAIL and RCPT without FROM and TO, DATA with an argument and the like are
 * VERB_OTHER: a server refuses them. */
struct smtp_command smtp_command_parse(struct text line);

/* The path at the front of `text`: "<@a,@b:user@c>" gives "user@c". Brackets may be missing, spaces may stand around;
 * a quoted local part may hold anything. False: there is none. `rest` is what stands behind it. */
bool smtp_path_parse(struct text text, struct text *address, struct text *rest);

#endif
