/* See visible.h. Elements that are hidden end with the end tag of the same name at the same depth of that name; one
 * that never ends hides all that follows, as it does on a screen. */
#include "collector/mime/visible.h"

#include <stdint.h>
#include <stdlib.h>

#define NAME_MOST 16

struct pass {
    struct text rest;
    struct buffer *result;
    char hidden[NAME_MOST]; /* the element whose end is waited for; empty: none */
    uint32_t depth;         /* of elements of that name within it */
    bool full;
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

static void skip(struct pass *pass, size_t bytes)
{
    pass->rest.bytes += bytes;
    pass->rest.length -= bytes;
}

static void put(struct pass *pass, struct text text)
{
    if (!pass->hidden[0] && !buffer_append(pass->result, text))
        pass->full = true;
}

/* --- character references --- */

static void put_character(struct pass *pass, uint32_t number)
{
    char bytes[4];
    size_t length = 0;
    if (number < 0x80) {
        bytes[length++] = (char)(number < ' ' ? ' ' : number);
    } else if (number < 0x800) {
        bytes[length++] = (char)(0xc0 | number >> 6);
        bytes[length++] = (char)(0x80 | (number & 0x3f));
    } else if (number < 0x10000) {
        bytes[length++] = (char)(0xe0 | number >> 12);
        bytes[length++] = (char)(0x80 | (number >> 6 & 0x3f));
        bytes[length++] = (char)(0x80 | (number & 0x3f));
    } else {
        bytes[length++] = (char)(0xf0 | number >> 18);
        bytes[length++] = (char)(0x80 | (number >> 12 & 0x3f));
        bytes[length++] = (char)(0x80 | (number >> 6 & 0x3f));
        bytes[length++] = (char)(0x80 | (number & 0x3f));
    }
    put(pass, (struct text){bytes, length});
}

/* Those that stand in words and between them; any other is a sign, which the normal form leaves out. */
static const struct reference {
    const char *name;
    uint32_t number;
} references[] = {
    {"nbsp", ' '},    {"amp", '&'},     {"lt", '<'},      {"gt", '>'},      {"quot", '"'},    {"apos", '\''},
    {"auml", 0xe4},   {"ouml", 0xf6},   {"uuml", 0xfc},   {"Auml", 0xc4},   {"Ouml", 0xd6},   {"Uuml", 0xdc},
    {"szlig", 0xdf},  {"agrave", 0xe0}, {"aacute", 0xe1}, {"acirc", 0xe2},  {"atilde", 0xe3}, {"aring", 0xe5},
    {"aelig", 0xe6},  {"ccedil", 0xe7}, {"egrave", 0xe8}, {"eacute", 0xe9}, {"ecirc", 0xea},  {"euml", 0xeb},
    {"igrave", 0xec}, {"iacute", 0xed}, {"icirc", 0xee},  {"iuml", 0xef},   {"ntilde", 0xf1}, {"ograve", 0xf2},
    {"oacute", 0xf3}, {"ocirc", 0xf4},  {"otilde", 0xf5}, {"oslash", 0xf8}, {"ugrave", 0xf9}, {"uacute", 0xfa},
    {"ucirc", 0xfb},
};

static void take_reference(struct pass *pass)
{
    struct text text = {pass->rest.bytes + 1, pass->rest.length - 1};
    size_t length = 0, most = text.length < 10 ? text.length : 10;
    char name[12];
    while (length < most &&
           (is_letter(text.bytes[length]) || (text.bytes[length] >= '0' && text.bytes[length] <= '9') ||
            (length == 0 && text.bytes[length] == '#'))) {
        name[length] = text.bytes[length];
        length++;
    }
    name[length] = '\0';
    uint32_t number = length == 0 ? '&' : ' ';
    if (name[0] == '#') {
        bool hexadecimal = name[1] == 'x' || name[1] == 'X';
        unsigned long given = strtoul(name + 1 + hexadecimal, NULL, hexadecimal ? 16 : 10);
        number = given > 0 && given < 0x110000 && (given < 0xd800 || given > 0xdfff) ? (uint32_t)given : ' ';
    }
    for (size_t i = 0; i < sizeof references / sizeof references[0]; i++)
        if (strcmp(name, references[i].name) == 0)
            number = references[i].number;
    if (number == 0x200b || number == 0x200c || number == 0x200d || number == 0xad || number == 0xfeff)
        number = 0; /* takes no room on a screen: a way to break words up */
    skip(pass, 1 + length + (length < text.length && length > 0 && text.bytes[length] == ';'));
    if (number)
        put_character(pass, number);
}

/* --- tags --- */

/* Without an element's end tag. */
static bool is_void(const char *name)
{
    static const char *const names[] = {"area",  "base", "br",   "col",    "embed", "hr", "img",
                                        "input", "link", "meta", "source", "track", "wbr"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Stands within a line: its tags part no words. */
static bool is_inline(const char *name)
{
    static const char *const names[] = {"a",    "abbr", "b",     "big",  "em",     "font", "i",  "ins",
                                        "mark", "s",    "small", "span", "strong", "u",    "wbr"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static bool is_never_seen(const char *name)
{
    return strcmp(name, "script") == 0 || strcmp(name, "style") == 0 || strcmp(name, "title") == 0 ||
           strcmp(name, "template") == 0 || strcmp(name, "noscript") == 0;
}

/* `wanted` in small letters; spaces of the text do not count. */
static bool contains(struct text text, const char *wanted)
{
    size_t matched = 0, length = strlen(wanted), begin = 0;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.bytes[i];
        if (is_space(c) && matched > 0)
            continue;
        char small = (char)(c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c);
        if (small == wanted[matched]) {
            begin = matched++ == 0 ? i : begin;
            if (matched == length)
                return true;
        } else if (matched > 0) {
            i = begin; /* short patterns: this is no way to take long */
            matched = 0;
        }
    }
    return false;
}

static bool is_hidden(struct text attributes)
{
    return contains(attributes, "display:none") || contains(attributes, "visibility:hidden") ||
           contains(attributes, "font-size:0px") || contains(attributes, "font-size:0;") ||
           contains(attributes, "font-size:0\"") || contains(attributes, "font-size:1px") ||
           contains(attributes, "opacity:0;") || contains(attributes, "opacity:0\"") ||
           contains(attributes, "mso-hide:all");
}

static size_t tag_length(struct text text)
{
    char quote = '\0';
    for (size_t i = 1; i < text.length && i < 16384; i++) {
        char c = text.bytes[i];
        if (quote)
            quote = c == quote ? '\0' : quote;
        else if ((c == '"' || c == '\'') && text.bytes[i - 1] == '=')
            quote = c;
        else if (c == '>')
            return i + 1;
    }
    const char *end = memchr(text.bytes, '>', text.length); /* a quote that does not end */
    return end ? (size_t)(end - text.bytes) + 1 : text.length;
}

static void begin_element(struct pass *pass, const char *name, struct text attributes)
{
    bool closes_itself = attributes.length > 0 && attributes.bytes[attributes.length - 1] == '/';
    if (pass->hidden[0]) {
        pass->depth += strcmp(name, pass->hidden) == 0;
    } else if (!is_void(name) && !closes_itself && (is_never_seen(name) || is_hidden(attributes))) {
        memcpy(pass->hidden, name, NAME_MOST);
        pass->depth = 1;
    }
}

static void end_element(struct pass *pass, const char *name)
{
    if (pass->hidden[0] && strcmp(name, pass->hidden) == 0 && --pass->depth == 0)
        pass->hidden[0] = '\0';
}

static void take_tag(struct pass *pass)
{
    size_t length = tag_length(pass->rest), at = 1, named = 0;
    struct text tag = {pass->rest.bytes, length};
    bool ends = length > 1 && tag.bytes[1] == '/';
    char name[NAME_MOST] = "";
    for (at += ends; at < length && named < NAME_MOST - 1 && !is_space(tag.bytes[at]) && tag.bytes[at] != '>' &&
                     tag.bytes[at] != '/';
         at++)
        name[named++] =
            (char)(tag.bytes[at] >= 'A' && tag.bytes[at] <= 'Z' ? tag.bytes[at] + 'a' - 'A' : tag.bytes[at]);
    if (!is_inline(name))
        put(pass, TEXT(" "));
    if (ends)
        end_element(pass, name);
    else
        begin_element(pass, name,
                      (struct text){tag.bytes + at, length > at ? length - at - (tag.bytes[length - 1] == '>') : 0});
    skip(pass, length);
}

static void take_comment(struct pass *pass)
{
    const char *end = memmem(pass->rest.bytes, pass->rest.length, "-->", 3);
    skip(pass, end ? (size_t)(end + 3 - pass->rest.bytes) : pass->rest.length);
}

bool visible_text(struct text html, struct buffer *result)
{
    struct pass pass = {.rest = html, .result = result};
    while (pass.rest.length > 0 && !pass.full) {
        struct text rest = pass.rest;
        char next = rest.length > 1 ? rest.bytes[1] : '\0';
        if (rest.bytes[0] == '&') {
            take_reference(&pass);
        } else if (rest.length >= 4 && memcmp(rest.bytes, "<!--", 4) == 0) {
            take_comment(&pass);
        } else if (rest.bytes[0] == '<' && (is_letter(next) || next == '/' || next == '!' || next == '?')) {
            take_tag(&pass);
        } else {
            size_t length = 1;
            while (length < rest.length && rest.bytes[length] != '<' && rest.bytes[length] != '&')
                length++;
            put(&pass, (struct text){rest.bytes, length});
            skip(&pass, length);
        }
    }
    return !pass.full;
}
