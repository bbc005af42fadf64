/* Whether a text has the form of settings, for whoever hands them on without knowing what may stand in them. */
#include <errno.h>
#include <string.h>

#include "common/option.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_utf8(struct text text)
{
    while (text.length > 0) {
        size_t taken = text_utf8_sequence(text);
        if (taken == 0)
            return false;
        text = (struct text){text.bytes + taken, text.length - taken};
    }
    return true;
}

/* NULL: the line is one that settings may have. */
static const char *fault_of(struct text line, bool *in_section, bool *in_list)
{
    struct text rest = text_trim(line);
    for (size_t i = 0; i < line.length; i++)
        if ((unsigned char)line.bytes[i] < ' ' && !is_space(line.bytes[i]))
            return "a control character stands in it";
    if (!is_utf8(line))
        return "it is not UTF-8";
    if (rest.length == 0 || rest.bytes[0] == '#' || rest.bytes[0] == ';')
        return NULL;
    if (is_space(line.bytes[0]))
        return *in_list ? NULL : "it is indented but nothing stands above it; keys begin at the line's start";
    if (rest.bytes[0] == '[') {
        *in_section = true;
        *in_list = false;
        return memchr(rest.bytes, ']', rest.length) ? NULL : "a section without its end; \"[section]\"";
    }
    if (!memchr(rest.bytes, '=', rest.length) && !memchr(rest.bytes, ':', rest.length))
        return "it is no section, key or comment; allowed are \"[section]\", \"key = value\" and \"# comment\"";
    *in_list = true;
    return *in_section ? NULL : "a key stands before any section";
}

int options_check_form(struct text text, const char *name, struct error *error)
{
    bool in_section = false, in_list = false;
    if (text_starts_nocase(text, TEXT("\xef\xbb\xbf"))) /* a byte order mark, as the reader has it */
        text = (struct text){text.bytes + 3, text.length - 3};
    for (int line = 1; text.length > 0; line++) {
        const char *fault = fault_of(text_split(&text, '\n'), &in_section, &in_list);
        if (fault)
            return error_set(error, EINVAL, "%s:%d: %s", name, line, fault);
    }
    return 0;
}
