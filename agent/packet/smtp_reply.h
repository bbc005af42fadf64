/* A reply line of SMTP (RFC 5321 4.2) with its enhanced code (RFC 2034, RFC 3463), and which commands it can answer. */
#ifndef AGENT_PACKET_SMTP_REPLY_H
#define AGENT_PACKET_SMTP_REPLY_H

#include <stdbool.h>
#include <stdint.h>
#include "common/text.h"

/* What is waiting for a reply. A byte: pipelined commands wait as runs of equal ones (smtp_waiting.h). */
enum smtp_awaited {
    AWAITED_GREETING,
    AWAITED_HELO,
    AWAITED_MAIL,
    AWAITED_RCPT,
    AWAITED_FORGOTTEN_RCPT, /* its address was not kept: too many wait */
    AWAITED_DATA,
    AWAITED_CONTENT,
    AWAITED_CHUNK,
    AWAITED_LAST_CHUNK,
    AWAITED_BAD_CHUNK, /* BDAT without a size: no content follows */
    AWAITED_RSET,
    AWAITED_AUTH,
    AWAITED_STARTTLS,
    AWAITED_QUIT,
    AWAITED_OTHER,
    AWAITED_UNKNOWN,  /* no command at all: refused, or not answered */
    AWAITED_IMPLICIT, /* a transaction whose MAIL was not seen begins here: no reply */
    AWAITED_GAP,      /* commands that we did not see: any number of replies */
    AWAITED_KINDS
};

struct smtp_reply_line {
    uint16_t code;
    uint16_t enhanced; /* as in struct reply */
    bool last;         /* false: more lines follow */
    struct text phrase;
};

/* False: not a reply line. `line`: without its CR LF. */
bool smtp_reply_parse(struct text line, struct smtp_reply_line *result);

/* Can this code answer that command? */
bool smtp_reply_suits(enum smtp_awaited, uint16_t code);
/* Codes that answer one kind of command only, so that a lost pairing can be found again by them. */
bool smtp_reply_is_exclusive(enum smtp_awaited, uint16_t code);
/* The server does not know the command at all, so that it takes what comes with it for commands too. */
bool smtp_reply_is_ignorance(uint16_t code);
/* "250-PIPELINING": only EHLO is answered so. */
bool smtp_reply_is_extension(const struct smtp_reply_line *);

#endif
