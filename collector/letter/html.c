/* See html.h. */
#include "collector/letter/html.h"

#include "collector/letter/plain.h"
#include "common/cleanup.h"

static struct text reference(char byte)
{
    switch (byte) {
    case '&':
        return TEXT("&amp;");
    case '<':
        return TEXT("&lt;");
    case '>':
        return TEXT("&gt;");
    case '"':
        return TEXT("&quot;");
    case '\'':
        return TEXT("&#39;");
    default:
        return TEXT("");
    }
}

bool html_escape(struct text text, struct buffer *result)
{
    CLEANUP(buffer_clear) struct buffer plain;
    buffer_init(&plain, 3 * text.length + 1); /* a broken byte becomes three */
    if (!plain_lines(text, &plain))
        return false;
    struct text rest = buffer_text(&plain);
    while (rest.length > 0) {
        size_t run = 0;
        while (run < rest.length && reference(rest.bytes[run]).length == 0)
            run++;
        if (!buffer_append(result, (struct text){rest.bytes, run}) ||
            (run < rest.length && !buffer_append(result, reference(rest.bytes[run]))))
            return false;
        run += run < rest.length;
        rest.bytes += run;
        rest.length -= run;
    }
    return true;
}
