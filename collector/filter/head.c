/* What a mail server takes for the end of the head may differ from server to server; here it is an empty line alone, so
 * that nothing that any of them takes for a field is missed. */
#include "collector/filter/head.h"

static struct text take_line(struct text *rest)
{
    const char *end = memchr(rest->bytes, '\n', rest->length);
    struct text line = {rest->bytes, end ? (size_t)(end - rest->bytes) + 1 : rest->length};
    rest->bytes += line.length;
    rest->length -= line.length;
    return line;
}

static bool is_empty(struct text line)
{
    return text_equals(line, TEXT("\r\n")) || text_equals(line, TEXT("\n"));
}

static bool goes_on(struct text rest)
{
    return rest.length > 0 && (rest.bytes[0] == ' ' || rest.bytes[0] == '\t');
}

static size_t name_length(struct text line)
{
    size_t length = 0;
    while (length < line.length && line.bytes[length] > ' ' && line.bytes[length] < 0x7f && line.bytes[length] != ':')
        length++;
    return length < line.length && line.bytes[length] == ':' ? length : 0;
}

bool head_next(struct text *rest, struct head_field *result)
{
    struct text after = *rest;
    if (rest->length == 0)
        return false;
    struct text line = take_line(&after);
    if (is_empty(line))
        return false;
    *result = (struct head_field){.name = {line.bytes, name_length(line)}, .whole = line};
    while (goes_on(after))
        result->whole.length += take_line(&after).length;
    if (result->name.length > 0) {
        size_t before = result->name.length + 1;
        result->value = (struct text){result->whole.bytes + before, result->whole.length - before};
    }
    *rest = after;
    return true;
}

size_t head_unfold(struct text value, char *result, size_t size)
{
    size_t length = 0;
    bool space = false;
    value = text_trim(value);
    for (size_t i = 0; i < value.length && length + 2 < size; i++) {
        char c = value.bytes[i];
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            space = true;
            continue;
        }
        if (space && length > 0)
            result[length++] = ' ';
        space = false;
        result[length++] = (c > ' ' && c < 0x7f) ? c : '?';
    }
    result[length] = 0;
    return length;
}
