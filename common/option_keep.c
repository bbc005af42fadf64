/* At a reload: what takes effect on restart alone stays as it is, and is said. So all processes agree, also those that
 * are started anew after the reload. */
#include "common/option.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/option_value.h"

#define VALUE_MOST 4096

static void name_it(const struct option *option, char *names, size_t size)
{
    size_t length = strlen(names);
    snprintf(names + length, size - length, "%s[%s] %s", length ? ", " : "", option->section, option->key);
}

static int keep_one(const struct option *option, void *settings, const void *in_force, char *names, size_t size,
                    struct error *error)
{
    struct buffer now CLEANUP(buffer_clear), before CLEANUP(buffer_clear);
    buffer_init(&now, VALUE_MOST);
    buffer_init(&before, VALUE_MOST);
    if (!option_value_print(option, settings, &now) || !option_value_print(option, in_force, &before))
        return error_set(error, ENOMEM, "no memory for [%s] %s", option->section, option->key);
    if (text_equals(buffer_text(&now), buffer_text(&before)))
        return 0;
    name_it(option, names, size);
    return option_value_read(option, buffer_text(&before), false, settings, error);
}

int options_keep(const struct option_binding *bindings, const struct option_binding *in_force, char *names, size_t size,
                 struct error *error)
{
    names[0] = 0;
    for (; bindings->options && in_force->options; bindings++, in_force++)
        for (const struct option *option = bindings->options; option->key; option++) {
            int code =
                option->reload ? 0 : keep_one(option, bindings->settings, in_force->settings, names, size, error);
            if (code != 0)
                return code;
        }
    return 0;
}
