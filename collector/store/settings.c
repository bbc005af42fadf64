/* Settings of nodes: a text for the whole fleet, and one for any node that shall have its own, which stands in place of
 * the fleet's. An empty one of a node's own gives it the fleet's again. */
#include "collector/store/settings.h"
#include "collector/store/store_own.h"

int store_settings_put(struct store *store, const struct store_settings *settings, int64_t *revision,
                       struct error *error)
{
    int known = settings->node ? store_node_is_known(store, settings->node, error) : 1;
    if (known <= 0)
        return known;
    int rows = store_revision_next(store, revision, error);
    store->settings = -1;
    if (rows == 0)
        rows = STORE_RUN(store,
                         "INSERT INTO settings (node, revision, time, text, reason, person) "
                         "VALUES ($1, $2, $3, $4, $5, $6)",
                         NULL, NULL, error, INTEGER(settings->node), INTEGER(*revision), INTEGER(settings->time),
                         VALUE_TEXT(settings->text), VALUE_TEXT(settings->reason), VALUE_TEXT(settings->person));
    if (rows >= 0) /* of what was replaced nobody asks any more who took it */
        rows = STORE_RUN(store,
                         "DELETE FROM acknowledgements WHERE revision IN "
                         "(SELECT revision FROM settings WHERE node = $1 AND revision < $2)",
                         NULL, NULL, error, INTEGER(settings->node), INTEGER(*revision));
    return rows < 0 ? rows : 1;
}

struct listener {
    void (*each)(void *, const struct store_settings *);
    void *context;
    struct store_settings given_back; /* the revision at which a node's own ended; 0: it has none, or has some */
    bool told;
};

static struct store_settings settings_of(const struct value *columns, size_t count)
{
    return (struct store_settings){.revision = columns[0].integer,
                                   .node = columns[1].integer,
                                   .time = columns[2].integer,
                                   .text = columns[3].text,
                                   .reason = columns[4].text,
                                   .person = columns[5].text,
                                   .done = count > 6 ? columns[6].integer : 0,
                                   .failed = count > 7 ? columns[7].integer : 0};
}

/* The node's own comes first. */
static bool effective_row(void *context, const struct value *columns, size_t count)
{
    struct listener *listener = context;
    struct store_settings settings = settings_of(columns, count);
    if (listener->told)
        return true;
    if (settings.node && settings.text.length == 0) {
        listener->given_back =
            (struct store_settings){.node = settings.node, .revision = settings.revision, .time = settings.time};
        return true;
    }
    if (listener->given_back.revision > settings.revision) { /* only then did the fleet's become this node's */
        settings.revision = listener->given_back.revision;
        settings.time = listener->given_back.time;
    }
    listener->told = true;
    listener->each(listener->context, &settings);
    return true;
}

int store_settings_for(struct store *store, int64_t node, void (*each)(void *, const struct store_settings *),
                       void *context, struct error *error)
{
    struct listener listener = {.each = each, .context = context};
    int rows = STORE_RUN(store,
                         "SELECT revision, node, time, text, reason, person FROM settings WHERE "
                         "(node = $1 AND revision = (SELECT MAX(revision) FROM settings WHERE node = $1)) OR "
                         "(node = 0 AND revision = (SELECT MAX(revision) FROM settings WHERE node = 0)) "
                         "ORDER BY CASE WHEN node = 0 THEN 1 ELSE 0 END",
                         effective_row, &listener, error, INTEGER(node));
    if (rows < 0)
        return rows;
    if (!listener.told && listener.given_back.revision) { /* to a fleet that has none */
        listener.told = true;
        each(context, &listener.given_back);
    }
    return listener.told;
}

int store_settings_behind(struct store *store, int64_t node, int64_t after,
                          void (*each)(void *, const struct store_settings *), void *context, struct error *error)
{
    if (store->settings < 0) {
        int rows = engine_run(store->engine, "SELECT COALESCE(MAX(revision), 0) FROM settings", NULL, 0,
                              store_row_integer, &store->settings, error);
        if (rows < 0)
            return rows;
    }
    return after >= store->settings ? 0 : store_settings_for(store, node, each, context, error);
}

static bool listed_row(void *context, const struct value *columns, size_t count)
{
    const struct listener *listener = context;
    const struct store_settings settings = settings_of(columns, count);
    listener->each(listener->context, &settings);
    return true;
}

int store_settings_list(struct store *store, void (*each)(void *, const struct store_settings *), void *context,
                        struct error *error)
{
    struct listener listener = {.each = each, .context = context};
    int rows = engine_run(store->engine,
                          "SELECT s.revision, s.node, s.time, s.text, s.reason, s.person, "
                          "(SELECT COUNT(*) FROM acknowledgements a WHERE a.revision = s.revision AND a.done = 1), "
                          "(SELECT COUNT(*) FROM acknowledgements a WHERE a.revision = s.revision AND a.done = 0) "
                          "FROM settings s WHERE s.revision = (SELECT MAX(n.revision) FROM settings n WHERE "
                          "n.node = s.node) AND (s.node = 0 OR s.text <> '') ORDER BY s.node <> 0, s.node",
                          NULL, 0, listed_row, &listener, error);
    return rows < 0 ? rows : 0;
}

struct hearer {
    void (*each)(void *, const struct store_told *);
    void *context;
};

static bool told_row(void *context, const struct value *columns, size_t count)
{
    const struct hearer *hearer = context;
    const struct store_told told = {.node = columns[0].integer,
                                    .node_name = columns[1].text,
                                    .revision = columns[2].integer,
                                    .time = columns[3].integer,
                                    .done = columns[4].integer != 0,
                                    .text = columns[5].text};
    (void)count;
    hearer->each(hearer->context, &told);
    return true;
}

#define TOLD                                                                                                           \
    "SELECT a.node, n.name, a.revision, a.time, a.done, a.text FROM acknowledgements a "                               \
    "JOIN nodes n ON n.node = a.node WHERE "

int store_settings_refused(struct store *store, int64_t revision, uint32_t most,
                           void (*each)(void *, const struct store_told *), void *context, struct error *error)
{
    struct hearer hearer = {each, context};
    int rows = STORE_RUN(store, TOLD "a.revision = $1 AND a.done = 0 ORDER BY a.node LIMIT $2", told_row, &hearer,
                         error, INTEGER(revision), INTEGER(most));
    return rows < 0 ? rows : 0;
}

int store_settings_told(struct store *store, int64_t node, int64_t revision,
                        void (*each)(void *, const struct store_told *), void *context, struct error *error)
{
    struct hearer hearer = {each, context};
    int rows = STORE_RUN(store, TOLD "a.node = $1 AND a.revision = $2", told_row, &hearer, error, INTEGER(node),
                         INTEGER(revision));
    return rows < 0 ? rows : 0;
}
