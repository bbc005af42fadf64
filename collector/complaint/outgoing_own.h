/* What the two forms of outgoing complaints share; outgoing.c makes it. */
#ifndef COLLECTOR_COMPLAINT_OUTGOING_OWN_H
#define COLLECTOR_COMPLAINT_OUTGOING_OWN_H

#include "collector/complaint/outgoing.h"

struct evidence {
    const char *type;    /* "message/rfc822", or "text/rfc822-headers" where only the head goes along */
    struct buffer bytes; /* lines ended by CRLF */
    struct text head;    /* of it */
};

/* Who reports: the name in the address, else its domain. */
struct text outgoing_domain(const struct outgoing *);
struct text outgoing_reporter(const struct outgoing *);

/* Append the JSON of XARF 4. False: no room. */
bool outgoing_xarf(const struct outgoing *, const struct evidence *, struct buffer *out)
    __attribute__((warn_unused_result));

#endif
