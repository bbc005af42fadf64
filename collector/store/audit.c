/* Who did what, kept in the order of time. */
#include <sodium.h>
#include "collector/store/store_own.h"

int store_audit_add(struct store *store, const struct store_deed *deed, struct error *error)
{
    int64_t id; /* two deeds may share a moment */
    randombytes_buf(&id, sizeof id);
    int rows =
        STORE_RUN(store,
                  "INSERT INTO audit (time, id, person, deed, target, reason, origin) "
                  "VALUES ($1, $2, $3, $4, $5, $6, $7)",
                  NULL, NULL, error, INTEGER(deed->time), INTEGER(id), VALUE_TEXT(deed->person), VALUE_TEXT(deed->deed),
                  VALUE_TEXT(deed->target), VALUE_TEXT(deed->reason), VALUE_TEXT(deed->from));
    return rows < 0 ? rows : 0;
}

struct listener {
    void (*each)(void *, const struct store_deed *);
    void *context;
};

static bool deed_row(void *context, const struct value *columns, size_t count)
{
    const struct listener *listener = context;
    const struct store_deed deed = {.time = columns[0].integer,
                                    .person = columns[1].text,
                                    .deed = columns[2].text,
                                    .target = columns[3].text,
                                    .reason = columns[4].text,
                                    .from = columns[5].text};
    (void)count;
    listener->each(listener->context, &deed);
    return true;
}

int store_audit(struct store *store, moment since, uint32_t most, void (*each)(void *, const struct store_deed *),
                void *context, struct error *error)
{
    struct listener listener = {each, context};
    int rows = STORE_RUN(store,
                         "SELECT time, person, deed, target, reason, origin FROM audit WHERE time >= $1 "
                         "ORDER BY time DESC, id LIMIT $2",
                         deed_row, &listener, error, INTEGER(since), INTEGER(most));
    return rows < 0 ? rows : 0;
}
