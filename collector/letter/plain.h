/* Texts of strangers before they stand in a mail of ours. */
#ifndef COLLECTOR_LETTER_PLAIN_H
#define COLLECTOR_LETTER_PLAIN_H

#include <stdbool.h>
#include "common/buffer.h"
#include "common/text.h"

/* Append it harmless: control characters (C0, 0x7f, C1) as '?', broken UTF-8 as U+FFFD, what turns the direction of
 * writing left out, so that a text reads in the order in which it stands. False: the buffer's bound. */
bool plain_lines(struct text, struct buffer *) __attribute__((warn_unused_result)); /* lines end with LF; tabs stay */
bool plain_line(struct text, struct buffer *) __attribute__((warn_unused_result));  /* one line: a space for any white
                                                                                       space, none at the ends */

#endif
