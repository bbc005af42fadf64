/* See display.h. MIME (RFC 2045, 2046) in one pass over the lines: a list of the boundaries that are open, no tree,
 * no recursion. What is malformed is shown as the text that it is. */
#include "collector/quarantine/display.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "collector/quarantine/safe.h"
#include "common/cleanup.h"

#define DEPTH_MOST    8
#define PARTS_MOST    200
#define BOUNDARY_MOST 200
#define WORD_MOST     80
#define WIDTH         500               /* bytes of a line; longer ones are shown in several */
#define PART_MOST     ((size_t)1 << 20) /* bytes of one part that are decoded */

struct part {
    char type[WORD_MOST], charset[WORD_MOST], coding[WORD_MOST], name[WORD_MOST], boundary[BOUNDARY_MOST];
};

struct display {
    struct text rest; /* not looked at yet */
    struct buffer *out;
    bool full, behind; /* behind: the last part of several was ended */
    int parts;
    size_t depth;
    char boundaries[DEPTH_MOST][BOUNDARY_MOST];
};

/* --- lines out --- */

static void end_line(struct display *display, size_t start, bool fits)
{
    if (fits && buffer_append_byte(display->out, '\n'))
        return;
    display->out->length = start;
    display->full = true;
}

static void say(struct display *, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct display *display, const char *format, ...)
{
    char line[4 * WORD_MOST];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    size_t start = display->out->length;
    if (!display->full)
        end_line(display, start, safe_line(text_of(line), display->out)); /* names are hostile */
}

static void show_line(struct display *display, struct text line, const char *charset)
{
    if (line.length > 0 && line.bytes[line.length - 1] == '\r')
        line.length--;
    do {
        size_t length = line.length < WIDTH ? line.length : WIDTH, start = display->out->length;
        while (length > WIDTH - 4 && length < line.length && ((unsigned char)line.bytes[length] & 0xc0) == 0x80)
            length--; /* not in the middle of a character */
        if (display->full)
            return;
        end_line(display, start,
                 buffer_append(display->out, TEXT("| ")) &&
                     safe_bytes((struct text){line.bytes, length}, charset, display->out));
        line = (struct text){line.bytes + length, line.length - length};
    } while (line.length > 0);
}

static void show_text(struct display *display, struct text text, const char *charset)
{
    while (text.length > 0 && !display->full)
        show_line(display, text_split(&text, '\n'), charset);
}

/* --- transfer encodings --- */

static int digit_of(char byte)
{
    return byte >= '0' && byte <= '9'   ? byte - '0'
           : byte >= 'A' && byte <= 'F' ? byte - 'A' + 10
           : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10
                                        : -1;
}

static bool decode_quoted(struct text text, struct buffer *out)
{
    bool fits = true;
    while (text.length > 0 && fits) {
        const char *at = text.bytes;
        size_t taken = 1;
        int high = at[0] == '=' && text.length > 2 ? digit_of(at[1]) : -1, low = high >= 0 ? digit_of(at[2]) : -1;
        if (low >= 0)
            taken = 3;
        else if (at[0] == '=' && text.length > 1 && at[1] == '\n')
            taken = 2;
        else if (at[0] == '=' && text.length > 2 && at[1] == '\r' && at[2] == '\n')
            taken = 3;
        if (low >= 0 || taken == 1)
            fits = buffer_append_byte(out, low >= 0 ? (char)(high << 4 | low) : at[0]);
        text.bytes += taken;
        text.length -= taken;
    }
    return fits;
}

static bool decode_base64(struct text text, struct buffer *out)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    unsigned count = 0;
    for (size_t i = 0; i < text.length && text.bytes[i] != '='; i++) {
        const char *found = text.bytes[i] ? strchr(letters, text.bytes[i]) : NULL;
        if (!found)
            continue;
        bits = bits << 6 | (uint32_t)(found - letters);
        count += 6;
        if (count < 8)
            continue;
        count -= 8;
        if (!buffer_append_byte(out, (char)(bits >> count & 0xff)))
            return false;
    }
    return true;
}

/* --- header fields --- */

/* The value of a parameter of Content-Type or Content-Disposition (RFC 2045 5.1), with or without quotes. */
static void read_parameter(struct text field, const char *name, char *result, size_t size)
{
    size_t length = strlen(name);
    for (; field.length > length; field.bytes++, field.length--) {
        if (strncasecmp(field.bytes, name, length) != 0 || field.bytes[length] != '=' ||
            !strchr("; \t\r\n", field.bytes[-1]))
            continue;
        struct text value = {field.bytes + length + 1, field.length - length - 1};
        bool quoted = value.length > 0 && value.bytes[0] == '"';
        size_t to = 0;
        for (size_t i = quoted; i < value.length && to + 1 < size; i++) {
            if (quoted ? value.bytes[i] == '"' : strchr("; \t\r\n", value.bytes[i]) != NULL)
                break;
            result[to++] = value.bytes[i];
        }
        result[to] = '\0';
        return;
    }
}

static void read_field(struct part *part, struct text field)
{
    struct text value = field, name = text_split(&value, ':');
    value = text_trim(value);
    struct text word = value;
    word = text_trim(text_split(&word, ';'));
    if (text_equals_nocase(name, TEXT("Content-Type")) && part->type[0] == '\0') {
        text_copy_printable(word, part->type, sizeof part->type);
        read_parameter(value, "boundary", part->boundary, sizeof part->boundary);
        read_parameter(value, "charset", part->charset, sizeof part->charset);
        read_parameter(value, "name", part->name, sizeof part->name);
    } else if (text_equals_nocase(name, TEXT("Content-Transfer-Encoding"))) {
        text_copy_printable(word, part->coding, sizeof part->coding);
    } else if (text_equals_nocase(name, TEXT("Content-Disposition"))) {
        read_parameter(value, "filename", part->name, sizeof part->name);
    }
}

