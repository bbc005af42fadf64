/* A message for other programs: as a file of its own (eml), or as one of a mailbox (mbox). */
#ifndef COLLECTOR_QUARANTINE_EXPORT_H
#define COLLECTOR_QUARANTINE_EXPORT_H

#include <stdbool.h>
#include "common/buffer.h"
#include "common/moment.h"
#include "common/text.h"

/* Appends it as an mbox keeps it (RFC 4155, with the quoting of mboxrd): a line "From SENDER DATE", the content with
 * lines that end with LF, ">" before each that begins with "From " or ">"s and that, an empty line. What of `from` is
 * no plain address is left out. False: no room. */
bool export_mbox(struct text from, moment time, struct text content, struct buffer *out)
    __attribute__((warn_unused_result));

#endif
