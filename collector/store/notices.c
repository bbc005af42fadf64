/* See notices.h. What is asked every few seconds is found by indexes of what stands, what is unfinished and what ended
 * lately, so that years of alerts that are over cost nothing. */
#include "collector/store/notices.h"

#include "collector/store/store_own.h"

#define AGED_MOST 1000

/* --- what there may be to tell --- */

struct listener {
    void (*each)(void *, const struct store_news_row *);
    void *context;
};

static bool news_row(void *context, const struct value *columns, size_t count)
{
    const struct listener *listener = context;
    const struct store_news_row row = {.alert = store_alert_of(columns),
                                       .said = columns[14].integer,
                                       .severity = columns[15].integer,
                                       .over = columns[16].integer != 0,
                                       .kind_told = columns[17].integer};
    (void)count;
    listener->each(listener->context, &row);
    return true;
}

int store_notices_pending(struct store *store, const char *channel, moment since, moment said_before, duration lasted,
                          void (*each)(void *, const struct store_news_row *), void *context, struct error *error)
{
    struct listener listener = {each, context};
    int rows = STORE_RUN(
        store,
        "WITH pending AS (SELECT a.number FROM alerts a WHERE a.resolved = 0 AND NOT EXISTS (SELECT 1 FROM"
        " alert_sendings t WHERE t.channel = $1 AND t.number = a.number AND t.severity >= a.severity AND t.said > $3)"
        " UNION SELECT t.number FROM alert_sendings t JOIN alerts a ON a.number = t.number WHERE t.channel = $1"
        " AND t.finished = 0 AND a.resolved > 0"
        " UNION SELECT a.number FROM alerts a WHERE a.resolved > 0 AND a.resolved >= $2 AND a.resolved - a.raised >= $4"
        " AND NOT EXISTS (SELECT 1 FROM alert_sendings t WHERE t.channel = $1 AND t.number = a.number))"
        " SELECT " STORE_ALERT_COLUMNS ", COALESCE(s.said, 0), COALESCE(s.severity, 0),"
        " COALESCE(s.finished, 0), COALESCE(k.told, 0) FROM pending p JOIN alerts a ON a.number = p.number"
        " LEFT JOIN nodes n ON n.node = a.node"
        " LEFT JOIN alert_sendings s ON s.channel = $1 AND s.number = a.number"
        " LEFT JOIN alert_channels k ON k.channel = $1 AND k.kind = a.kind"
        " ORDER BY a.kind, a.name, a.number",
        news_row, &listener, error, STRING(channel), INTEGER(since), INTEGER(said_before), INTEGER(lasted));
    return rows < 0 ? rows : 0;
}

/* --- channels --- */

int store_notices_begun(struct store *store, const char *channel, moment *begun, struct error *error)
{
    int rows = STORE_RUN(store, "SELECT told FROM alert_channels WHERE channel = $1 AND kind = ''", store_row_integer,
                         begun, error, STRING(channel));
    return rows < 0 ? rows : rows > 0;
}

int store_notices_begin(struct store *store, const char *channel, moment now, struct error *error)
{
    int rows = STORE_RUN(store, "INSERT INTO alert_channels (channel, kind, told, notices) VALUES ($1, '', $2, 0)",
                         NULL, NULL, error, STRING(channel), INTEGER(now));
    return rows < 0 ? rows : 0;
}

int store_notices_next(struct store *store, const char *channel, int64_t *result, struct error *error)
{
    int rows = STORE_RUN(store, "UPDATE alert_channels SET notices = notices + 1 WHERE channel = $1 AND kind = ''",
                         NULL, NULL, error, STRING(channel));
    if (rows >= 0)
        rows = STORE_RUN(store, "SELECT notices FROM alert_channels WHERE channel = $1 AND kind = ''",
                         store_row_integer, result, error, STRING(channel));
    return rows < 0 ? rows : 0;
}

int store_notices_told(struct store *store, const struct store_told *told, struct error *error)
{
    return STORE_QUEUE(store,
                       "INSERT INTO alert_sendings (channel, number, said, severity, finished) "
                       "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (channel, number) DO UPDATE SET "
                       "said = excluded.said, severity = excluded.severity, finished = excluded.finished",
                       error, STRING(told->channel), INTEGER(told->number), INTEGER(told->said),
                       INTEGER(told->severity), INTEGER(told->over));
}

