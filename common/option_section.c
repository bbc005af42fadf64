/* Which sections a configuration has, for whoever lets its sections be named by the administrator. */
#include <string.h>

#include "common/option.h"

bool options_next_section(struct text *rest, struct text *name, int *line)
{
    while (rest->length > 0) {
        struct text read = text_split(rest, '\n');
        ++*line;
        if (*line == 1 && text_starts_nocase(read, TEXT("\xef\xbb\xbf")))
            read = (struct text){read.bytes + 3, read.length - 3};
        if (read.length == 0 || read.bytes[0] != '[')
            continue;
        read = (struct text){read.bytes + 1, read.length - 1};
        if (!memchr(read.bytes, ']', read.length))
            continue; /* reading it will say so */
        *name = text_split(&read, ']');
        return true;
    }
    return false;
}