/* The field that `rest` begins with, its continuations with it. */
static struct text take_field(struct text *rest)
{
    struct text field = *rest;
    do
        text_split(rest, '\n');
    while (rest->length > 0 && (rest->bytes[0] == ' ' || rest->bytes[0] == '\t'));
    field.length -= rest->length;
    return field;
}

static bool is_empty(struct text rest)
{
    return rest.length == 0 || rest.bytes[0] == '\n' ||
           (rest.length > 1 && rest.bytes[0] == '\r' && rest.bytes[1] == '\n');
}

static bool is_field(struct text rest)
{
    struct text line = text_split(&rest, '\n');
    const char *colon = memchr(line.bytes, ':', line.length);
    for (const char *at = line.bytes; colon && at < colon; at++)
        if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f)
            return false;
    return colon && colon > line.bytes;
}

static void take_head(struct display *display, struct part *part, bool shown)
{
    *part = (struct part){.type = ""};
    while (!is_empty(display->rest) && is_field(display->rest)) {
        struct text field = take_field(&display->rest);
        read_field(part, field);
        if (shown)
            show_text(display, field, NULL);
    }
    if (is_empty(display->rest) && display->rest.length > 0)
        text_split(&display->rest, '\n');
    if (part->type[0] == '\0')
        strcpy(part->type, "text/plain");
}

/* --- bodies --- */

/* Which of the open boundaries the line is, from the innermost, counted from 1; 0: none. */
static size_t boundary_at(const struct display *display, struct text line, bool *last)
{
    line = text_trim(line);
    if (line.length < 2 || line.bytes[0] != '-' || line.bytes[1] != '-')
        return 0;
    for (size_t i = display->depth; i > 0; i--) {
        size_t length = strlen(display->boundaries[i - 1]);
        if (line.length < length + 2 || memcmp(line.bytes + 2, display->boundaries[i - 1], length) != 0)
            continue;
        *last = line.length == length + 4 && memcmp(line.bytes + length + 2, "--", 2) == 0;
        if (*last || line.length == length + 2)
            return i;
    }
    return 0;
}

/* What stands before the next boundary; with it the parts that it ends are over. */
static struct text take_body(struct display *display)
{
    struct text body = display->rest;
    while (display->rest.length > 0) {
        size_t before = display->rest.length;
        bool last = false;
        size_t found = boundary_at(display, text_split(&display->rest, '\n'), &last);
        if (found) {
            display->depth = last ? found - 1 : found;
            display->behind = last;
            body.length -= before;
            return body;
        }
    }
    return body;
}

static void show_body(struct display *display, const struct part *part, struct text body)
{
    CLEANUP(buffer_clear) struct buffer plain;
    bool whole = true;
    buffer_init(&plain, PART_MOST);
    if (strncasecmp(part->type, "text/", 5) != 0) {
        char name[WORD_MOST];
        text_copy_printable(text_of(part->name), name, sizeof name);
        say(display, "[%s%s%s%s, %zu bytes as they were sent; not shown]", part->type, name[0] ? " \"" : "", name,
            name[0] ? "\"" : "", body.length);
        return;
    }
    if (strcasecmp(part->type, "text/plain") != 0)
        say(display, "[%s, %zu bytes as they were sent]", part->type, body.length);
    if (strcasecmp(part->coding, "quoted-printable") == 0)
        whole = decode_quoted(body, &plain);
    else if (strcasecmp(part->coding, "base64") == 0)
        whole = decode_base64(body, &plain);
    else {
        show_text(display, body, part->charset);
        return;
    }
    show_text(display, buffer_text(&plain), part->charset);
    if (!whole)
        say(display, "[%s: more than %zu bytes, the rest is not shown]", part->type, PART_MOST);
}

static void show_part(struct display *display, const struct part *part)
{
    bool many = strncasecmp(part->type, "multipart/", 10) == 0 && part->boundary[0];
    if (many && display->depth < DEPTH_MOST) {
        strcpy(display->boundaries[display->depth++], part->boundary);
        take_body(display); /* what stands before the first part is for readers without MIME */
        return;
    }
    if (many)
        say(display, "[%s: more than %d within each other]", part->type, DEPTH_MOST);
    show_body(display, part, take_body(display));
}

/* What stands behind the last part of several is no part. */
static void pass_over(struct display *display)
{
    display->behind = false;
    struct text body = take_body(display);
    if (text_trim(body).length > 0)
        say(display, "[%zu bytes behind the last part; not shown]", body.length);
}

bool display_message(struct text content, struct buffer *out)
{
    struct display display = {.rest = content, .out = out};
    struct part part;
    bool head = true; /* of a message: shown whole; of other parts what is of use is told */
    while (display.rest.length > 0 && !display.full && display.parts < PARTS_MOST) {
        display.parts++;
        if (display.behind) {
            pass_over(&display);
            continue;
        }
        take_head(&display, &part, head);
        if (head)
            say(&display, "%s", "");
        head = strcasecmp(part.type, "message/rfc822") == 0;
        if (head)
            say(&display, "[%s: a message within the message]", part.type);
        else
            show_part(&display, &part);
    }
    if (display.rest.length > 0)
        say(&display, "[%zu bytes more, not shown]", display.rest.length);
    return !display.full && display.rest.length == 0;
}
