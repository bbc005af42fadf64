/* What a reader of HTML mail sees of it, as plain text: without tags, comments, scripts, style sheets and what is
 * hidden, which is where padding stands that is to make every copy another. Not a browser: one pass over the bytes,
 * without a tree. */
#ifndef COLLECTOR_MIME_VISIBLE_H
#define COLLECTOR_MIME_VISIBLE_H

#include <stdbool.h>
#include "common/buffer.h"
#include "common/text.h"

/* UTF-8 in, UTF-8 out, appended. What does not fit into the buffer any more is left out: false. */
bool visible_text(struct text html, struct buffer *result) __attribute__((warn_unused_result));

#endif
