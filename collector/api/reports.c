/* Reports of days, weeks and months. One of a period that is over is put together by the reader, for that may take
 * seconds, then kept by the writer, and answered with what is kept: whoever asks again is told the same. */
#include <jansson.h> /* before our own writer of JSON */

#include <errno.h>
#include <stdlib.h>
#include "collector/api/endpoint.h"
#include "collector/api/fleet.h"
#include "collector/api/lines.h"
#include "collector/api/means.h"
#include "collector/api/person.h"
#include "collector/post/reports.h"
#include "collector/report/csv.h"
#include "collector/report/drawings.h"
#include "collector/report/html.h"
#include "collector/report/numbers_json.h"
#include "collector/report/settings.h"
#include "collector/report/text.h"
#include "collector/store/reporting.h"
#include "common/cleanup.h"

#define KINDS_ALLOWED "day, week or month"

struct wish {
    struct calendar_period period;
    bool is_over; /* and its hour has come: it is kept */
};

/* --- what is kept --- */

static void add_kept(void *context, const struct store_report_row *row)
{
    struct lines *lines = context;
    struct json json = lines_record(lines, "kept");
    json_text(&json, "kind", row->kind);
    json_text(&json, "period", row->period);
    json_text(&json, "zone", row->zone);
    json_moment(&json, "made", row->made);
    lines_add(lines, &json);
}

int reports_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    uint32_t most = 100;
    if (!lines_most(exchange, "top", &most))
        return exchange_refuse(exchange, 400, "top: 1 to %d", LINES_MOST);
    struct lines lines = lines_begin(exchange);
    int status = store_reports(store, most, add_kept, &lines, error);
    return status < 0 ? status : lines_end(&lines, NULL);
}

/* --- which one is wanted --- */

/* `name`: NULL: the latest that is over; "now": the one that goes on. 0: refused. */
static int read_wish(struct exchange *exchange, const char *name, struct wish *wish)
{
    const struct calendar_zone *zone = exchange->means->zone;
    enum calendar_kind kind;
    moment now = exchange->arrived;
    if (!calendar_kind_parse(exchange->target, &kind))
        return exchange_refuse(exchange, 404, "there are reports of a " KINDS_ALLOWED);
    wish->period = calendar_period_at(zone, kind, now);
    if (name == NULL || *name == '\0')
        wish->period = calendar_period_from(zone, &wish->period, -1);
    else if (strcmp(name, "now") != 0 && !calendar_period_named(zone, kind, text_of(name), &wish->period))
        return exchange_refuse(exchange, 400, "period: such as %s, or now",
                               kind == CALENDAR_DAY    ? "2026-11-23"
                               : kind == CALENDAR_WEEK ? "2026-W48"
                                                       : "2026-11");
    if (wish->period.begin > now)
        return exchange_refuse(exchange, 404, "%s has not begun", wish->period.name);
    const struct report_settings *settings = exchange->means->reports;
    wish->is_over =
        wish->period.begin <= report_due(settings, zone, kind, now).begin && wish->period.end > now - settings->keep;
    return 1;
}

struct taken {
    struct buffer *numbers;
    bool has_failed;
};

static void take(void *context, struct text numbers)
{
    struct taken *taken = context;
    taken->has_failed = !buffer_append(taken->numbers, numbers);
}

/* 1: `numbers` is what is kept; 0: nothing is. */
static int find(struct store *store, const struct exchange *exchange, const struct wish *wish, struct buffer *numbers,
                struct error *error)
{
    struct taken taken = {numbers, false};
    int status = store_report_find(store, wish->period.kind, wish->period.name,
                                   calendar_zone_name(exchange->means->zone), take, &taken, error);
    return taken.has_failed ? error_set(error, ENOMEM, "no memory for a report") : status;
}

/* What the reader leaves for the writer. */
struct prepared {
    struct buffer numbers;
    bool is_new; /* it is to be kept */
};

void report_forget(struct exchange *exchange)
{
    struct prepared *prepared = exchange->prepared;
    if (prepared)
        buffer_clear(&prepared->numbers);
    free(prepared);
    exchange->prepared = NULL;
}

