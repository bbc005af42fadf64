/* What is printed from the option tables: the example file, the manual page's OPTIONS, the values in force. Because all
 * come from the same entries as the parser, they cannot drift apart. */
#include <string.h>
#include "common/option_value.h"

#define WIDTH 100 /* of the example file's comments */

static bool append(struct buffer *out, const char *string)
{
    return buffer_append(out, text_of(string));
}

/* Words filled into lines of `WIDTH`, each under "# ". */
static bool print_comment(struct buffer *out, const char *string)
{
    struct text rest = text_of(string);
    size_t column = 0;
    while (rest.length > 0) {
        struct text word = text_split(&rest, ' ');
        if (word.length == 0)
            continue;
        bool wrap = column == 0 || column + 1 + word.length > WIDTH;
        if (!append(out, !wrap ? " " : column == 0 ? "# " : "\n# ") || !buffer_append(out, word))
            return false;
        column = wrap ? 2 + word.length : column + 1 + word.length;
    }
    return append(out, "\n");
}

/* The section's head, where it is another than the one before. */
static bool print_section(struct buffer *out, const char **section, const struct option *option)
{
    if (*section && strcmp(*section, option->section) == 0)
        return true;
    bool first = !*section;
    *section = option->section;
    return buffer_printf(out, "%s[%s]\n", first ? "" : "\n", option->section);
}

static bool print_example_option(struct buffer *out, const struct option *option)
{
    char allowed[OPTION_ALLOWED];
    if (!append(out, "\n") || (option->text && !print_comment(out, option->text)))
        return false;
    if (!buffer_printf(out, "# Allowed: %s.%s\n", option_value_allowed(option, allowed),
                       option->reload ? "" : " Takes effect on restart."))
        return false;
    const char *preset = option->preset ? option->preset : "";
    return buffer_printf(out, "#%s =%s%s\n", option->key, *preset ? " " : "", preset);
}

bool options_print_example(const struct option_binding *bindings, struct buffer *out)
{
    const char *section = NULL;
    if (!append(out, "# What stands here commented out is preset. Keys begin at the line's start; a list may go on in\n"
                     "# indented lines. \"#\" and \";\" begin a comment.\n\n"))
        return false;
    for (const struct option_binding *binding = bindings; binding->options; binding++) {
        bool described = !binding->text;
        for (const struct option *option = binding->options; option->key; option++) {
            if (!print_section(out, &section, option))
                return false;
            if (!described && !print_comment(out, binding->text))
                return false;
            described = true;
            if (!print_example_option(out, option))
                return false;
        }
    }
    return true;
}

/* Running text for mdoc: one sentence a line, nothing that roff would take for a request. */
static bool print_prose(struct buffer *out, const char *string)
{
    bool line_start = true;
    for (const char *at = string; *at; at++) {
        if (line_start && (*at == ' ' || *at == '\n'))
            continue;
        if (line_start && (*at == '.' || *at == '\'') && !append(out, "\\&"))
            return false;
        line_start = false;
        if (*at == '\\' ? !append(out, "\\e") : !buffer_append_byte(out, *at))
            return false;
        bool upper_follows = at[0] && at[1] == ' ' && at[2] >= 'A' && at[2] <= 'Z';
        if ((*at == '.' || *at == '?') && upper_follows) {
            if (!append(out, "\n"))
                return false;
            line_start = true;
        }
        if (*at == '\n')
            line_start = true;
    }
    return line_start || append(out, "\n");
}

static const char *argument_of(enum option_type type)
{
    static const char *const names[] = {
        [OPTION_FLAG] = "flag",          [OPTION_COUNT] = "number",   [OPTION_BYTES] = "size",
        [OPTION_DURATION] = "duration",  [OPTION_POINTS] = "points",  [OPTION_RATIO] = "ratio",
        [OPTION_CHOICE] = "choice",      [OPTION_TEXT] = "text",      [OPTION_ADDRESSES] = "prefix ...",
        [OPTION_NUMBERS] = "number ...", [OPTION_WORDS] = "word ...", [OPTION_DURATIONS] = "duration ...",
    };
    _Static_assert(sizeof names / sizeof names[0] == OPTION_TYPES, "every type has an argument");
    return names[type];
}

static bool print_manual_option(struct buffer *out, const struct option *option)
{
    char allowed[OPTION_ALLOWED];
    const char *preset = option->preset ? option->preset : "";
    if (!buffer_printf(out, ".It Ic %s No = Ar %s\n", option->key, argument_of(option->type)) ||
        (option->text && !print_prose(out, option->text)))
        return false;
    if (!append(out, "Allowed: ") || !print_prose(out, option_value_allowed(option, allowed)))
        return false;
    /* End the sentence on the line that print_prose() has ended. */
    out->length--;
    if (!append(out, ".\n"))
        return false;
    if (*preset ? !buffer_printf(out, "Preset: ") || !print_prose(out, preset) : !append(out, "Preset: nothing\n"))
        return false;
    out->length--;
    return append(out, option->reload ? ".\n" : ".\nTakes effect on restart.\n");
}

bool options_print_manual(const struct option_binding *bindings, struct buffer *out)
{
    const char *section = NULL;
    for (const struct option_binding *binding = bindings; binding->options; binding++) {
        bool described = !binding->text;
        for (const struct option *option = binding->options; option->key; option++) {
            if (!section || strcmp(section, option->section) != 0) {
                if (!buffer_printf(out, "%s.Ss [%s]\n", section ? ".El\n" : "", option->section) ||
                    (!described && !print_prose(out, binding->text)) || !append(out, ".Bl -tag -width Ds\n"))
                    return false;
                described = true;
                section = option->section;
            }
            if (!print_manual_option(out, option))
                return false;
        }
    }
    return !section || append(out, ".El\n");
}

bool options_print_values(const struct option_binding *bindings, struct buffer *out)
{
    const char *section = NULL;
    for (const struct option_binding *binding = bindings; binding->options; binding++) {
        for (const struct option *option = binding->options; option->key; option++) {
            if (!print_section(out, &section, option) || !buffer_printf(out, "%s = ", option->key))
                return false;
            size_t before = out->length;
            if (!option_value_print(option, binding->settings, out))
                return false;
            if (out->length == before)
                out->length--; /* nothing: no blank at the line's end either */
            if (!append(out, "\n"))
                return false;
        }
    }
    return true;
}
