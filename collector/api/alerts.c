/* Alerts as people ask for them: what stands, who is told by which channel, and what is to be silent for a while. */
#include "collector/alert/deciding.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include "collector/api/endpoint.h"
#include "collector/api/lines.h"
#include "collector/api/means.h"
#include "collector/api/person.h"
#include "collector/post/notices.h"
#include "collector/store/alerts.h"
#include "collector/store/notices.h"
#include "common/cleanup.h"

#define LONGEST      (366 * DAY)
#define PATTERN_MOST 255 /* bytes */

/* --- what stands --- */

static void add_alert(void *context, const struct store_alert_row *row)
{
    struct lines *lines = context;
    struct json json = lines_record(lines, "alert");
    json_integer(&json, "number", row->number);
    json_text(&json, "kind", row->kind);
    json_text(&json, "name", row->name);
    json_string(&json, "severity", store_severity_name(row->severity));
    if (row->node != 0)
        lines_node_of(&json, row->node, row->node_name);
    json_text(&json, "sender", row->sender);
    json_text(&json, "customer", row->customer);
    json_moment(&json, "raised", row->raised);
    json_moment(&json, "last", row->last);
    json_moment(&json, "resolved", row->resolved);
    json_integer(&json, "times", row->times);
    json_text(&json, "subject", row->subject);
    json_text(&json, "text", row->text);
    lines_add(lines, &json);
}

int alerts_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    uint32_t most = 100;
    moment since = 0;
    if (!lines_most(exchange, "top", &most))
        return exchange_refuse(exchange, 400, "top: 1 to %d", LINES_MOST);
    if (!lines_since(exchange, &since))
        return exchange_refuse(exchange, 400, "since: a time such as 2026-11-26T08:00:00Z");
    struct lines lines = lines_begin(exchange);
    int status = store_alerts(store, since, most, add_alert, &lines, error);
    return status < 0 ? status : lines_end(&lines, NULL);
}

static bool target_number(const struct exchange *exchange, int64_t *result)
{
    uint64_t number;
    bool good = text_number(exchange->target, &number) && number > 0 && number <= INT64_MAX;
    *result = good ? (int64_t)number : 0;
    return good;
}

static const char *reason_of(const struct exchange *exchange)
{
    const char *reason = exchange_parameter(exchange, "reason");
    return reason ? reason : "";
}

/* What is ended by its number, an alert or a silence. */
static int end_by_number(struct store *store, struct exchange *exchange, const char *what, const char *deed,
                         int (*end)(struct store *, int64_t, moment, struct error *), struct error *error)
{
    int64_t number;
    char target[24];
    if (!target_number(exchange, &number))
        return exchange_refuse(exchange, 400, "%s: its number", what);
    int status = end(store, number, exchange->arrived, error);
    if (status == 0)
        return exchange_refuse(exchange, 404, "there is no %s of that number that is not over", what);
    snprintf(target, sizeof target, "%lld", (long long)number);
    if (status > 0)
        status = audit_note(store, exchange, deed, target, reason_of(exchange), error);
    if (status < 0)
        return status;
    exchange->status = 204;
    return 0;
}

int alert_close_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    return end_by_number(store, exchange, "alert", "close alert", store_alert_close, error);
}

/* --- whether channels work --- */

static int test_one(struct store *store, struct exchange *exchange, const struct channel *channel, struct lines *lines,
                    struct error *error)
{
    char id[STORE_SENDING_ID];
    const struct means *means = exchange->means;
    int status =
        notices_test(store, means->alerts, means->mail, channel, text_of(exchange->name), exchange->arrived, id, error);
    if (status < 0)
        return status;
    struct json json = lines_record(lines, "test");
    json_string(&json, "channel", channel->name);
    json_string(&json, "type", channel_type_names[channel->type]);
    json_string(&json, "id", id);
    lines_add(lines, &json);
    return audit_note(store, exchange, "test channel", channel->name, "", error);
}

