/* Hostile text as a person may be shown it: what a terminal or a browser would obey, what turns the order of characters
 * round, and what cannot be seen, becomes "?"; broken UTF-8 becomes U+FFFD. */
#ifndef COLLECTOR_QUARANTINE_SAFE_H
#define COLLECTOR_QUARANTINE_SAFE_H

#include <stdbool.h>
#include "common/buffer.h"
#include "common/text.h"

/* One line, without its end; a tab stays. False: no room. */
bool safe_line(struct text utf8, struct buffer *out) __attribute__((warn_unused_result));
/* The same of bytes of another character set. NULL: UTF-8. Those that are not known are ASCII, the rest of them U+FFFD.
 */
bool safe_bytes(struct text bytes, const char *charset, struct buffer *out) __attribute__((warn_unused_result));

#endif
