/* Headers that a mail server would have put on top of a message, for filters that are told nothing else of where it
 * came from. */
#ifndef COLLECTOR_FILTER_TRACE_H
#define COLLECTOR_FILTER_TRACE_H

#include <stdbool.h>
#include "collector/filter/filter.h"
#include "common/buffer.h"
#include "common/moment.h"

#define TRACE_MOST       16384 /* a buffer that holds any of them */
#define TRACE_VALUE_MOST 1000  /* bytes of one value; what is beyond is cut */

/* "NAME: <value>\r\n". What is no visible ASCII character becomes "?": nothing in a value begins a new line. */
bool trace_write_header(const char *name, struct text value, struct buffer *) __attribute__((warn_unused_result));
/* RFC 5321 4.4, in the form that Postfix writes, which all filters read. The host that received it is
 * "postern.invalid". */
bool trace_write_received(const struct filter_message *, moment now, struct buffer *)
    __attribute__((warn_unused_result));
/* The same in the form of CommuniGate Pro, which looks up no name of the client: SpamAssassin then neither takes HELO
 * for a name that the DNS confirmed, nor has points for a client without one. */
bool trace_write_received_unlooked(const struct filter_message *, moment now, struct buffer *)
    __attribute__((warn_unused_result));

/* A value without what a line cannot hold, as a string. Returns `result`. */
const char *trace_clean(struct text value, char result[TRACE_VALUE_MOST]);

#endif
