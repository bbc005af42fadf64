/* See csv_field.h. */
#include "common/csv_field.h"

/* Whether a cell that begins there would be a formula. Some quotes or spaces before it are taken off by some. */
static bool begins_formula(struct text rest)
{
    size_t at = 0;
    while (at < rest.length && (rest.bytes[at] == '"' || rest.bytes[at] == ' '))
        at++;
    return at < rest.length && memchr("=+-@\t\r", rest.bytes[at], 6) != NULL;
}

static bool put_quoted(struct buffer *out, struct text words, bool is_formula)
{
    bool good = buffer_append_byte(out, '"') && (!is_formula || buffer_append_byte(out, '\''));
    for (size_t i = 0; i < words.length && good; i++) {
        struct text rest = {words.bytes + i + 1, words.length - i - 1};
        char byte = words.bytes[i];
        good = (byte != '"' || buffer_append_byte(out, '"')) && buffer_append_byte(out, byte);
        if ((byte == ';' || byte == '\t') && begins_formula(rest))
            good = good && buffer_append_byte(out, '\'');
    }
    return good && buffer_append_byte(out, '"');
}

bool csv_field_put(struct buffer *out, struct text words)
{
    bool is_formula = words.length > 0 && memchr("=+-@\t\r", words.bytes[0], 6) != NULL;
    bool is_plain = !is_formula;
    for (size_t i = 0; i < words.length && is_plain; i++)
        is_plain = memchr(",;\"\t\r\n", words.bytes[i], 6) == NULL;
    return is_plain ? buffer_append(out, words) : put_quoted(out, words, is_formula);
}
