/* Growing bytes whose bound is stated at birth: an append that would pass it fails and changes nothing. */
#ifndef COMMON_BUFFER_H
#define COMMON_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include "common/text.h"

struct buffer {
    char *bytes;
    size_t length, room, most;
};

void buffer_init(struct buffer *, size_t most);
void buffer_clear(struct buffer *); /* gives the memory back; the buffer can be used again with the same bound */
bool buffer_append(struct buffer *, struct text) __attribute__((warn_unused_result)); /* false: bound or memory */
bool buffer_append_byte(struct buffer *, char) __attribute__((warn_unused_result));
bool buffer_printf(struct buffer *, const char *format, ...) __attribute__((format(printf, 2, 3), warn_unused_result));
bool buffer_reserve(struct buffer *, size_t more) __attribute__((warn_unused_result));
void buffer_drop_front(struct buffer *, size_t bytes); /* what is left moves to the front */
struct text buffer_text(const struct buffer *);        /* borrowed until the next change */

#endif
