/* What a mail server asks of us: Postfix's SMTP access policy delegation, attributes "name=value" one a line, an empty
 * line at the end. Exim writes the same by hand, and our own milter asks and tells in the same form; "request=" says
 * which kind of question it is. Much in it was said by whoever talks to the mail server, so nothing in it is trusted.
 * Pure. */
#ifndef AGENT_COURIER_POLICY_REQUEST_H
#define AGENT_COURIER_POLICY_REQUEST_H

#include <stddef.h>
#include <sys/types.h>
#include "common/error.h"
#include "common/text.h"

#define POLICY_REQUEST_MOST 16384 /* bytes of one request; Postfix's own line limit is 2,048 */

/* The kinds of questions, by what "request=" says. */
enum policy_kind {
    POLICY_ACCESS,  /* smtpd_access_policy: may this be taken? */
    POLICY_CONTENT, /* postern_content: our milter tells what was in a message */
    POLICY_KINDS
};
const char *policy_kind_name(enum policy_kind);

/* Borrowed from the request's bytes; empty: not said. */
struct policy_request {
    enum policy_kind kind;
    uid_t user;                            /* who asks, as the kernel says and not the bytes; -1: from afar */
    struct text account;                   /* sasl_username: the login that the mail is submitted under */
    struct text instance;                  /* the same for all questions about one message */
    struct text state;                     /* protocol_state: "RCPT", "DATA", "END-OF-MESSAGE", ... */
    struct text client, client_name, helo; /* client_address without brackets */
    struct text sender, recipient;         /* of the envelope; the recipient is empty where there are several */
    struct text recipient_count;           /* from DATA on */
    struct text queue_id, size;            /* bytes, in figures */
    struct text encryption;                /* encryption_protocol: empty where there is no TLS */
    /* of POLICY_CONTENT alone */
    struct text recipients, digest, likeness;
};

/* Read the request at the beginning of `bytes`. The bytes that it takes, its empty line with it; 0: it is not whole
 * yet; -EPROTO: this is no such request. Of an attribute that is said twice the first counts; unknown ones are passed
 * over.
 */
int policy_request_parse(struct text bytes, struct policy_request *result, struct error *) MUST_CHECK;

#endif
