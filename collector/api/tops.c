/* Tables over any time: who sends most, when, what rules are met, how scores lie, viruses. */
#include <string.h>
#include "collector/api/endpoint.h"
#include "collector/api/lines.h"
#include "collector/api/means.h"
#include "collector/store/tops.h"

struct span {
    moment since, before;
};

/* `preset`: how long before now it begins where nothing is said. */
static bool read_span(const struct exchange *exchange, duration preset, struct span *span)
{
    const char *before = exchange_parameter(exchange, "before");
    span->before = exchange->arrived;
    if (before && *before && !moment_parse(text_of(before), &span->before))
        return false;
    if (!lines_since(exchange, &span->since))
        return false;
    if (span->since == 0)
        span->since = span->before > preset ? span->before - preset : 1;
    return span->since < span->before;
}

static int refuse_span(struct exchange *exchange)
{
    return exchange_refuse(exchange, 400, "since, before: times as in RFC 3339, one before the other; top: 1 to %d",
                           LINES_MOST);
}

/* Whoever asks is told where not all was looked at. */
static int end_lines(struct lines *lines, int status)
{
    if (status > 0) {
        struct json json = lines_record(lines, "cut");
        json_string(&json, "text", "there was more than is looked at: the newest of it is counted");
        lines_add(lines, &json);
    }
    return status < 0 ? status : lines_end(lines, NULL);
}

/* --- who --- */

static void add_top(void *context, const struct store_top_row *row)
{
    struct lines *lines = context;
    struct json json = lines_record(lines, "top");
    json_text(&json, "name", row->name);
    json_text(&json, "node", row->node_name);
    json_text(&json, "customer", row->customer);
    json_integer(&json, "messages", row->messages);
    json_integer(&json, "rejected", row->rejected);
    json_integer(&json, "recipients", row->recipients);
    json_integer(&json, "bytes", row->bytes);
    json_integer(&json, "spam", row->spam);
    lines_add(lines, &json);
}

static bool read_what(const struct exchange *exchange, struct store_top_query *query)
{
    const char *by = exchange_parameter(exchange, "by");
    char name[32];
    bool found = false;
    text_copy_printable(exchange->target, name, sizeof name);
    for (int i = 0; i < STORE_TOPS; i++)
        if (strcmp(name, store_top_name((enum store_top)i)) == 0) {
            query->what = (enum store_top)i;
            found = true;
        }
    query->by_volume = by && strcmp(by, "volume") == 0;
    return found && (by == NULL || query->by_volume || strcmp(by, "number") == 0);
}

int tops_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    struct store_top_query query = {.most = 20};
    struct span span;
    if (!read_what(exchange, &query))
        return exchange_refuse(exchange, 400,
                               "of senders, customers, nodes, relays, authors, author-domains, recipients, domains or "
                               "servers; by: number or volume");
    if (query.what == TOP_RECIPIENTS && (exchange->person.may & STORE_MAY_CONTENT) == 0)
        return exchange_refuse(exchange, 403, "whom mail was for may see who has the right content");
    if (!read_span(exchange, 7 * DAY, &span) || !lines_most(exchange, "top", &query.most))
        return refuse_span(exchange);
    query.since = span.since;
    query.before = span.before;
    struct lines lines = lines_begin(exchange);
    return end_lines(&lines, store_top(store, &query, add_top, &lines, error));
}

/* --- when --- */

static void add_flow(void *context, const struct store_flow *flow)
{
    struct lines *lines = context;
    struct json json = lines_record(lines, "flow");
    json_moment(&json, "time", flow->begin);
    json_integer(&json, "connections", flow->connections);
    json_integer(&json, "messages", flow->messages);
    json_integer(&json, "rejected", flow->rejected);
    json_integer(&json, "recipients", flow->recipients);
    json_integer(&json, "bytes", flow->bytes);
    json_integer(&json, "samples", flow->samples);
    json_integer(&json, "spam", flow->spam);
    json_integer(&json, "viruses", flow->viruses);
    lines_add(lines, &json);
}

int flow_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    bool by_day = strcmp(exchange->endpoint->path, "/v1/reports/days") == 0;
    struct span span;
    if (!read_span(exchange, by_day ? 30 * DAY : DAY, &span))
        return refuse_span(exchange);
    if (span.before - span.since > (STORE_FLOW_MOST - 2) * (by_day ? DAY : HOUR))
        return exchange_refuse(exchange, 400, "since: at most %d %s before the end", STORE_FLOW_MOST - 2,
                               by_day ? "days" : "hours");
    struct lines lines = lines_begin(exchange);
    return end_lines(
        &lines, store_flow(store, exchange->means->zone, by_day, span.since, span.before, add_flow, &lines, error));
}

/* --- why --- */

static void add_rule(void *context, const struct store_rule *rule)
{
    struct lines *lines = context;
    struct json json = lines_record(lines, rule->filter.length ? "rule" : "detector");
    if (rule->filter.length)
        json_text(&json, "filter", rule->filter);
    json_text(&json, "name", rule->name);
    json_integer(&json, "hits", rule->hits);
    if (rule->filter.length) {
        json_integer(&json, "spam", rule->spam);
        json_integer(&json, "ham", rule->ham);
    } else {
        json_hundredths(&json, "points", rule->points);
    }
    lines_add(lines, &json);
}

int rules_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    bool viruses = strcmp(exchange->endpoint->path, "/v1/reports/viruses") == 0;
    uint32_t most = 100;
    struct span span;
    if (!read_span(exchange, 7 * DAY, &span) || !lines_most(exchange, "top", &most))
        return refuse_span(exchange);
    struct lines lines = lines_begin(exchange);
    return end_lines(&lines, store_rules(store, viruses, span.since, span.before, most, add_rule, &lines, error));
}

static void add_scores(void *context, const struct store_scores *scores)
{
    struct lines *lines = context;
    struct json json = lines_record(lines, "scores");
    if (scores->from == INT64_MIN)
        json_string(&json, "from", NULL);
    else
        json_hundredths(&json, "from", scores->from);
    json_integer(&json, "messages", scores->messages);
    json_integer(&json, "ham", scores->ham);
    json_integer(&json, "spam", scores->spam);
    json_integer(&json, "viruses", scores->viruses);
    json_integer(&json, "unknown", scores->unknown);
    lines_add(lines, &json);
}

int scores_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    const char *filter = exchange_parameter(exchange, "filter");
    struct span span;
    if (!read_span(exchange, 7 * DAY, &span))
        return refuse_span(exchange);
    struct lines lines = lines_begin(exchange);
    return end_lines(&lines, store_scores(store, filter && *filter ? filter : NULL, span.since, span.before, add_scores,
                                          &lines, error));
}
