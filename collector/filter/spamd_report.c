/* The table within a report of SpamAssassin's. Its template is the site's to write, in any language, and may quote the
 * message, of which every word is a stranger's. So a table is believed where it can be nothing else: below the one line
 * of dashes that heads it, up to the next empty line, and no line in it that spamd would not write. */
#include "collector/filter/spamd_report.h"

#include <stdlib.h>

#define ROWS_MOST     512 /* rules that matched; a message of spam has some thirty */
#define INDENT_MOST   20  /* spaces before a row's points, with what a template puts before them */
#define NAME_COLUMN   22  /* as wide as the dashes over the names */
#define POINTS_COLUMN 3   /* ... and over the points, at least */

struct row {
    struct text name;
    int32_t points; /* hundredths, as rounded for people */
};

/* " ---- ---------------------- -----------": spamd takes ten dashes in succession out of what it quotes of a message.
 */
static bool is_ruler(struct text line)
{
    line = text_trim(line);
    for (size_t i = 0; i < line.length; i++)
        if (line.bytes[i] != '-' && line.bytes[i] != ' ')
            return false;
    struct text points = text_split(&line, ' '), names = text_split(&line, ' ');
    return points.length >= POINTS_COLUMN && names.length >= NAME_COLUMN && line.length > 0;
}

static bool is_rule_name(struct text name)
{
    for (size_t i = 0; i < name.length; i++) {
        char c = name.bytes[i];
        if (!(c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (i > 0 && c >= '0' && c <= '9')))
            return false;
    }
    return name.length > 0 && name.length < OPINION_SYMBOL_MOST;
}

/* " 0.5 NAME  BODY: what it means". */
static bool read_row(struct text line, struct row *row)
{
    struct text rest = text_trim(line);
    struct text points = text_split(&rest, ' ');
    row->name = text_split(&rest, ' ');
    return opinion_parse_score(points, &row->points) && is_rule_name(row->name);
}

/* What follows below a row: the rest of its description, or what matched, in brackets. */
static bool is_continuation(struct text line, size_t indent)
{
    return indent > INDENT_MOST || (indent < line.length && line.bytes[indent] == '[');
}

/* -1: no table. */
static int read_rows(struct text table, struct row rows[ROWS_MOST])
{
    int count = 0;
    while (table.length > 0) {
        struct text line = text_split(&table, '\n');
        size_t indent = 0;
        if (text_trim(line).length == 0)
            break;
        while (indent < line.length && line.bytes[indent] == ' ')
            indent++;
        if (count > 0 && is_continuation(line, indent))
            continue;
        if (count == ROWS_MOST || !read_row(line, &rows[count]))
            return -1;
        count++;
    }
    return count;
}

static int weightier_first(const void *a, const void *b)
{
    const struct row *one = a, *other = b;
    int32_t weight = abs(one->points), than = abs(other->points);
    if (weight != than)
        return weight > than ? -1 : 1;
    return one->name.bytes < other->name.bytes ? -1 : one->name.bytes > other->name.bytes;
}

bool spamd_read_report(const struct filter_settings *settings, struct text report, struct opinion *result)
{
    struct row rows[ROWS_MOST];
    struct text table = {0};
    unsigned rulers = 0;
    while (report.length > 0)
        if (is_ruler(text_split(&report, '\n'))) {
            table = report;
            rulers++;
        }
    /* Of two, one is not spamd's. */
    int count = rulers == 1 ? read_rows(table, rows) : -1;
    if (count < 0)
        return false;
    qsort(rows, (size_t)count, sizeof rows[0], weightier_first);
    for (int i = 0; i < count; i++)
        filter_add_symbol(settings, rows[i].name, result);
    return true;
}
