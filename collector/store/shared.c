/* What several collectors on one store need of it. Who reads records on goes by the moment at which they came. Of
 * several collectors each has a clock of its own, and what one has stamped first another may commit before it. So that
 * moment is the server's, and a reader is given only what came before any that is still being written. */
#include <stdint.h>
#include "collector/store/store_own.h"

bool store_is_shared(const struct store *store)
{
    return engine_is_shared(store->engine);
}

/* After a connection was lost another server may answer, whose clock is behind: what comes now stands behind what is
 * there. A clock that was put right by an hour or more is believed. */
static int catch_up(struct store *store, struct error *error)
{
    int rows = STORE_RUN(store, "SELECT COALESCE(MAX(received), 0) FROM records WHERE received < $1", store_row_integer,
                         &store->received, error, INTEGER(store->now + HOUR));
    return rows < 0 ? rows : 0;
}

int store_now(struct store *store, moment arrived, moment *result, struct error *error)
{
    int failure = 0;
    *result = arrived;
    if (!store_is_shared(store))
        return 0;
    if (store->now == 0)
        failure = engine_clock(store->engine, &store->now, error);
    if (failure == 0 && store->received == 0)
        failure = catch_up(store, error);
    *result = store->now;
    return failure;
}

int store_settle(struct store *store, struct error *error)
{
    return store_is_shared(store) ? engine_settled(store->engine, &store->settled, error) : 0;
}

moment store_settled(const struct store *store)
{
    return store_is_shared(store) ? store->settled : INT64_MAX;
}

static bool pulse_row(void *context, const struct value *columns, size_t count)
{
    if (count == 4)
        *(struct store_pulse *)context =
            (struct store_pulse){columns[0].integer, columns[1].integer, columns[2].integer, columns[3].integer};
    return false;
}

int store_pulse(struct store *store, struct store_pulse *result, struct error *error)
{
    int rows =
        STORE_RUN(store,
                  "SELECT v.highest, r.news, (SELECT COALESCE(MAX(received), 0) FROM records WHERE received < $1), "
                  "(SELECT highest FROM sorting WHERE only_one = 1) FROM revisions v JOIN reckoning r ON r.only_one = "
                  "v.only_one WHERE v.only_one = 1",
                  pulse_row, result, error, INTEGER(store_settled(store)));
    return rows < 0 ? rows : 0;
}