static int prepare(struct exchange *exchange, bool is_new, struct buffer *numbers, struct error *error)
{
    struct prepared *prepared = malloc(sizeof *prepared);
    if (prepared == NULL)
        return error_set(error, ENOMEM, "no memory for a report");
    report_forget(exchange);
    *prepared = (struct prepared){*numbers, is_new};
    buffer_init(numbers, NUMBERS_JSON_MOST);
    exchange->prepared = prepared;
    exchange->keeps = true;
    exchange->status = 200; /* of the second step */
    return 0;
}

/* 1: `report` and `numbers` are there; 0: a second step will have them. */
static int look(struct store *store, struct exchange *exchange, const struct wish *wish, struct report *report,
                struct buffer *numbers, struct error *error)
{
    int status = find(store, exchange, wish, numbers, error);
    if (status > 0)
        return numbers_json_read(buffer_text(numbers), report, error) < 0 ? -error->code : 1;
    if (status == 0)
        status = store_report_make(store, exchange->means->zone, &wish->period, exchange->arrived, report, error);
    if (status < 0)
        return status;
    if (!numbers_json_write(report, numbers))
        return error_set(error, ENOMEM, "no memory for a report");
    return wish->is_over ? prepare(exchange, true, numbers, error) : 1;
}

/* The same for what a reader has prepared, be it the moment before the period that was wanted has passed: it is kept,
 * if nobody else was quicker. */
static int take_prepared(struct store *store, struct exchange *exchange, struct report *report, struct buffer *numbers,
                         struct error *error)
{
    const struct prepared *prepared = exchange->prepared;
    int status = numbers_json_read(buffer_text(&prepared->numbers), report, error);
    if (status == 0 && prepared->is_new)
        status = store_report_keep(store, report, buffer_text(&prepared->numbers), error);
    else if (status == 0)
        status = buffer_append(numbers, buffer_text(&prepared->numbers)) ? 1 : -ENOMEM;
    if (status != 0)
        return status < 0 || !prepared->is_new || buffer_append(numbers, buffer_text(&prepared->numbers)) ? status
                                                                                                          : -ENOMEM;
    const struct wish wish = {.period = report->period};
    status = find(store, exchange, &wish, numbers, error);
    if (status > 0 && numbers_json_read(buffer_text(numbers), report, error) < 0)
        return -error->code;
    return status == 0 ? error_set(error, EAGAIN, "a report went as it was kept") : status;
}

static int get(struct store *store, struct exchange *exchange, const char *period, struct report *report,
               struct buffer *numbers, struct error *error)
{
    struct wish wish;
    if (exchange->step == STEP_KEEP && exchange->prepared)
        return take_prepared(store, exchange, report, numbers, error);
    return read_wish(exchange, period, &wish) ? look(store, exchange, &wish, report, numbers, error) : 0;
}

/* --- how it is told --- */

static bool write_html(const struct report *report, const struct calendar_zone *zone, struct buffer *out)
{
    struct drawings drawings;
    bool good = drawings_make(report, zone, &drawings);
    good = good && report_html(report, zone, &drawings, NULL, out);
    drawings_clear(&drawings);
    return good;
}

static int tell(struct exchange *exchange, const struct report *report, struct text numbers)
{
    const char *form = exchange_parameter(exchange, "format"), *table = exchange_parameter(exchange, "table");
    const struct calendar_zone *zone = exchange->means->zone;
    bool good;
    if (form == NULL || strcmp(form, "json") == 0) {
        good = buffer_append(&exchange->answer, numbers);
    } else if (strcmp(form, "csv") == 0) {
        good = csv_write(report, table ? table : csv_table_name(0), &exchange->answer);
        exchange->type = "text/csv; charset=utf-8";
    } else if (strcmp(form, "text") == 0) {
        good = report_text(report, zone, &exchange->answer);
        exchange->type = "text/plain; charset=utf-8";
    } else {
        good = write_html(report, zone, &exchange->answer);
        exchange->type = "text/html; charset=utf-8";
    }
    if (!good)
        return exchange_refuse(exchange, 503, "there is no room for that now");
    exchange->status = 200;
    return 0;
}

