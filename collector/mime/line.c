/* See line.h. */
#include "collector/mime/line.h"

#include <stdbool.h>

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

size_t line_copy(struct text text, char *result, size_t size)
{
    size_t length = text_copy_printable((struct text){"", 0}, result, size);
    struct text rest = text_trim(text);
    while (rest.length > 0 && length + 2 < size) {
        size_t end = 0;
        while (end < rest.length && !is_space(rest.bytes[end]))
            end++;
        if (length > 0 && end > 0)
            result[length++] = ' ';
        length += text_copy_printable((struct text){rest.bytes, end}, result + length, size - length);
        while (end < rest.length && is_space(rest.bytes[end]))
            end++;
        rest = (struct text){rest.bytes + end, rest.length - end};
    }
    return length;
}
