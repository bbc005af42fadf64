/* The name of a mail account as the name of a sender: short, printable, and the same however it was written.
 *
 * What a client logs in as is hostile: any bytes, any length. So letters become small ones, whatever is not a letter,
 * a digit or one of ".-_+@=/:" becomes "%xx", and a name that is too long keeps its start, with '~' and a digest of the
 * whole behind it. Two names that differ in more than the case of ASCII letters stay two. */
#ifndef COMMON_WORDS_ACCOUNT_H
#define COMMON_WORDS_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/text.h"

#define ACCOUNT_MOST 46 /* bytes of a name as it is kept; no NUL */

/* From what the client said. Returns the length; 0 where the name is empty. What is behind it in `result` is zero. */
size_t account_write(struct text name, uint8_t result[ACCOUNT_MOST]);
/* From what account_write() made, possibly in capitals, or a name of plain characters of any length, as people type it.
 * 0: it is neither. */
size_t account_read(struct text written, uint8_t result[ACCOUNT_MOST]);
/* Whether account_write() can have made it. */
bool account_is_sound(const uint8_t *name, size_t length);

#endif
