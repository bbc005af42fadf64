/* What nodes are told, and what they said of it. */
#include "collector/store/store_own.h"

int store_revision(struct store *store, int64_t *result, struct error *error)
{
    int rows = 0;
    if (store->highest < 0)
        rows = engine_run(store->engine, "SELECT highest FROM revisions WHERE only_one = 1", NULL, 0, store_row_integer,
                          &store->highest, error);
    *result = store->highest < 0 ? 0 : store->highest;
    return rows < 0 ? rows : 0;
}

int store_revision_next(struct store *store, int64_t *result, struct error *error)
{
    store->highest = -1;
    int rows = engine_run(store->engine, "UPDATE revisions SET highest = highest + 1 WHERE only_one = 1", NULL, 0, NULL,
                          NULL, error);
    return rows < 0 ? rows : store_revision(store, result, error);
}

int store_directive_add(struct store *store, const struct store_directive *directive, int64_t *revision,
                        struct error *error)
{
    int failure = store_revision_next(store, revision, error);
    if (failure < 0)
        return failure;
    int rows = STORE_RUN(store,
                         "INSERT INTO directives (node, revision, time, until, rate, deed, sender, reason, person) "
                         "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                         NULL, NULL, error, INTEGER(directive->node), INTEGER(*revision), INTEGER(directive->time),
                         INTEGER(directive->until), INTEGER(directive->rate), VALUE_TEXT(directive->deed),
                         VALUE_TEXT(directive->sender), VALUE_TEXT(directive->reason), VALUE_TEXT(directive->person));
    return rows < 0 ? rows : 0;
}

struct listener {
    void (*each)(void *, const struct store_directive *);
    void *context;
};

static bool directive_row(void *context, const struct value *columns, size_t count)
{
    const struct listener *listener = context;
    const struct store_directive directive = {.revision = columns[0].integer,
                                              .node = columns[1].integer,
                                              .time = columns[2].integer,
                                              .until = columns[3].integer,
                                              .rate = columns[4].integer,
                                              .deed = columns[5].text,
                                              .sender = columns[6].text,
                                              .reason = columns[7].text,
                                              .person = columns[8].text,
                                              .done = count > 9 ? columns[9].integer : 0,
                                              .failed = count > 10 ? columns[10].integer : 0};
    listener->each(listener->context, &directive);
    return true;
}

int store_directives(struct store *store, int64_t node, int64_t after, uint32_t most,
                     void (*each)(void *, const struct store_directive *), void *context, struct error *error)
{
    struct listener listener = {each, context};
    int64_t highest;
    int failure = store_revision(store, &highest, error); /* of many who ask at once most have what there is */
    if (failure < 0 || after >= highest)
        return failure;
    int rows = STORE_RUN(store,
                         "SELECT revision, node, time, until, rate, deed, sender, reason, person FROM directives "
                         "WHERE node IN (0, $1) AND revision > $2 ORDER BY revision LIMIT $3",
                         directive_row, &listener, error, INTEGER(node), INTEGER(after), INTEGER(most));
    return rows < 0 ? rows : 0;
}

int store_directives_list(struct store *store, moment since, uint32_t most,
                          void (*each)(void *, const struct store_directive *), void *context, struct error *error)
{
    struct listener listener = {each, context};
    int rows = STORE_RUN(store,
                         "SELECT d.revision, d.node, d.time, d.until, d.rate, d.deed, d.sender, d.reason, d.person, "
                         "(SELECT COUNT(*) FROM acknowledgements a WHERE a.revision = d.revision AND a.done = 1), "
                         "(SELECT COUNT(*) FROM acknowledgements a WHERE a.revision = d.revision AND a.done = 0) "
                         "FROM directives d WHERE d.time >= $1 ORDER BY d.revision DESC LIMIT $2",
                         directive_row, &listener, error, INTEGER(since), INTEGER(most));
    return rows < 0 ? rows : 0;
}
