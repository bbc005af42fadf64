/* See columns.h. */
#include "cli/columns.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/text.h"

#define COLUMNS_MOST 16
#define CELL         96

struct row {
    struct row *next;
    int colour;
    char cells[COLUMNS_MOST][CELL];
};

struct columns {
    const char *headings[COLUMNS_MOST];
    size_t width[COLUMNS_MOST];
    size_t count, at;
    struct row *first, **last, *current;
};

/* Characters, not bytes: continuation bytes of UTF-8 take no room on the screen. */
static size_t shown_length(const char *text)
{
    size_t length = 0;
    for (; *text; text++)
        length += ((unsigned char)*text & 0xc0) != 0x80;
    return length;
}

struct columns *columns_create(const char *const *headings)
{
    struct columns *columns = calloc(1, sizeof *columns);
    if (!columns)
        abort();
    for (; headings[columns->count] && columns->count < COLUMNS_MOST; columns->count++) {
        columns->headings[columns->count] = headings[columns->count];
        columns->width[columns->count] = shown_length(headings[columns->count] + (headings[columns->count][0] == '>'));
    }
    columns->last = &columns->first;
    columns->at = columns->count;
    return columns;
}

void columns_destroy(struct columns **columns)
{
    if (!*columns)
        return;
    while ((*columns)->first) {
        struct row *next = (*columns)->first->next;
        free((*columns)->first);
        (*columns)->first = next;
    }
    free(*columns);
    *columns = NULL;
}

/* What did not find room ends with a whole character. */
static void cut_whole(char *cell)
{
    size_t end = strlen(cell), last = end;
    while (last > 0 && ((unsigned char)cell[last - 1] & 0xc0) == 0x80)
        last--;
    if (last > 0 && text_utf8_sequence((struct text){cell + last - 1, end - last + 1}) == 0)
        cell[last - 1] = '\0';
}

void columns_add(struct columns *columns, const char *format, ...)
{
    if (columns->at == columns->count) {
        columns->current = calloc(1, sizeof *columns->current);
        if (!columns->current)
            abort();
        *columns->last = columns->current;
        columns->last = &columns->current->next;
        columns->at = 0;
    }
    char *cell = columns->current->cells[columns->at];
    va_list arguments;
    va_start(arguments, format);
    int wanted = vsnprintf(cell, CELL, format, arguments);
    va_end(arguments);
    if (wanted >= CELL)
        cut_whole(cell);
    size_t length = shown_length(cell);
    if (length > columns->width[columns->at])
        columns->width[columns->at] = length;
    columns->at++;
}

void columns_paint(struct columns *columns, int colour)
{
    if (columns->current)
        columns->current->colour = colour;
}

static void print_cell(const char *text, size_t width, bool right, bool last)
{
    int blanks = (int)(width - shown_length(text));
    if (right)
        printf("%*s%s", blanks, "", text);
    else if (last)
        printf("%s", text);
    else
        printf("%s%*s", text, blanks, "");
    printf("%s", last ? "\n" : "  ");
}

void columns_print(const struct columns *columns, bool colour, bool headings)
{
    paint_begin(colour && headings, 1);
    for (size_t i = 0; headings && i < columns->count; i++) {
        bool right = columns->headings[i][0] == '>';
        if (i + 1 == columns->count)
            paint_end(colour, 1);
        print_cell(columns->headings[i] + right, columns->width[i], right, i + 1 == columns->count);
    }
    for (const struct row *row = columns->first; row; row = row->next) {
        paint_begin(colour, row->colour);
        for (size_t i = 0; i < columns->count; i++) {
            if (i + 1 == columns->count)
                paint_end(colour, row->colour);
            print_cell(row->cells[i], columns->width[i], columns->headings[i][0] == '>', i + 1 == columns->count);
        }
    }
}

const char *field_text(const json_t *record, const char *key)
{
    const char *text = json_string_value(json_object_get(record, key));
    return text ? text : "";
}

int64_t field_integer(const json_t *record, const char *key)
{
    return json_integer_value(json_object_get(record, key));
}

double field_number(const json_t *record, const char *key)
{
    return json_number_value(json_object_get(record, key));
}

bool field_true(const json_t *record, const char *key)
{
    return json_is_true(json_object_get(record, key));
}

moment field_moment(const json_t *record, const char *key)
{
    moment time = 0;
    return moment_parse(text_of(field_text(record, key)), &time) ? time : 0;
}

const char *clock_print(moment when, char result[CLOCK_TEXT])
{
    if (when == 0)
        return strcpy(result, "-");
    time_t seconds = (time_t)(when / SECOND), now = time(NULL);
    struct tm then, today;
    localtime_r(&seconds, &then);
    localtime_r(&now, &today);
    bool same_day = then.tm_year == today.tm_year && then.tm_yday == today.tm_yday;
    strftime(result, CLOCK_TEXT, same_day ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &then);
    return result;
}

const char *amount_print(uint64_t amount, char result[16])
{
    static const char units[] = " kMGTPE";
    unsigned unit = 0;
    uint64_t tenths = amount * 10;
    if (amount < 10000) {
        snprintf(result, 16, "%u", (unsigned)amount);
        return result;
    }
    for (tenths = amount / 100, unit = 1; tenths >= 10000 && unit + 1 < sizeof units - 1; unit++)
        tenths /= 1000;
    snprintf(result, 16, "%u.%u%c", (unsigned)(tenths / 10), (unsigned)(tenths % 10), units[unit]);
    return result;
}

int verdict_colour(const char *verdict)
{
    static const struct {
        const char *name;
        int colour;
    } colours[] = {{"block", 31}, {"divert", 35}, {"throttle", 33}, {"alert", 36}};
    for (size_t i = 0; i < sizeof colours / sizeof colours[0]; i++)
        if (strcmp(colours[i].name, verdict) == 0)
            return colours[i].colour;
    return 0;
}

const char *verdict_sentence(const char *verdict)
{
    static const struct {
        const char *verdict, *sentence;
    } sentences[] = {
        {"block", "is blocked: no connection of its own to a mail port goes out; mail to it still arrives"},
        {"throttle", "is slowed down: only a few new mail connections a minute go out"},
        {"divert", "is diverted: its mail goes through the relay"},
        {"alert", "is being watched closely; nothing is held back"},
    };
    for (size_t i = 0; i < sizeof sentences / sizeof sentences[0]; i++)
        if (strcmp(sentences[i].verdict, verdict) == 0)
            return sentences[i].sentence;
    return "is clear: nothing is held back";
}

void paint_begin(bool colour, int number)
{
    if (colour && number)
        printf("\033[%dm", number);
}

void paint_end(bool colour, int number)
{
    if (colour && number)
        printf("\033[0m");
}
