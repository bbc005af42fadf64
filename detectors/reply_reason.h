/* Why a server answered as it did: what the codes say, and where they do not decide, its words.
 *
 * Reply codes (RFC 5321, 4.2) tell final from temporary and little more: 550 is an unknown recipient, a blacklist, or a
 * policy. Enhanced codes (RFC 3463, with the registry of RFC 5248) tell them apart where servers use them well: x.1.1
 * is an unknown recipient, x.2.2 a full mailbox. 5.7.1 is used for everything, and many servers have none. So the
 * phrase is read as well: words that servers in wide use say, Postfix, Exim, sendmail, and the large receivers.
 *
 * The phrase repeats what the client said: addresses, HELO, often in angle brackets. These are cut out before it is
 * read, so that nobody chooses by a recipient's name how the refusal is read. */
#ifndef DETECTORS_REPLY_REASON_H
#define DETECTORS_REPLY_REASON_H

#include "common/words/observation.h"

enum reply_reason {
    REPLY_UNANSWERED, /* none was seen */
    REPLY_ACCEPTED,
    REPLY_UNKNOWN_USER, /* for certain: no such recipient, or one that is no longer */
    REPLY_MAILBOX_FULL,
    REPLY_GREYLISTED,
    REPLY_RATE,    /* too much, too fast, too busy */
    REPLY_LISTED,  /* the client's own address: on a blacklist, or of bad repute */
    REPLY_SENDER,  /* the envelope sender, or what vouches for it: SPF, DKIM, DMARC, the client's name */
    REPLY_CONTENT, /* spam, a virus */
    REPLY_POLICY,  /* refused on purpose, it does not say why */
    REPLY_OTHER,   /* faults, and what nobody knows */
    REPLY_REASONS
};

/* Whether the answer is final or temporary is for the caller to see in the code. A temporary answer means an unknown
 * user only where it says so itself, as Postfix does when its verification has been told. */
enum reply_reason reply_reason(const struct reply *);

const char *reply_reason_name(enum reply_reason); /* "unknown user", ... */

#endif
