/* What the store's files share: its connection, and short ways to run a statement. */
#ifndef COLLECTOR_STORE_STORE_OWN_H
#define COLLECTOR_STORE_STORE_OWN_H

#include <stdio.h>
#include "collector/store/alerts.h"
#include "collector/store/engine.h"
#include "collector/store/messages.h"
#include "collector/store/store.h"

struct store {
    struct engine *engine;
    moment received; /* that was given to records last: delivery.c */
    moment now;      /* of this transaction, by the server's clock; 0: not asked yet: shared.c */
    moment settled;
    int64_t highest, settings; /* revisions of any and of settings, as this transaction sees them; -1: not looked at */
};

#define STORE_RUN(store, sql, each, context, error, ...)                                                               \
    engine_run((store)->engine, sql, (const struct value[]){__VA_ARGS__},                                              \
               sizeof((const struct value[]){__VA_ARGS__}) / sizeof(struct value), each, context, error)
/* Without rows or a count: it need not be waited for. */
#define STORE_QUEUE(store, sql, error, ...)                                                                            \
    engine_queue((store)->engine, sql, (const struct value[]){__VA_ARGS__},                                            \
                 sizeof((const struct value[]){__VA_ARGS__}) / sizeof(struct value), error)
#define INTEGER(number) VALUE_INTEGER(number)
#define STRING(string)  VALUE_TEXT(text_of(string))

/* In SQL. A sum of hostile counts stops at what every reader of JSON still reads exactly. */
#define STORE_SUM_MOST "9000000000000000"
#define STORE_SUM(column)                                                                                              \
    "CAST(CASE WHEN SUM(CAST(" column " AS DOUBLE PRECISION)) > " STORE_SUM_MOST " THEN " STORE_SUM_MOST               \
    " ELSE SUM(CAST(" column " AS DOUBLE PRECISION)) END AS BIGINT)"

/* Where the last day begins, in whole hours. */
static inline moment store_day_before(moment now)
{
    return now > DAY ? (now - DAY) - (now - DAY) % HOUR : 0;
}

/* Rows of one column: the number is written to the int64_t behind `context`. */
bool store_row_integer(void *context, const struct value *columns, size_t count);
/* Rows of how content is packed, and its bytes: shown to `each`. `context` is the struct. messages.c. */
struct store_packed {
    void (*each)(void *, enum store_packing, struct text);
    void *context;
};
bool store_row_packed(void *context, const struct value *columns, size_t count);
/* An alert from the columns that it begins with: of alerts a, joined with nodes n. */
#define STORE_ALERT_COLUMNS                                                                                            \
    "a.number, a.kind, a.name, a.severity, a.node, COALESCE(n.name, ''), a.sender, a.customer, a.raised, a.last, "     \
    "a.times, a.subject, a.text, a.resolved"
struct store_alert_row store_alert_of(const struct value *columns);
/* Copy a row's text into a field, cut to its size. */
static inline void store_copy(struct text text, char *result, size_t size)
{
    snprintf(result, size, "%.*s", (int)(text.length < size ? text.length : size - 1), text.length ? text.bytes : "");
}

/* A record of an order: it stands from now on, or was released. orders.c. */
int store_order_told(struct store *, int64_t node, int64_t life, const struct store_record *,
                     struct error *) MUST_CHECK;

/* The node tells all of its orders anew, as the record of that sequence says. orders.c. */
int store_orders_forget(struct store *, int64_t node, int64_t life, int64_t sequence, struct error *) MUST_CHECK;

/* Records of one kind, bodies or points, are left for the reckoning. heard.c. */
int store_heard(struct store *, int64_t node, int64_t life, const struct store_record **, size_t count,
                struct error *) MUST_CHECK;
/* What stood on that node for others is to be looked at anew: all that it told counts no more. heard.c. */
int store_heard_revoked(struct store *, int64_t node, moment now, struct error *) MUST_CHECK;

/* The next revision of what nodes are told, this transaction's alone until it commits. */
int store_revision_next(struct store *, int64_t *result, struct error *) MUST_CHECK;

/* A part of store_tidy(): messages. aging.c. 1: there is more. */
int store_age_messages(struct store *, const struct store_retention *, moment now, struct error *) MUST_CHECK;

/* Complaints. 1: there is more. */
int store_age_complaints(struct store *, duration keep, moment now, struct error *) MUST_CHECK;

int64_t store_schema_newest(void); /* what this program works with */
/* Bring the schema up to the version that is wanted, one step after the other. One that is there already stays. */
int store_migrate(struct engine *, int64_t wanted, struct error *) MUST_CHECK;

#endif
