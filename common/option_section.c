/* Which sections a configuration has, for whoever lets its sections be named by the administrator. */
#include <errno.h>
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

int options_named(struct text configuration, const char *source, const char *prefix,
                  int (*add)(void *, struct text name, struct error *), void *context, struct error *error)
{
    struct text section, before = text_of(prefix);
    int line = 0, status = 0;
    while (status == 0 && options_next_section(&configuration, &section, &line)) {
        if (section.length < before.length || memcmp(section.bytes, before.bytes, before.length) != 0)
            continue;
        status = add(context, (struct text){section.bytes + before.length, section.length - before.length}, error);
        if (status < 0)
            error_wrap(error, "%s:%d", source, line);
    }
    return status;
}

int options_check_name(const char *whose, struct text name, size_t size, const char *taken, struct error *error)
{
    bool good = name.length > 0 && name.length < size && !text_equals_nocase(name, text_of(taken));
    for (size_t i = 0; good && i < name.length; i++)
        good = name.bytes[i] &&
               strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", name.bytes[i]) != NULL;
    return good ? 0
                : error_set(
                      error, EINVAL,
                      "the %s's name is wrong; letters, digits, \"-\", \"_\" and \".\" are allowed, up to %zu, and "
                      "not \"%s\"",
                      whose, size - 1, taken);
}

void options_copy(const struct option *table, const char *section, struct option *copy)
{
    do {
        *copy = *table;
        copy->section = section;
        copy++;
    } while (table++->key);
}
