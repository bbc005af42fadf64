/* See access_text.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include "detectors/access_text.h"

bool access_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct text trim(struct text text)
{
    while (text.length > 0 && access_is_space(text.bytes[0])) {
        text.bytes++;
        text.length--;
    }
    while (text.length > 0 && access_is_space(text.bytes[text.length - 1]))
        text.length--;
    return text;
}

struct text access_word(struct text *rest)
{
    struct text text = trim(*rest), word = {text.bytes, 0};
    while (word.length < text.length && !access_is_space(text.bytes[word.length]))
        word.length++;
    *rest = trim((struct text){text.bytes + word.length, text.length - word.length});
    return word;
}

void access_lines_init(struct access_lines *lines, struct text name, struct text content)
{
    *lines = (struct access_lines){.name = name, .rest = content};
    buffer_init(&lines->line, ACCESS_LINE_MOST);
}

void access_lines_clear(struct access_lines *lines)
{
    buffer_clear(&lines->line);
}

int access_lines_fail(const struct access_lines *lines, struct error *error, const char *format, ...)
{
    char text[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    size_t shown = lines->name.length < 100 ? lines->name.length : 100;
    return error_set(error, EINVAL, "%.*s:%u: %s", (int)shown, lines->name.bytes, lines->number, text);
}

static bool is_left_out(struct text line)
{
    struct text inner = trim(line);
    return inner.length == 0 || inner.bytes[0] == '#';
}

static int append(struct access_lines *lines, struct text line, struct error *error)
{
    if (lines->line.length + line.length > ACCESS_LINE_MOST)
        return access_lines_fail(lines, error, "the line has more than %u bytes; split it into several entries",
                                 ACCESS_LINE_MOST);
    if (!buffer_append(&lines->line, line))
        return error_set(error, ENOMEM, "no memory to read %.*s", (int)lines->name.length, lines->name.bytes);
    return 0;
}

int access_lines_next(struct access_lines *lines, struct text *result, struct error *error)
{
    buffer_drop_front(&lines->line, lines->line.length);
    while (lines->rest.length > 0) {
        struct text rest = lines->rest, line = text_split(&rest, '\n');
        bool indented = line.length > 0 && access_is_space(line.bytes[0]);
        if (lines->line.length > 0 && !indented && !is_left_out(line))
            break; /* the next entry begins */
        lines->rest = rest;
        lines->read++;
        if (is_left_out(line))
            continue;
        if (lines->line.length == 0) {
            lines->number = lines->read;
            if (indented)
                return access_lines_fail(
                    lines, error,
                    "the first entry begins with white space, which would go on with a line above; "
                    "remove it");
        }
        if (memchr(line.bytes, '\0', line.length)) {
            lines->number = lines->read;
            return access_lines_fail(lines, error, "the line holds a zero byte; is this the text that postmap reads?");
        }
        while (line.length > 0 && access_is_space(line.bytes[line.length - 1]))
            line.length--;
        int failed = append(lines, line, error);
        if (failed)
            return failed;
    }
    *result = buffer_text(&lines->line);
    return lines->line.length > 0;
}

static bool is_digits(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.bytes[i] < '0' || text.bytes[i] > '9')
            return false;
    return text.length > 0;
}

/* "5.7.1" and the like at the beginning of a reply's text. */
static bool is_enhanced_code(struct text word)
{
    if (word.length < 5 || (word.bytes[0] != '4' && word.bytes[0] != '5') || word.bytes[1] != '.')
        return false;
    size_t separators = 0;
    for (size_t i = 0; i < word.length; i++) {
        separators += word.bytes[i] == '.';
        if (word.bytes[i] != '.' && (word.bytes[i] < '0' || word.bytes[i] > '9'))
            return false;
    }
    return separators == 2;
}

/* "12", "2.5": 0 to 100 points with at most two digits behind the point. */
static bool read_points(struct text text, points *result)
{
    struct text behind = text;
    struct text whole = text_split(&behind, '.');
    uint64_t number, part = 0;
    if (whole.length > 3 || !text_number(whole, &number) || number > 100)
        return false;
    if (whole.length < text.length) {
        if (behind.length > 2 || !text_number(behind, &part))
            return false;
        if (behind.length == 1)
            part *= 10;
    }
    if (number * 100 + part > 10000)
        return false;
    *result = (points)(number * 100 + part);
    return true;
}

static enum access_action action_of(struct text word)
{
    static const struct {
        const char *word;
        enum access_action action;
    } actions[] = {
        {"OK", ACCESS_ALLOWED},
        {"RELAY", ACCESS_ALLOWED},
        {"PERMIT", ACCESS_ALLOWED},
        {"REJECT", ACCESS_REJECTED},
        {"DISCARD", ACCESS_REJECTED},
        {"HOLD", ACCESS_REJECTED},
        {"WARN", ACCESS_WARNED},
        {"DEFER", ACCESS_WARNED},
        {"DEFER_IF_PERMIT", ACCESS_WARNED},
        {"DEFER_IF_REJECT", ACCESS_WARNED},
    };
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
        if (text_equals_nocase(word, text_of(actions[i].word)))
            return actions[i].action;
    if (!is_digits(word))
        return ACCESS_PASSED;
    if (word.length == 3 && word.bytes[0] == '5')
        return ACCESS_REJECTED;
    if (word.length == 3 && word.bytes[0] == '4')
        return ACCESS_WARNED;
    return ACCESS_ALLOWED;
}

const char *access_action_read(struct text words, enum access_action *action, points *weight, struct text *text)
{
    struct text rest = words;
    struct text word = access_word(&rest);
    if (word.length == 0)
        return "the entry has no action; write one behind it, such as REJECT or OK";
    *action = action_of(word);
    *weight = -1;
    if (*action == ACCESS_WARNED || *action == ACCESS_REJECTED) {
        struct text behind = rest;
        if (is_enhanced_code(access_word(&behind)))
            rest = behind;
        behind = rest;
        word = access_word(&behind);
        if (text_starts_nocase(word, TEXT("points="))) {
            if (!read_points((struct text){word.bytes + 7, word.length - 7}, weight))
                return "points= is no number from 0 to 100 with at most two digits behind the point; write points=12.5";
            rest = behind;
        }
    }
    *text = rest;
    return NULL;
}
