/* Text of a mail as one printable line: what a header, folded and encoded, says. */
#ifndef COLLECTOR_MIME_LINE_H
#define COLLECTOR_MIME_LINE_H

#include <stddef.h>
#include "common/text.h"

/* Copy at most size-1 bytes and end with NUL: printable (text_copy_printable), one space for any white space, none at
 * the ends. Returns the length. */
size_t line_copy(struct text, char *result, size_t size);

#endif
