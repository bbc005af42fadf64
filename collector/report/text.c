/* See text.h. */
#include "collector/report/text.h"

#include <stdlib.h>
#include <string.h>
#include "collector/report/sheet.h"
#include "collector/report/summary.h"
#include "collector/report/wording.h"
#include "common/cleanup.h"

#define WIDTH      78
#define GAP        2
#define NAME_LEAST 12 /* columns that a column of words keeps, however little room there is */

/* What is being written. Once something failed, nothing more is. */
struct page {
    struct buffer *out;
    bool is_good;
};

static void put(struct page *page, const char *text)
{
    page->is_good = page->is_good && buffer_append(page->out, text_of(text));
}

static void put_some(struct page *page, const char *text, size_t length)
{
    page->is_good = page->is_good && buffer_append(page->out, (struct text){text, length});
}

static void put_times(struct page *page, char byte, size_t times)
{
    for (size_t i = 0; i < times && page->is_good; i++)
        page->is_good = buffer_append_byte(page->out, byte);
}

/* As many columns as it has letters: what is wider on a terminal only moves what stands behind it. */
static size_t columns_of(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

/* The bytes of its first so many letters. */
static size_t bytes_of(const char *text, size_t columns)
{
    size_t length = 0;
    while (text[length] && (columns > 0 || ((unsigned char)text[length] & 0xc0) == 0x80)) {
        columns -= ((unsigned char)text[length] & 0xc0) != 0x80;
        length++;
    }
    return length;
}

/* Words in lines of WIDTH columns: `first` stands before the first one, as many spaces before the others. */
static void put_wrapped(struct page *page, const char *first, const char *text)
{
    size_t indent = strlen(first), at = indent;
    put(page, first);
    while (*text) {
        size_t length = strcspn(text, " ");
        char word[SUMMARY_LINE];
        size_t kept = length < sizeof(word) ? length : sizeof(word) - 1;
        memcpy(word, text, kept);
        word[kept] = '\0';
        size_t wide = columns_of(word);
        if (at > indent && at + 1 + wide > WIDTH) {
            put(page, "\n");
            put_times(page, ' ', indent);
            at = indent;
        }
        if (at > indent) {
            put(page, " ");
            at++;
        }
        put_some(page, text, length);
        at += wide;
        text += length + strspn(text + length, " ");
    }
    put(page, "\n");
}

static void put_title(struct page *page, const char *title, char line)
{
    put(page, "\n");
    put(page, title);
    put(page, "\n");
    put_times(page, line, columns_of(title));
    put(page, "\n");
}

/* --- tables --- */

/* How wide each column is, before anything is written. */
struct measure {
    const struct sheet *sheet;
    size_t widths[SHEET_COLUMNS], rows;
    size_t spaces; /* that stand before what is written next: none do at the end of a line */
    struct page *page;
};

static void widen(struct measure *measure, size_t column, const char *text)
{
    size_t wide = columns_of(text);
    measure->widths[column] = wide > measure->widths[column] ? wide : measure->widths[column];
}

static void measure_row(void *context, const char *const *cells, enum sheet_mark mark)
{
    struct measure *measure = context;
    (void)mark;
    for (size_t i = 0; i < measure->sheet->column_count; i++)
        widen(measure, i, cells[i]);
    measure->rows++;
}

/* Where it is wider than a line the widest columns of words give way. */
static void fit(struct measure *measure)
{
    for (;;) {
        size_t all = 0, widest = SHEET_COLUMNS;
        for (size_t i = 0; i < measure->sheet->column_count; i++) {
            all += measure->widths[i] + (i > 0 ? GAP : 0);
            if (!measure->sheet->columns[i].is_number && measure->widths[i] > NAME_LEAST &&
                (widest == SHEET_COLUMNS || measure->widths[i] > measure->widths[widest]))
                widest = i;
        }
        if (all <= WIDTH || widest == SHEET_COLUMNS)
            return;
        measure->widths[widest]--;
    }
}

static void put_word(struct measure *measure, const char *text, size_t length)
{
    if (length == 0)
        return;
    put_times(measure->page, ' ', measure->spaces);
    put_some(measure->page, text, length);
    measure->spaces = 0;
}

/* A word that is too long ends in "..". */
static void put_cell(struct measure *measure, size_t column, const char *text)
{
    size_t width = measure->widths[column], wide = columns_of(text);
    bool is_number = measure->sheet->columns[column].is_number;
    measure->spaces += column > 0 ? GAP : 0;
    if (wide > width) {
        put_word(measure, text, bytes_of(text, width - 2));
        put(measure->page, "..");
        return;
    }
    measure->spaces += is_number ? width - wide : 0;
    put_word(measure, text, strlen(text));
    measure->spaces += is_number ? 0 : width - wide;
}

static void print_row(void *context, const char *const *cells, enum sheet_mark mark)
{
    struct measure *measure = context;
    (void)mark;
    size_t last = measure->sheet->column_count;
    for (size_t i = 0; i < last; i++)
        put_cell(measure, i, cells[i]);
    put(measure->page, "\n");
    measure->spaces = 0;
}

static void put_columns(struct measure *measure)
{
    const char *titles[SHEET_COLUMNS];
    for (size_t i = 0; i < measure->sheet->column_count; i++)
        titles[i] = measure->sheet->columns[i].title;
    print_row(measure, titles, MARK_PLAIN);
    for (size_t i = 0; i < measure->sheet->column_count; i++) {
        put_times(measure->page, ' ', i > 0 ? GAP : 0);
        put_times(measure->page, '-', measure->widths[i]);
    }
    put(measure->page, "\n");
}

static void put_sheet(struct page *page, const struct report *report, const struct calendar_zone *zone, size_t which)
{
    struct sheet sheet;
    sheet_head(report, which, &sheet);
    struct measure measure = {.sheet = &sheet, .page = page};
    for (size_t i = 0; i < sheet.column_count; i++)
        widen(&measure, i, sheet.columns[i].title);
    sheet_rows(report, zone, which, measure_row, &measure);
    if (measure.rows == 0 && sheet.empty == NULL)
        return;
    put_title(page, sheet.title, '-');
    if (measure.rows == 0) {
        put_wrapped(page, "", sheet.empty);
        return;
    }
    fit(&measure);
    put_columns(&measure);
    sheet_rows(report, zone, which, print_row, &measure);
    if (sheet.more[0])
        put_wrapped(page, "", sheet.more);
    if (sheet.about[0])
        put_wrapped(page, "  ", sheet.about);
}

/* --- the whole --- */

static void put_summary(struct page *page, const struct summary *summary)
{
    put_wrapped(page, "", summary->headline);
    put(page, "\n");
    for (size_t i = 0; i < summary->count; i++) {
        const struct summary_line *line = &summary->lines[i];
        put_wrapped(page, line->mark == MARK_BAD ? " ! " : line->mark == MARK_GOOD ? " + " : " - ", line->text);
    }
}

bool report_text(const struct report *report, const struct calendar_zone *zone, struct buffer *buffer)
{
    struct page page = {.out = buffer, .is_good = true};
    char period[WORDING], span[2 * WORDING], made[WORDING];
    struct summary *summary = malloc(sizeof(*summary));
    if (summary == NULL)
        return false;
    report_summarize(report, zone, summary);
    wording_period(zone, &report->period, period);
    put(&page, period);
    put(&page, "\n");
    put_times(&page, '=', columns_of(period));
    put(&page, "\n");
    put(&page, wording_span(zone, &report->period, span));
    put(&page, "\n\n");
    put_summary(&page, summary);
    free(summary);
    for (size_t i = 0; i < sheet_count(); i++)
        put_sheet(&page, report, zone, i);
    put(&page, "\n-- \nPostern, ");
    put(&page, wording_moment(zone, report->made, made));
    put(&page, " ");
    put(&page, calendar_zone_name(zone));
    put(&page, "\n");
    return page.is_good;
}
