/* The head of a message as a stranger may see it who shall not learn for whom it was (RFC 6590): only those fields that
 * say where it came from, and in them "redacted" for the name of whoever received it. The domains stay. */
#ifndef COLLECTOR_COMPLAINT_REDACT_H
#define COLLECTOR_COMPLAINT_REDACT_H

#include <stdbool.h>
#include <stddef.h>
#include "common/buffer.h"
#include "common/text.h"

#define REDACT_HEAD_MOST ((size_t)64 * 1024)     /* bytes of a head; what is behind them is left out */
#define REDACT_MOST      (10 * REDACT_HEAD_MOST) /* bytes that may become of it */

/* Appends the fields, each ended by CRLF, folded as they were. Who received it: `recipients`, and whoever stands in
 * fields such as To and Delivered-To. Names are looked for as they are written and as bounce addresses hold them
 * ("bounce-name=domain"), in a Received field every name before an "@" goes; words encoded as in RFC 2047 become
 * "[encoded]". False: no room. */
bool redact_head(struct text head, const struct text *recipients, size_t count, struct buffer *out)
    __attribute__((warn_unused_result));

/* Appends `path`, the envelope's sender, with "redacted" for the name of whoever received the message of that head: a
 * bounce address may hold it. False: no room. */
bool redact_path(struct text head, const struct text *recipients, size_t count, struct text path, struct buffer *out)
    __attribute__((warn_unused_result));

/* Appends "redacted@domain"; "redacted" where there is no domain. */
bool redact_address(struct text address, struct buffer *out) __attribute__((warn_unused_result));

#endif
