/* See data.h. */
#include "collector/filter/data.h"

static struct text take_line(struct text *rest)
{
    size_t length = 0;
    while (length < rest->length && rest->bytes[length] != '\r' && rest->bytes[length] != '\n')
        length++;
    struct text line = {rest->bytes, length};
    if (length + 1 < rest->length && rest->bytes[length] == '\r' && rest->bytes[length + 1] == '\n')
        length++;
    length += length < rest->length;
    *rest = (struct text){rest->bytes + length, rest->length - length};
    return line;
}

bool data_write(struct text content, struct buffer *out)
{
    bool fits = true;
    while (fits && content.length > 0) {
        struct text line = take_line(&content);
        fits = (line.length == 0 || line.bytes[0] != '.' || buffer_append_byte(out, '.')) && buffer_append(out, line) &&
               buffer_append(out, TEXT("\r\n"));
    }
    return fits;
}
