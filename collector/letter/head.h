/* The lines of a mail's head. Values are strangers' words until they have been here: one line each, folded at 76
 * columns, in encoded words where they are not plain. False: the buffer's bound. */
#ifndef COLLECTOR_LETTER_HEAD_H
#define COLLECTOR_LETTER_HEAD_H

#include <stdbool.h>
#include "collector/letter/compose.h"
#include "common/buffer.h"

/* "Name: value". */
bool head_text(const char *name, struct text value, struct buffer *) __attribute__((warn_unused_result));
/* "Name: A <a@example.net>,", one address a line; none: an empty group. */
bool head_addresses(const char *name, const struct draft_address *, size_t count, struct buffer *)
    __attribute__((warn_unused_result));
/* "Date: Thu, 26 Nov 2026 13:30:00 +0100". */
bool head_date(moment, int offset, struct buffer *) __attribute__((warn_unused_result));
/* "Content-Disposition: attachment; filename=...", RFC 2183 and 2231; nothing of a path. */
bool head_disposition(const char *disposition, struct text name, struct buffer *) __attribute__((warn_unused_result));

/* Whether it can be a header's name, RFC 5322 2.2, and is none that a draft has members for. */
bool head_is_free_name(const char *);
/* Whether it is fit between the brackets of a Message-ID or Content-ID. */
bool head_is_id(struct text);

#endif
