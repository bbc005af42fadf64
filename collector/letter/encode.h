/* How bytes travel in a mail: RFC 2045 and 2047. Lines end with CRLF. False: the buffer's bound. */
#ifndef COLLECTOR_LETTER_ENCODE_H
#define COLLECTOR_LETTER_ENCODE_H

#include <stdbool.h>
#include "common/buffer.h"
#include "common/text.h"

/* Whether a text of plain_lines() can go as it is: ASCII, lines of at most 76 bytes that no transport touches. */
bool encode_is_plain(struct text);
/* As it is, LF made CRLF, one at the end; where it has CRLF already, that stays. */
bool encode_lines(struct text, struct buffer *) __attribute__((warn_unused_result));
/* Quoted-printable, lines of at most 76 bytes; `text` has lines that end with LF. */
bool encode_quoted(struct text, struct buffer *) __attribute__((warn_unused_result));
/* Base64, lines of at most 76 bytes. */
bool encode_base64(struct text, struct buffer *) __attribute__((warn_unused_result));
/* Encoded words (Q, which people can read too, and needs no padding, which some readers stumble over), a folded space
 * between each two; the line has `column` bytes already. */
bool encode_words(struct text, size_t column, struct buffer *) __attribute__((warn_unused_result));

#endif