static bool is_form(const char *form)
{
    static const char *const forms[] = {"json", "csv", "text", "html"};
    bool found = form == NULL;
    for (size_t i = 0; i < 4; i++)
        found |= form && strcmp(form, forms[i]) == 0;
    return found;
}

int report_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    const char *table = exchange_parameter(exchange, "table");
    CLEANUP(numbers_destroy) struct report *report = numbers_create();
    CLEANUP(buffer_clear) struct buffer numbers;
    buffer_init(&numbers, NUMBERS_JSON_MOST);
    if (report == NULL)
        return error_set(error, ENOMEM, "no memory for a report");
    if (!is_form(exchange_parameter(exchange, "format")))
        return exchange_refuse(exchange, 400, "format: json, csv, text or html");
    if (table && !csv_table_is_known(table))
        return exchange_refuse(exchange, 400, "table: sums, waits, steps, customers, listings ...: docs/reports.md");
    int status = get(store, exchange, exchange_parameter(exchange, "period"), report, &numbers, error);
    return status <= 0 ? status : tell(exchange, report, buffer_text(&numbers));
}

/* --- by mail --- */

/* Sent by hand to the channel `name`; NULL: to all that [reports] names for its kind. One that goes on goes as it is
 * now. */
static int send_it(struct store *store, struct exchange *exchange, const struct report *report, const char *name,
                   struct error *error)
{
    const struct means *means = exchange->means;
    const struct reports_means reports = {means->reports, means->zone, means->alerts, means->mail};
    const struct option_words *channels = report_channels(means->reports, report->period.kind);
    struct json json = json_begin(&exchange->answer);
    json_string(&json, "period", report->period.name);
    json_array_open(&json, "sendings");
    for (uint32_t i = 0; i < (name ? 1 : channels->count); i++) {
        char id[STORE_SENDING_ID];
        const struct channel *channel = alert_channel(means->alerts, text_of(name ? name : channels->items[i]));
        if (channel == NULL)
            return exchange_refuse(exchange, 409, "[reports]: there is no [alert %s]", channels->items[i]);
        int status =
            reports_send(store, &reports, report, channel, text_of(exchange->name), exchange->arrived, id, error);
        if (status == -EINVAL)
            return exchange_refuse(exchange, 409, "%s", error->text);
        if (status > 0)
            status = audit_note(store, exchange, "report sent", report->period.name, channel->name, error);
        if (status < 0)
            return status;
        json_object_open(&json, NULL);
        json_string(&json, "id", id);
        json_string(&json, "channel", channel->name);
        json_object_close(&json);
    }
    json_array_close(&json);
    exchange->status = json_end(&json) ? 202 : 503;
    return 0;
}

int report_mail_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    CLEANUP(body_drop) json_t *body = body_read(exchange);
    const json_t *named = json_object_get(body, "channel");
    const char *name = json_string_value(named);
    CLEANUP(numbers_destroy) struct report *report = numbers_create();
    CLEANUP(buffer_clear) struct buffer numbers;
    buffer_init(&numbers, NUMBERS_JSON_MOST);
    if (report == NULL)
        return error_set(error, ENOMEM, "no memory for a report");
    if (body == NULL || (named && !(name && alert_channel(exchange->means->alerts, text_of(name)))))
        return exchange_refuse(exchange, 400, "channel: the name of a section [alert NAME] of type mail, or left out");
    int status = get(store, exchange, json_string_value(json_object_get(body, "period")), report, &numbers, error);
    if (status <= 0)
        return status;
    if (!name && report_channels(exchange->means->reports, report->period.kind)->count == 0)
        return exchange_refuse(exchange, 409, "no channel is named for it in [reports]; say which");
    if (exchange->step != STEP_KEEP) /* it is known now, and sent by who writes */
        return prepare(exchange, false, &numbers, error);
    return send_it(store, exchange, report, name, error);
}