int store_notices_kind_told(struct store *store, const char *channel, struct text kind, moment now, struct error *error)
{
    return STORE_QUEUE(store,
                       "INSERT INTO alert_channels (channel, kind, told, notices) VALUES ($1, $2, $3, 0) "
                       "ON CONFLICT (channel, kind) DO UPDATE SET told = excluded.told",
                       error, STRING(channel), VALUE_TEXT(kind), INTEGER(now));
}

int store_notices_standing(struct store *store, const char *channel, struct text kind, int64_t *result,
                           struct error *error)
{
    *result = 0;
    int rows = STORE_RUN(store,
                         "SELECT COUNT(*) FROM alert_sendings s JOIN alerts a ON a.number = s.number "
                         "WHERE s.channel = $1 AND s.finished = 0 AND s.said > 0 AND a.kind = $2",
                         store_row_integer, result, error, STRING(channel), VALUE_TEXT(kind));
    return rows < 0 ? rows : 0;
}

int store_notices_age(struct store *store, moment end, struct error *error)
{
    const struct value bounds[] = {INTEGER(end), INTEGER(AGED_MOST)};
    int rows = engine_queue(store->engine,
                            "DELETE FROM alert_sendings WHERE number IN (SELECT number FROM alerts WHERE resolved > 0 "
                            "AND resolved < $1 ORDER BY resolved, number LIMIT $2)",
                            bounds, 2, error);
    if (rows >= 0)
        rows = engine_run(store->engine,
                          "DELETE FROM alerts WHERE number IN (SELECT number FROM alerts WHERE resolved > 0 "
                          "AND resolved < $1 ORDER BY resolved, number LIMIT $2)",
                          bounds, 2, NULL, NULL, error);
    if (rows >= 0 && STORE_QUEUE(store, "DELETE FROM silences WHERE until < $1", error, INTEGER(end)) < 0)
        return -error->code;
    return rows < 0 ? rows : rows == AGED_MOST;
}

/* --- silences --- */

int store_silence_add(struct store *store, const struct store_silence *silence, int64_t *number, struct error *error)
{
    int rows = store_alert_number(store, number, error);
    if (rows >= 0)
        rows = STORE_RUN(store,
                         "INSERT INTO silences (number, kind, name, customer, node, begin, until, person, reason) "
                         "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                         NULL, NULL, error, INTEGER(*number), VALUE_TEXT(silence->kind), VALUE_TEXT(silence->name),
                         VALUE_TEXT(silence->customer), VALUE_TEXT(silence->node), INTEGER(silence->begin),
                         INTEGER(silence->until), VALUE_TEXT(silence->person), VALUE_TEXT(silence->reason));
    return rows < 0 ? rows : 0;
}

int store_silence_end(struct store *store, int64_t number, moment now, struct error *error)
{
    int rows = STORE_RUN(store, "UPDATE silences SET until = $2 WHERE number = $1 AND until > $2", NULL, NULL, error,
                         INTEGER(number), INTEGER(now));
    return rows < 0 ? rows : rows > 0;
}

struct silence_listener {
    void (*each)(void *, const struct store_silence *);
    void *context;
};

static bool silence_row(void *context, const struct value *columns, size_t count)
{
    const struct silence_listener *listener = context;
    const struct store_silence silence = {.number = columns[0].integer,
                                          .kind = columns[1].text,
                                          .name = columns[2].text,
                                          .customer = columns[3].text,
                                          .node = columns[4].text,
                                          .begin = columns[5].integer,
                                          .until = columns[6].integer,
                                          .person = columns[7].text,
                                          .reason = columns[8].text};
    (void)count;
    listener->each(listener->context, &silence);
    return true;
}

int store_silences(struct store *store, moment now, void (*each)(void *, const struct store_silence *), void *context,
                   struct error *error)
{
    struct silence_listener listener = {each, context};
    int rows = STORE_RUN(store,
                         "SELECT number, kind, name, customer, node, begin, until, person, reason FROM silences "
                         "WHERE until > $1 ORDER BY number",
                         silence_row, &listener, error, INTEGER(now));
    return rows < 0 ? rows : 0;
}
