/* See csv.h. */
#include "collector/report/csv.h"

#include <inttypes.h>
#include "collector/report/shape.h"
#include "common/csv_field.h"

static const char *const own[] = {"sums", "waits"};
#define OWN (sizeof own / sizeof own[0])

const char *csv_table_name(size_t i)
{
    return i < OWN ? own[i] : i - OWN < shape_list_count ? shape_lists[i - OWN].name : NULL;
}

bool csv_table_is_known(const char *table)
{
    size_t i = 0;
    while (csv_table_name(i) && strcmp(csv_table_name(i), table) != 0)
        i++;
    return csv_table_name(i) != NULL;
}

/* --- fields --- */

static bool begin(struct buffer *out, bool is_first)
{
    return is_first || buffer_append_byte(out, ',');
}

bool csv_put_words(struct buffer *out, const char *words, bool is_first)
{
    return begin(out, is_first) && csv_field_put(out, text_of(words));
}

bool csv_put_number(struct buffer *out, int64_t number, bool is_first)
{
    return begin(out, is_first) && buffer_printf(out, "%" PRId64, number);
}

bool csv_put_moment(struct buffer *out, moment when, bool is_first)
{
    char text[MOMENT_TEXT];
    return begin(out, is_first) && (when == 0 || buffer_append(out, text_of(moment_print(when, text))));
}

bool csv_end_line(struct buffer *out)
{
    return buffer_append(out, TEXT("\r\n"));
}

/* --- tables --- */

/* Periods of which nothing is known have empty fields. */
static bool write_sums(const struct report *report, struct buffer *out)
{
    bool good = csv_put_words(out, "measure", true);
    for (size_t i = 0; i < REPORT_PAST && good; i++)
        good = csv_put_words(out, report->past[i].name, false);
    good = good && csv_end_line(out);
    for (int sum = 0; sum < REPORT_SUMS && good; sum++) {
        good = csv_put_words(out, report_sum_name((enum report_sum)sum), true);
        for (size_t i = 0; i < REPORT_PAST && good; i++)
            good = report->past[i].is_known ? csv_put_number(out, report->past[i].sums[sum], false)
                                            : csv_put_words(out, "", false);
        good = good && csv_end_line(out);
    }
    return good;
}

static bool write_waits(const struct report *report, struct buffer *out)
{
    bool good = buffer_append(out, TEXT("waited,complaints\r\n"));
    for (int i = 0; i < REPORT_WAITS && good; i++)
        good = csv_put_words(out, report_wait_name((enum report_wait)i), true) &&
               csv_put_number(out, report->waits[i], false) && csv_end_line(out);
    return good;
}

static bool write_field(const struct shape_column *column, const char *row, bool is_first, struct buffer *out)
{
    const void *at = row + column->offset;
    return column->type == SHAPE_WORDS    ? csv_put_words(out, at, is_first)
           : column->type == SHAPE_MOMENT ? csv_put_moment(out, *(const moment *)at, is_first)
           : column->type == SHAPE_TRUTH  ? csv_put_words(out, *(const bool *)at ? "yes" : "no", is_first)
                                          : csv_put_number(out, *(const int64_t *)at, is_first);
}

static bool write_list(const struct report *report, const struct shape_list *list, struct buffer *out)
{
    bool good = true;
    for (const struct shape_column *column = list->columns; column->name && good; column++)
        good = csv_put_words(out, column->name, column == list->columns);
    good = good && csv_end_line(out);
    for (size_t i = 0; i < shape_count(report, list) && good; i++) {
        for (const struct shape_column *column = list->columns; column->name && good; column++)
            good = write_field(column, shape_row(report, list, i), column == list->columns, out);
        good = good && csv_end_line(out);
    }
    return good;
}

bool csv_write(const struct report *report, const char *table, struct buffer *out)
{
    if (strcmp(table, own[0]) == 0)
        return write_sums(report, out);
    if (strcmp(table, own[1]) == 0)
        return write_waits(report, out);
    for (size_t i = 0; i < shape_list_count; i++)
        if (strcmp(table, shape_lists[i].name) == 0)
            return write_list(report, &shape_lists[i], out);
    return false;
}
