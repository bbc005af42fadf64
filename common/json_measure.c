/* See json_measure.h. */
#include "common/json_measure.h"

struct json_measure json_measure(struct text text)
{
    struct json_measure result = {0, 1};
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.length; i++) {
        char byte = text.bytes[i];
        if (quoted && byte == '\\')
            i++;
        else if (byte == '"')
            quoted = !quoted;
        else if (!quoted && (byte == '{' || byte == '['))
            depth++;
        else if (!quoted && (byte == '}' || byte == ']'))
            depth -= depth > 0;
        if (!quoted && (byte == ',' || byte == '{' || byte == '['))
            result.values++;
        if (depth > result.depth)
            result.depth = depth;
    }
    return result;
}
