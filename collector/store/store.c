/* See store.h: a store is opened, and its transactions. */
#include <errno.h>
#include <stdlib.h>
#include "collector/store/store_own.h"

int store_open(const char *where, struct store **result, struct error *error)
{
    struct store *store = calloc(1, sizeof *store);
    if (!store)
        return error_set(error, ENOMEM, "no memory for a store");
    int failure = engine_open(where, &store->engine, error);
    if (failure == 0)
        failure = store_migrate(store->engine, store_schema_newest(), error);
    if (failure < 0) {
        store_close(&store);
        return failure;
    }
    *result = store;
    return 0;
}

void store_close(struct store **store)
{
    if (!*store)
        return;
    engine_close(&(*store)->engine);
    free(*store);
    *store = NULL;
}

/* What is of one transaction. */
static void forget(struct store *store)
{
    store->now = 0;
    store->highest = store->settings = -1;
}

int store_begin_reading(struct store *store, struct error *error)
{
    forget(store);
    return engine_begin_reading(store->engine, error);
}

int store_begin(struct store *store, struct error *error)
{
    forget(store);
    return engine_begin(store->engine, error);
}

int store_commit(struct store *store, struct error *error)
{
    return engine_commit(store->engine, error);
}

void store_rollback(struct store *store)
{
    engine_rollback(store->engine);
}

bool store_row_integer(void *context, const struct value *columns, size_t count)
{
    if (count > 0 && columns[0].kind == VALUE_INTEGER)
        *(int64_t *)context = columns[0].integer;
    return true;
}
