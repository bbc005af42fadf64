/* Borrowed bytes: a pointer and a length, never terminated, never owned. */
#ifndef COMMON_TEXT_H
#define COMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

struct text {
    const char *bytes;
    size_t length;
};

#define TEXT(literal) ((struct text){(literal), sizeof(literal) - 1})

static inline struct text text_of(const char *string)
{
    return (struct text){string, strlen(string)};
}

static inline bool text_equals(struct text a, struct text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

/* ASCII letters compare without regard to case, whatever the locale. */
bool text_equals_nocase(struct text a, struct text b);
bool text_starts_nocase(struct text whole, struct text start);
bool text_ends_nocase(struct text whole, struct text end);

/* Copy the text, as long as it is and without a NUL, its ASCII capitals made small. `result` may be `text.bytes`. */
void text_fold(struct text, char *result);

/* Without spaces, tabs, CR and LF at both ends. */
struct text text_trim(struct text);

/* What stands before the first `separator` (all of it where there is none); `rest` is left with what stands behind. */
struct text text_split(struct text *rest, char separator);

/* A non-negative decimal number of 1 to 19 digits and nothing else. False: `result` unchanged. */
bool text_number(struct text, uint64_t *result);

/* The length, 1 to 4, of the UTF-8 sequence that the text begins with; 0 where it is empty or the sequence is broken.
 */
size_t text_utf8_sequence(struct text);
#define TEXT_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD, what stands for broken bytes */

/* Copy at most size-1 bytes and end with NUL. Control characters (C0, 0x7f, C1) become '?', a broken UTF-8 sequence
 * becomes U+FFFD, so the copy may go to a terminal. Returns the bytes written without the NUL. */
size_t text_copy_printable(struct text, char *result, size_t size);

#endif