int alert_test_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    CLEANUP(body_drop) json_t *body = body_read(exchange);
    const struct alert_settings *settings = exchange->means->alerts;
    const json_t *named = json_object_get(body, "channel");
    const char *name = json_string_value(named);
    const struct channel *one = name && settings ? alert_channel(settings, text_of(name)) : NULL;
    int status = 0;
    if ((body == NULL && exchange->body.length > 0) || (named && !name)) /* else a slip would have all tested */
        return exchange_refuse(exchange, 400, "channel: a name, {\"channel\":\"desk\"}; or no body, for all");
    if (settings == NULL || settings->count == 0)
        return exchange_refuse(exchange, 404, "there is no channel; sections [alert NAME] of the configuration are");
    if (name && one == NULL)
        return exchange_refuse(exchange, 404, "there is no channel of that name");
    struct lines lines = lines_begin(exchange);
    for (uint32_t i = 0; i < settings->count && status >= 0; i++)
        if (one == NULL || one == &settings->channels[i])
            status = test_one(store, exchange, &settings->channels[i], &lines, error);
    return status < 0 ? status : lines_end(&lines, NULL);
}

/* --- silences --- */

static void add_silence(void *context, const struct store_silence *row)
{
    struct lines *lines = context;
    struct json json = lines_record(lines, "silence");
    json_integer(&json, "number", row->number);
    json_text(&json, "kind", row->kind);
    json_text(&json, "name", row->name);
    json_text(&json, "customer", row->customer);
    json_text(&json, "node", row->node);
    json_moment(&json, "begin", row->begin);
    json_moment(&json, "until", row->until);
    json_text(&json, "by", row->person);
    json_text(&json, "reason", row->reason);
    lines_add(lines, &json);
}

int silences_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    struct lines lines = lines_begin(exchange);
    int status = store_silences(store, exchange->arrived, add_silence, &lines, error);
    return status < 0 ? status : lines_end(&lines, NULL);
}

static bool read_pattern(const json_t *body, const char *key, struct text *result)
{
    const json_t *value = json_object_get(body, key);
    const char *word = json_string_value(value);
    *result = text_of(word ? word : "");
    return (word || value == NULL || json_is_null(value)) && result->length <= PATTERN_MOST;
}

/* 1: it can be done; else it was refused. */
static int read_silence(struct exchange *exchange, const json_t *body, struct store_silence *result)
{
    const char *length = json_string_value(json_object_get(body, "for"));
    const char *begin = json_string_value(json_object_get(body, "begin"));
    const char *reason = json_string_value(json_object_get(body, "reason"));
    duration time = 0;
    *result = (struct store_silence){.begin = exchange->arrived, .person = text_of(exchange->person.name)};
    if (!read_pattern(body, "kind", &result->kind) || !read_pattern(body, "name", &result->name) ||
        !read_pattern(body, "customer", &result->customer) || !read_pattern(body, "node", &result->node))
        return exchange_refuse(exchange, 400, "kind, name, customer, node: patterns of up to %d bytes", PATTERN_MOST);
    if (!alert_kind_is_known(result->kind))
        return exchange_refuse(exchange, 400,
                               "kind: none fits; block, throttle, divert, virus, complaint, listing, zone, "
                               "node, filter, source, letter and post are kinds");
    if (!length || !duration_parse(text_of(length), &time) || time <= 0 || time > LONGEST)
        return exchange_refuse(exchange, 400, "for: 30m, 12h, 7d; up to a year");
    if (begin && !moment_parse(text_of(begin), &result->begin))
        return exchange_refuse(exchange, 400, "begin: a time such as 2026-11-26T08:00:00Z");
    if (result->begin > exchange->arrived + LONGEST || result->begin < exchange->arrived - DAY)
        return exchange_refuse(exchange, 400, "begin: now, or within a year");
    if (reason == NULL || *reason == '\0')
        return exchange_refuse(exchange, 400, "a reason is needed: {\"reason\":\"...\"}");
    result->reason = text_of(reason);
    result->until = result->begin + time;
    return 1;
}

int silence_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    CLEANUP(body_drop) json_t *body = body_read(exchange);
    struct store_silence silence;
    int64_t number;
    char target[24];
    if (body == NULL)
        return exchange_refuse(exchange, 400, "the body is no JSON object");
    int status = read_silence(exchange, body, &silence);
    if (status <= 0)
        return status;
    status = store_silence_add(store, &silence, &number, error);
    snprintf(target, sizeof target, "%lld", (long long)number);
    if (status == 0)
        status = audit_note(store, exchange, "silence alerts", target, silence.reason.bytes, error);
    if (status < 0)
        return status;
    struct json json = json_begin(&exchange->answer);
    json_integer(&json, "number", number);
    json_moment(&json, "until", silence.until);
    exchange->status = json_end(&json) ? 201 : 503;
    return 0;
}

int silence_end_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    return end_by_number(store, exchange, "silence", "unsilence alerts", store_silence_end, error);
}
