/* The normal form of a text: its words alone, in small letters, without what makes one copy of a mailing another than
 * the next. Numbers, addresses and links are left out, and the recipient's name where it is greeted. Two texts of one
 * normal form are one body. */
#ifndef COLLECTOR_MIME_NORMAL_H
#define COLLECTOR_MIME_NORMAL_H

#include <stdbool.h>
#include <stdint.h>
#include "common/buffer.h"
#include "common/text.h"

#define NORMAL_WORDS_LEAST 12 /* a text of fewer is too common to be told by */
#define NORMAL_GREETING    12 /* words within which the recipient is greeted */

/* Append the words with a space between each two. `names`: the To: header's text, whose words are left out of the
 * greeting; empty: not known. Returns how many there are; the rest of a text that does not fit is left out. */
uint32_t normal_form(struct text text, struct text names, struct buffer *result);

/* 32 hexadecimal digits of its BLAKE2b, and the end: nobody can make another text of the same digest. */
void normal_digest(struct text normal, char result[33]);

#endif
