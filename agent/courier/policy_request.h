/* What a mail server asks of us: Postfix's SMTP access policy delegation, attributes "name=value" one a line, an empty
 * line at the end. Exim writes the same by hand. Much in it was said by whoever talks to the mail server, so nothing in
 * it is trusted. Pure. */
#ifndef AGENT_COURIER_POLICY_REQUEST_H
#define AGENT_COURIER_POLICY_REQUEST_H

#include <stddef.h>
#include "common/error.h"
#include "common/text.h"

#define POLICY_REQUEST_MOST 16384 /* bytes of one request; Postfix's own line limit is 2,048 */

/* Borrowed from the request's bytes; empty: not said. */
struct policy_request {
    struct text account;  /* sasl_username: the login that the mail is submitted under */
    struct text instance; /* the same for all questions about one message */
};

/* Read the request at the beginning of `bytes`. The bytes that it takes, its empty line with it; 0: it is not whole
 * yet; -EPROTO: this is no such request. Of an attribute that is said twice the first counts; unknown ones are passed
 * over.
 */
int policy_request_parse(struct text bytes, struct policy_request *result, struct error *) MUST_CHECK;

#endif
