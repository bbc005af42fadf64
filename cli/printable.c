/* Names, reasons and customers come from spammers and from nodes that may be theirs: on the terminal of a person they
 * are to be text, never an escape that clears the screen, renames the window or makes a line look like another's. */
#include "cli/printable.h"

#include <stdlib.h>
#include <string.h>

/* U+200E and U+200F, U+2028 to U+202E, U+2066 to U+2069: marks of direction, and ends of lines. */
static bool is_turn(const unsigned char *at)
{
    if (at[0] != 0xe2)
        return false;
    return (at[1] == 0x80 && (at[2] == 0x8e || at[2] == 0x8f || (at[2] >= 0xa8 && at[2] <= 0xae))) ||
           (at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9);
}

/* Those bytes at `at`, of a string that ends with NUL, which are not to be shown; 0: what stands there may be. */
static size_t hidden_bytes(const unsigned char *at, bool lines)
{
    if (lines && (*at == '\n' || *at == '\t'))
        return 0;
    if (*at < ' ' || *at == 0x7f)
        return 1;
    if (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0)
        return 2;
    return is_turn(at) ? 3 : 0;
}

static void make_text(json_t *value, bool lines)
{
    char *copy = strdup(json_string_value(value));
    if (!copy)
        abort();
    char *to = copy;
    for (const char *from = copy; *from;) {
        size_t hidden = hidden_bytes((const unsigned char *)from, lines);
        *to++ = hidden ? '?' : *from;
        from += hidden ? hidden : 1;
    }
    *to = '\0';
    json_string_set(value, copy);
    free(copy);
}

static void make(json_t *value, bool lines)
{
    const char *key;
    json_t *part;
    size_t i;
    if (json_is_string(value))
        make_text(value, lines);
    json_object_foreach(value, key, part) make(part, lines && strcmp(key, "text") == 0);
    json_array_foreach(value, i, part) make(part, false);
}

void printable_make(json_t *record)
{
    const char *kind = json_string_value(json_object_get(record, "record"));
    make(record, kind && strcmp(kind, "settings") == 0);
}

bool printable_is(struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char at[4] = {0};
        memcpy(at, text.bytes + i, text.length - i < 3 ? text.length - i : 3);
        if (hidden_bytes(at, true))
            return false;
    }
    return true;
}
