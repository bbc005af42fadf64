/* Growing bytes whose bound is stated at birth. The memory doubles, so that appending is cheap on average. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/buffer.h"

#define FIRST_ROOM 256

void buffer_init(struct buffer *buffer, size_t most)
{
    *buffer = (struct buffer){.most = most};
}

void buffer_clear(struct buffer *buffer)
{
    free(buffer->bytes);
    buffer_init(buffer, buffer->most);
}

bool buffer_reserve(struct buffer *buffer, size_t more)
{
    if (more <= buffer->room - buffer->length)
        return true;
    if (more > buffer->most - buffer->length)
        return false;
    size_t wanted = buffer->length + more, room = buffer->room ? buffer->room : FIRST_ROOM;
    while (room < wanted)
        room = room > buffer->most / 2 ? buffer->most : room * 2;
    if (room > buffer->most)
        room = buffer->most;
    char *bytes = realloc(buffer->bytes, room);
    if (!bytes)
        return false;
    buffer->bytes = bytes;
    buffer->room = room;
    return true;
}

bool buffer_append(struct buffer *buffer, struct text text)
{
    if (text.length == 0)
        return true;
    if (!buffer_reserve(buffer, text.length))
        return false;
    memcpy(buffer->bytes + buffer->length, text.bytes, text.length);
    buffer->length += text.length;
    return true;
}

bool buffer_append_byte(struct buffer *buffer, char byte)
{
    if (!buffer_reserve(buffer, 1))
        return false;
    buffer->bytes[buffer->length++] = byte;
    return true;
}

bool buffer_printf(struct buffer *buffer, const char *format, ...)
{
    /* Most of what is printed is short: format it once, here, and copy. */
    char small[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(small, sizeof small, format, arguments);
    va_end(arguments);
    if (length < 0)
        return false;
    if ((size_t)length < sizeof small)
        return buffer_append(buffer, (struct text){small, (size_t)length});
    if ((size_t)length > buffer->most - buffer->length)
        return false;
    char *large = malloc((size_t)length + 1); /* the NUL must not count against the bound */
    if (!large)
        return false;
    va_start(arguments, format);
    vsnprintf(large, (size_t)length + 1, format, arguments);
    va_end(arguments);
    bool done = buffer_append(buffer, (struct text){large, (size_t)length});
    free(large);
    return done;
}

void buffer_drop_front(struct buffer *buffer, size_t bytes)
{
    if (bytes >= buffer->length) {
        buffer->length = 0;
        return;
    }
    if (bytes == 0)
        return;
    memmove(buffer->bytes, buffer->bytes + bytes, buffer->length - bytes);
    buffer->length -= bytes;
}

struct text buffer_text(const struct buffer *buffer)
{
    return buffer->length ? (struct text){buffer->bytes, buffer->length} : (struct text){"", 0};
}
