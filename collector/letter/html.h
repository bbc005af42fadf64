/* Texts of strangers in HTML. */
#ifndef COLLECTOR_LETTER_HTML_H
#define COLLECTOR_LETTER_HTML_H

#include <stdbool.h>
#include "common/buffer.h"
#include "common/text.h"

/* Append it so that it is text wherever it stands, in an element or in a quoted attribute: & < > " ' escaped, control
 * characters as '?', broken UTF-8 as U+FFFD, what turns the direction of writing left out. Line ends stay.
 * False: the buffer's bound. */
bool html_escape(struct text, struct buffer *) __attribute__((warn_unused_result));

#endif
