/* See numbers_json.h. */
#include <jansson.h> /* before our own writer of JSON */

#include "collector/report/numbers_json.h"

#include <errno.h>
#include <stdio.h>
#include "collector/report/shape.h"
#include "common/cleanup.h"
#include "common/json.h"

/* --- writing --- */

static void write_row(struct json *json, const struct shape_column *columns, const char *row)
{
    json_object_open(json, NULL);
    for (; columns->name; columns++) {
        const void *at = row + columns->offset;
        if (columns->type == SHAPE_WORDS)
            json_string(json, columns->name, at);
        else if (columns->type == SHAPE_TRUTH)
            json_bool(json, columns->name, *(const bool *)at);
        else if (columns->type == SHAPE_MOMENT)
            json_moment(json, columns->name, *(const moment *)at);
        else
            json_integer(json, columns->name, *(const int64_t *)at);
    }
    json_object_close(json);
}

static void write_past(struct json *json, const struct report_past *past)
{
    json_object_open(json, NULL);
    json_string(json, "period", past->name);
    json_moment(json, "begin", past->begin);
    json_moment(json, "end", past->end);
    json_bool(json, "known", past->is_known);
    for (int i = 0; i < REPORT_SUMS; i++)
        json_integer(json, report_sum_name((enum report_sum)i), past->sums[i]);
    json_object_close(json);
}

bool numbers_json_write(const struct report *report, struct buffer *out)
{
    struct json json = json_begin(out);
    json_string(&json, "record", "report");
    json_string(&json, "kind", calendar_kind_name(report->period.kind));
    json_string(&json, "period", report->period.name);
    json_string(&json, "zone", report->zone);
    json_moment(&json, "begin", report->period.begin);
    json_moment(&json, "end", report->period.end);
    json_moment(&json, "made", report->made);
    json_bool(&json, "over", report->is_over);
    json_bool(&json, "cut", report->is_cut);
    json_integer(&json, "repeaters_all", report->repeaters_all);
    json_integer(&json, "nodes_all", report->nodes_all);
    json_integer(&json, "waited_most", report->waited_most);
    json_object_open(&json, "waits");
    for (int i = 0; i < REPORT_WAITS; i++)
        json_integer(&json, report_wait_name((enum report_wait)i), report->waits[i]);
    json_object_close(&json);
    json_array_open(&json, "past");
    for (size_t i = 0; i < REPORT_PAST; i++)
        write_past(&json, &report->past[i]);
    json_array_close(&json);
    for (size_t i = 0; i < shape_list_count; i++) {
        const struct shape_list *list = &shape_lists[i];
        json_array_open(&json, list->name);
        for (size_t j = 0; j < shape_count(report, list); j++)
            write_row(&json, list->columns, shape_row(report, list, j));
        json_array_close(&json);
    }
    return json_end(&json);
}

/* --- reading --- */

static void read_words(const json_t *value, char *result, size_t size)
{
    const char *words = json_string_value(value);
    snprintf(result, size, "%s", words ? words : "");
}

static moment read_moment(const json_t *value)
{
    moment when = 0;
    const char *words = json_string_value(value);
    return words && moment_parse(text_of(words), &when) ? when : 0;
}

static int64_t read_number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static void read_row(const json_t *object, const struct shape_column *columns, char *row)
{
    for (; columns->name; columns++) {
        const json_t *value = json_object_get(object, columns->name);
        void *at = row + columns->offset;
        if (columns->type == SHAPE_WORDS)
            read_words(value, at, columns->size);
        else if (columns->type == SHAPE_TRUTH)
            *(bool *)at = json_is_true(value);
        else if (columns->type == SHAPE_MOMENT)
            *(moment *)at = read_moment(value);
        else
            *(int64_t *)at = json_integer_value(value);
    }
}

static void read_past(const json_t *object, struct report_past *past)
{
    read_words(json_object_get(object, "period"), past->name, sizeof past->name);
    past->begin = read_moment(json_object_get(object, "begin"));
    past->end = read_moment(json_object_get(object, "end"));
    past->is_known = json_is_true(json_object_get(object, "known"));
    for (int i = 0; i < REPORT_SUMS; i++)
        past->sums[i] = read_number(object, report_sum_name((enum report_sum)i));
}

static bool read_head(const json_t *object, struct report *report)
{
    const char *kind = json_string_value(json_object_get(object, "kind"));
    if (kind == NULL || !calendar_kind_parse(text_of(kind), &report->period.kind))
        return false;
    read_words(json_object_get(object, "period"), report->period.name, sizeof report->period.name);
    read_words(json_object_get(object, "zone"), report->zone, sizeof report->zone);
    report->period.begin = read_moment(json_object_get(object, "begin"));
    report->period.end = read_moment(json_object_get(object, "end"));
    report->made = read_moment(json_object_get(object, "made"));
    report->is_over = json_is_true(json_object_get(object, "over"));
    report->is_cut = json_is_true(json_object_get(object, "cut"));
    report->repeaters_all = read_number(object, "repeaters_all");
    report->nodes_all = read_number(object, "nodes_all");
    report->waited_most = read_number(object, "waited_most");
    const json_t *waits = json_object_get(object, "waits");
    for (int i = 0; i < REPORT_WAITS; i++)
        report->waits[i] = read_number(waits, report_wait_name((enum report_wait)i));
    return report->period.begin > 0 &&
           report->period.begin <= report->period.end; /* a day may be left out: Samoa, 2011 */
}

static void read_lists(const json_t *object, struct report *report)
{
    const json_t *past = json_object_get(object, "past");
    for (size_t i = 0; i < REPORT_PAST && i < json_array_size(past); i++)
        read_past(json_array_get(past, i), &report->past[i]);
    for (size_t i = 0; i < shape_list_count; i++) {
        const struct shape_list *list = &shape_lists[i];
        const json_t *rows = json_object_get(object, list->name);
        size_t count = json_array_size(rows) < list->most ? json_array_size(rows) : list->most;
        for (size_t j = 0; j < count; j++)
            read_row(json_array_get(rows, j), list->columns, (char *)report + list->rows + j * list->size);
        *(size_t *)(void *)((char *)report + list->count) = count;
    }
}

static void drop(json_t **object)
{
    json_decref(*object);
}

int numbers_json_read(struct text text, struct report *report, struct error *error)
{
    json_error_t why;
    CLEANUP(drop) json_t *object = json_loadb(text.length ? text.bytes : "", text.length, 0, &why);
    if (!json_is_object(object))
        return error_set(error, EBADMSG, "these are no numbers of a report: %s", object ? "no object" : why.text);
    *report = (struct report){0};
    if (!read_head(object, report))
        return error_set(error, EBADMSG, "these are no numbers of a report: it has no period");
    read_lists(object, report);
    return 0;
}
