/* See alerts.h. */
#include "collector/store/alerts.h"

#include <string.h>
#include "collector/store/store_own.h"

int store_alert_number(struct store *store, int64_t *result, struct error *error)
{
    int rows = engine_run(store->engine, "UPDATE alerting SET highest = highest + 1 WHERE only_one = 1", NULL, 0, NULL,
                          NULL, error);
    if (rows >= 0)
        rows = engine_run(store->engine, "SELECT highest FROM alerting WHERE only_one = 1", NULL, 0, store_row_integer,
                          result, error);
    return rows < 0 ? rows : 0;
}

int store_alert_raise(struct store *store, const struct store_alert *alert, moment now, struct error *error)
{
    int64_t number = 0;
    int rows = STORE_RUN(store,
                         "UPDATE alerts SET last = $3, times = times + 1, severity = $4, subject = $5, text = $6 "
                         "WHERE kind = $1 AND name = $2 AND resolved = 0",
                         NULL, NULL, error, STRING(alert->kind), STRING(alert->name), INTEGER(now),
                         INTEGER(alert->severity), VALUE_TEXT(alert->subject), VALUE_TEXT(alert->text));
    if (rows != 0)
        return rows < 0 ? rows : 0;
    int code = store_alert_number(store, &number, error);
    if (code < 0)
        return code;
    rows = STORE_RUN(store,
                     "INSERT INTO alerts (number, kind, name, severity, node, sender, customer, raised, last, times, "
                     "resolved, subject, text) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, 1, 0, $9, $10)",
                     NULL, NULL, error, INTEGER(number), STRING(alert->kind), STRING(alert->name),
                     INTEGER(alert->severity), INTEGER(alert->node), VALUE_TEXT(alert->sender),
                     VALUE_TEXT(alert->customer), INTEGER(now), VALUE_TEXT(alert->subject), VALUE_TEXT(alert->text));
    return rows < 0 ? rows : 1;
}

int store_alert_resolve(struct store *store, const char *kind, const char *name, moment now, struct error *error)
{
    int rows = STORE_RUN(store, "UPDATE alerts SET resolved = $3 WHERE kind = $1 AND name = $2 AND resolved = 0", NULL,
                         NULL, error, STRING(kind), STRING(name), INTEGER(now));
    return rows < 0 ? rows : rows > 0;
}

int store_alert_close(struct store *store, int64_t number, moment now, struct error *error)
{
    int rows = STORE_RUN(store, "UPDATE alerts SET resolved = $2 WHERE number = $1 AND resolved = 0", NULL, NULL, error,
                         INTEGER(number), INTEGER(now));
    return rows < 0 ? rows : rows > 0;
}

/* --- lists --- */

const char *store_severity_name(int64_t severity)
{
    static const char *const names[SEVERITIES] = {"news", "warning", "trouble"};
    return severity >= 0 && severity < SEVERITIES ? names[severity] : "trouble";
}

static bool count_row(void *context, const struct value *columns, size_t count)
{
    int64_t *counts = context;
    (void)count;
    if (columns[0].integer >= 0 && columns[0].integer < SEVERITIES)
        counts[columns[0].integer] = columns[1].integer;
    return true;
}

int store_alerts_count(struct store *store, int64_t counts[SEVERITIES], struct error *error)
{
    memset(counts, 0, SEVERITIES * sizeof *counts);
    int rows = engine_run(store->engine, "SELECT severity, COUNT(*) FROM alerts WHERE resolved = 0 GROUP BY severity",
                          NULL, 0, count_row, counts, error);
    return rows < 0 ? rows : 0;
}

struct listener {
    void (*each)(void *, const struct store_alert_row *);
    void *context;
};

struct store_alert_row store_alert_of(const struct value *columns)
{
    return (struct store_alert_row){.number = columns[0].integer,
                                    .kind = columns[1].text,
                                    .name = columns[2].text,
                                    .severity = columns[3].integer,
                                    .node = columns[4].integer,
                                    .node_name = columns[5].text,
                                    .sender = columns[6].text,
                                    .customer = columns[7].text,
                                    .raised = columns[8].integer,
                                    .last = columns[9].integer,
                                    .times = columns[10].integer,
                                    .subject = columns[11].text,
                                    .text = columns[12].text,
                                    .resolved = columns[13].integer};
}

static bool alert_row(void *context, const struct value *columns, size_t count)
{
    const struct listener *listener = context;
    const struct store_alert_row row = store_alert_of(columns);
    (void)count;
    listener->each(listener->context, &row);
    return true;
}

int store_alerts(struct store *store, moment since, uint32_t most, void (*each)(void *, const struct store_alert_row *),
                 void *context, struct error *error)
{
    struct listener listener = {each, context};
    int rows = STORE_RUN(store,
                         "SELECT " STORE_ALERT_COLUMNS " FROM alerts a LEFT JOIN "
                         "nodes n ON n.node = a.node WHERE a.resolved = 0 OR (a.resolved > 0 AND a.resolved >= $2 AND "
                         "$2 > 0) ORDER BY a.last DESC, a.number DESC LIMIT $1",
                         alert_row, &listener, error, INTEGER(most), INTEGER(since));
    return rows < 0 ? rows : 0;
}
