/* A message's head, walked through field by field (RFC 5322 2.2), as it comes: lines end with CRLF or LF, and what is
 * no field is passed over. */
#ifndef COLLECTOR_FILTER_HEAD_H
#define COLLECTOR_FILTER_HEAD_H

#include <stdbool.h>
#include "common/text.h"

#define HEAD_VALUE_MOST 65536 /* bytes of one value; what is beyond is not read */

struct head_field {
    struct text name;  /* empty: a line that is no field */
    struct text value; /* folded as it is */
    struct text whole; /* all its lines, with their ends */
};

/* The next one of `rest`, which is moved on behind it. False at the empty line that ends the head, which is left in
 * `rest` with what follows, or at the end of all. A name has no space in it, nor before its colon. */
bool head_next(struct text *rest, struct head_field *result);

/* A value in one line: line ends are gone, each row of spaces is one. Cut to `size` - 1 bytes and ended with NUL; what
 * is no printable ASCII becomes "?". Returns its length. */
size_t head_unfold(struct text value, char *result, size_t size);

#endif
