/* Lines of "Name: value", as heads of messages, ARF and X-ARF have them. See taking.h. */
#include "collector/complaint/taking.h"

static struct text next_line(struct text *rest)
{
    const char *end = rest->length ? memchr(rest->bytes, '\n', rest->length) : NULL;
    size_t length = end ? (size_t)(end - rest->bytes) + 1 : rest->length;
    struct text line = {rest->bytes, length};
    *rest = (struct text){rest->bytes + length, rest->length - length};
    return line;
}

static bool is_folded(struct text rest)
{
    return rest.length > 0 && (rest.bytes[0] == ' ' || rest.bytes[0] == '\t');
}

/* Where the name ends; 0: it is no such line. */
static size_t name_length(struct text line)
{
    size_t length = 0;
    while (length < line.length && line.bytes[length] > ' ' && line.bytes[length] < 0x7f && line.bytes[length] != ':')
        length++;
    size_t end = length;
    while (end < line.length && (line.bytes[end] == ' ' || line.bytes[end] == '\t'))
        end++;
    return end < line.length && line.bytes[end] == ':' ? length : 0;
}

bool field_next(struct text *rest, struct field *result)
{
    while (rest->length > 0) {
        struct text line = next_line(rest);
        while (is_folded(*rest))
            line.length += next_line(rest).length; /* they stand behind each other */
        size_t length = name_length(line);
        if (length == 0)
            continue;
        const char *colon = memchr(line.bytes, ':', line.length);
        size_t before = (size_t)(colon + 1 - line.bytes);
        result->name = (struct text){line.bytes, length};
        result->value = text_trim((struct text){line.bytes + before, line.length - before});
        return true;
    }
    return false;
}

struct text head_of(struct text message, struct text *body)
{
    struct text rest = message;
    while (rest.length > 0) {
        const char *begin = rest.bytes;
        struct text line = next_line(&rest);
        if (text_trim(line).length == 0 && !(line.length > 0 && (line.bytes[0] == ' ' || line.bytes[0] == '\t'))) {
            if (body)
                *body = rest;
            return (struct text){message.bytes, (size_t)(begin - message.bytes)};
        }
    }
    if (body)
        *body = rest;
    return message;
}

struct text field_find(struct text head, const char *name)
{
    struct field field;
    while (field_next(&head, &field))
        if (text_equals_nocase(field.name, text_of(name)))
            return field.value;
    return TEXT("");
}
