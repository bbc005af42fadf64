/* What is printed from the option tables: the example file, the manual page's OPTIONS, the values in force. Because all
 * come from the same entries as the parser, they cannot drift apart. */
#include <string.h>
#include "common/option_value.h"

#define WIDTH        100 /* of the example file's comments */
#define MANUAL_WIDTH 78
#define CENTRAL      "A collector may set what stands here."
#define NOT_CENTRAL  "Not by a collector."

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

/* A paragraph on the section. */
static bool print_comments(struct buffer *out, const struct option_binding *binding)
{
    return (!binding->text || print_comment(out, binding->text)) && (!binding->central || print_comment(out, CENTRAL));
}

static bool print_example_option(struct buffer *out, const struct option_binding *binding, const struct option *option)
{
    char allowed[OPTION_ALLOWED];
    if (!append(out, "\n") || (option->text && !print_comment(out, option->text)))
        return false;
    if (!buffer_printf(out, "# Allowed: %s.%s%s\n", option_value_allowed(option, allowed),
                       option->reload ? "" : " Takes effect on restart.",
                       binding->central && option->local ? " " NOT_CENTRAL : ""))
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
        bool described = false;
        for (const struct option *option = binding->options; option->key; option++) {
            if (!print_section(out, &section, option))
                return false;
            if (!described && !print_comments(out, binding))
                return false;
            described = true;
            if (!print_example_option(out, binding, option))
                return false;
        }
    }
    return true;
}

/* A word of running text for roff: no escape in it, and at the start of a line no request. */
static bool print_word(struct buffer *out, struct text word, bool starts_line)
{
    if (starts_line && (word.bytes[0] == '.' || word.bytes[0] == '\'') && !append(out, "\\&"))
        return false;
    for (size_t i = 0; i < word.length; i++)
        if (word.bytes[i] == '\\' ? !append(out, "\\e") : !buffer_append_byte(out, word.bytes[i]))
            return false;
    return true;
}

static bool ends_sentence(struct text word)
{
    char last = word.bytes[word.length - 1];
    return last == '.' || last == '?';
}

/* Running text for mdoc: every sentence begins a line, and lines stay short. `end` closes the last one. */
static bool print_prose(struct buffer *out, const char *lead, const char *string, const char *end)
{
    size_t column = strlen(lead);
    bool sentence_ended = false;
    struct text rest = text_of(string);
    if (!append(out, lead))
        return false;
    while (rest.length > 0) {
        struct text word = text_split(&rest, ' ');
        if (word.length == 0)
            continue;
        bool upper = word.bytes[0] >= 'A' && word.bytes[0] <= 'Z';
        bool new_line = column > 0 && ((sentence_ended && upper) || column + 1 + word.length > MANUAL_WIDTH);
        if (column > 0 && !append(out, new_line ? "\n" : " "))
            return false;
        column = new_line || column == 0 ? word.length : column + 1 + word.length;
        if (!print_word(out, word, column == word.length))
            return false;
        sentence_ended = ends_sentence(word);
    }
    return append(out, end) && append(out, "\n");
}

static const char *argument_of(enum option_type type)
{
    static const char *const names[] = {
        [OPTION_FLAG] = "flag",          [OPTION_COUNT] = "number",   [OPTION_BYTES] = "size",
        [OPTION_DURATION] = "duration",  [OPTION_POINTS] = "points",  [OPTION_RATIO] = "ratio",
        [OPTION_CHOICE] = "choice",      [OPTION_TEXT] = "text",      [OPTION_ADDRESSES] = "prefix ...",
        [OPTION_NUMBERS] = "number ...", [OPTION_WORDS] = "word ...", [OPTION_DURATIONS] = "duration ...",
        [OPTION_URLS] = "URL ...",
    };
    _Static_assert(sizeof names / sizeof names[0] == OPTION_TYPES, "every type has an argument");
    return names[type];
}

static bool print_paragraph(struct buffer *out, const struct option_binding *binding)
{
    return (!binding->text || print_prose(out, "", binding->text, "")) &&
           (!binding->central || print_prose(out, "", CENTRAL, ""));
}

static bool print_manual_option(struct buffer *out, const struct option_binding *binding, const struct option *option)
{
    char allowed[OPTION_ALLOWED];
    const char *preset = option->preset ? option->preset : "";
    return buffer_printf(out, ".It Ic %s No = Ar %s\n", option->key, argument_of(option->type)) &&
           (!option->text || print_prose(out, "", option->text, "")) &&
           print_prose(out, "Allowed:", option_value_allowed(option, allowed), ".") &&
           print_prose(out, "Preset:", *preset ? preset : "nothing", ".") &&
           (option->reload || append(out, "Takes effect on restart.\n")) &&
           (!binding->central || !option->local || append(out, NOT_CENTRAL "\n"));
}

bool options_print_manual(const struct option_binding *bindings, struct buffer *out)
{
    const char *section = NULL;
    for (const struct option_binding *binding = bindings; binding->options; binding++) {
        bool described = false;
        for (const struct option *option = binding->options; option->key; option++) {
            if (!section || strcmp(section, option->section) != 0) {
                if (!buffer_printf(out, "%s.Ss Section %s\n", section ? ".El\n" : "", option->section) ||
                    (!described && !print_paragraph(out, binding)) || !append(out, ".Bl -tag -width Ds\n"))
                    return false;
                described = true;
                section = option->section;
            }
            if (!print_manual_option(out, binding, option))
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
