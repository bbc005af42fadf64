/* What the store's files share: its connection, and short ways to run a statement. */
#ifndef COLLECTOR_STORE_STORE_OWN_H
#define COLLECTOR_STORE_STORE_OWN_H

#include <stdio.h>
#include "collector/store/engine.h"
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

/* Rows of one column: the number is written to the int64_t behind `context`. */
bool store_row_integer(void *context, const struct value *columns, size_t count);
/* Copy a row's text into a field, cut to its size. */
static inline void store_copy(struct text text, char *result, size_t size)
{
    snprintf(result, size, "%.*s", (int)(text.length < size ? text.length : size - 1), text.length ? text.bytes : "");
}

/* A record of an order: it stands from now on, or was released. orders.c. */
int store_order_told(struct store *, int64_t node, const struct store_record *, struct error *) MUST_CHECK;

/* The node tells all of its orders anew. orders.c. */
int store_orders_forget(struct store *, int64_t node, struct error *) MUST_CHECK;

/* The next revision of what nodes are told, this transaction's alone until it commits. */
int store_revision_next(struct store *, int64_t *result, struct error *) MUST_CHECK;

int64_t store_schema_newest(void); /* what this program works with */
/* Bring the schema up to the version that is wanted, one step after the other. One that is there already stays. */
int store_migrate(struct engine *, int64_t wanted, struct error *) MUST_CHECK;

#endif
