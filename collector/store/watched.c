/* See watched.h. */
#include "collector/store/watched.h"

#include "collector/store/store_own.h"

/* What is written anew for every message would be a write for every message. */
#define NEWS "600000000000" /* ns: so much later a name was seen, or is watched, before that is written */

int store_watch(struct store *store, const struct store_watched *watched, duration every, moment now,
                struct error *error)
{
    int rows = STORE_RUN(
        store,
        "INSERT INTO watched (name, kind, origin, seen, until, asked, due, holder, wanted, clean, unknown) "
        "VALUES ($1, $2, $3, $4, $5, 0, $6, 0, 0, 0, 0) ON CONFLICT (name) DO UPDATE SET "
        "origin = CASE WHEN watched.origin = 'own' THEN watched.origin ELSE $3 END, "
        "seen = CASE WHEN $4 > watched.seen THEN $4 ELSE watched.seen END, "
        "until = CASE WHEN $5 > watched.until THEN $5 ELSE watched.until END, "
        "due = CASE WHEN watched.holder = 0 AND ($4 > watched.asked OR watched.origin = 'person') AND watched.due > "
        "watched.asked + $7 THEN "
        "watched.asked + $7 ELSE watched.due END WHERE $4 > watched.seen + " NEWS " OR $5 > watched.until + " NEWS,
        NULL, NULL, error, STRING(watched->name), STRING(watched->is_domain ? "domain" : "address"),
        STRING(watched->origin), INTEGER(watched->seen), INTEGER(watched->until), INTEGER(now), INTEGER(every));
    return rows < 0 ? rows : 0;
}

int store_watch_want(struct store *store, const char *name, bool is_domain, moment until, moment now,
                     struct error *error)
{
    int rows = STORE_RUN(store,
                         "INSERT INTO watched (name, kind, origin, seen, until, asked, due, holder, wanted, clean, "
                         "unknown) VALUES ($1, $2, 'person', 0, $3, 0, 0, 0, $4, 0, 0) ON CONFLICT (name) DO UPDATE "
                         "SET until = CASE WHEN $3 > watched.until THEN $3 ELSE watched.until END, due = 0, "
                         "holder = 0, wanted = $4",
                         NULL, NULL, error, STRING(name), STRING(is_domain ? "domain" : "address"), INTEGER(until),
                         INTEGER(now));
    return rows < 0 ? rows : 0;
}

/* --- what sends --- */

struct sending {
    void (*each)(void *, const struct store_sending *);
    void *context;
};

static bool sending_row(void *context, const struct value *columns, size_t count)
{
    const struct sending *sending = context;
    bool is_known = columns[0].text.length > 0;
    const struct store_sending row = {.address = is_known ? columns[0].text : columns[1].text,
                                      .is_account = text_starts_nocase(columns[1].text, TEXT("account:")),
                                      .seen = columns[2].integer};
    (void)count;
    sending->each(sending->context, &row);
    return true;
}

int store_watch_sending(struct store *store, int64_t node, moment since, uint32_t most,
                        void (*each)(void *, const struct store_sending *), void *context, struct error *error)
{
    struct sending sending = {each, context};
    int rows = STORE_RUN(store,
                         "SELECT s.address, s.sender, m.latest FROM (SELECT sender, MAX(time) AS latest FROM minutes "
                         "WHERE node = $1 AND time >= $2 GROUP BY sender) AS m JOIN senders s ON s.node = $1 AND "
                         "s.sender = m.sender ORDER BY m.latest DESC, s.sender LIMIT $3",
                         sending_row, &sending, error, INTEGER(node), INTEGER(since), INTEGER(most));
    return rows < 0 ? rows : 0;
}

static bool node_row(void *context, const struct value *columns, size_t count)
{
    struct store_watched_node *node = context;
    (void)count;
    node->id = columns[0].integer;
    store_copy(columns[1].text, node->address, sizeof node->address);
    node->seen = columns[2].integer;
    return false;
}

int store_watch_node(struct store *store, int64_t behind, struct store_watched_node *result, struct error *error)
{
    return STORE_RUN(store,
                     "SELECT node, address, seen FROM nodes WHERE node > $1 AND revoked = 0 ORDER BY node LIMIT 1",
                     node_row, result, error, INTEGER(behind));
}

/* --- in whose hand --- */

int store_watch_waits(struct store *store, moment now, struct error *error)
{
    int rows =
        STORE_RUN(store, "SELECT 1 FROM watched WHERE due <= $1 ORDER BY due LIMIT 1", NULL, NULL, error, INTEGER(now));
    return rows < 0 ? rows : rows > 0;
}

struct claiming {
    struct store_claim *claims;
    uint32_t count;
};

static bool claim_row(void *context, const struct value *columns, size_t count)
{
    struct claiming *claiming = context;
    struct store_claim *claim = &claiming->claims[claiming->count++];
    (void)count;
    store_copy(columns[0].text, claim->name, sizeof claim->name);
    claim->is_domain = text_equals(columns[1].text, TEXT("domain"));
    store_copy(columns[2].text, claim->origin, sizeof claim->origin);
    claim->seen = columns[3].integer;
    claim->wanted = columns[4].integer;
    return true;
}

int store_watch_claim(struct store *store, int64_t holder, moment now, moment held, uint32_t most,
                      struct store_claim *claims, struct error *error)
{
    struct claiming claiming = {claims, 0};
    int rows = STORE_RUN(store,
                         "SELECT name, kind, origin, seen, wanted FROM watched WHERE due <= $1 ORDER BY due, name "
                         "LIMIT $2",
                         claim_row, &claiming, error, INTEGER(now), INTEGER(most));
    for (uint32_t i = 0; i < claiming.count && rows >= 0; i++)
        rows = STORE_QUEUE(store, "UPDATE watched SET holder = $2, due = $3 WHERE name = $1", error,
                           STRING(claims[i].name), INTEGER(holder), INTEGER(held));
    return rows < 0 ? rows : (int)claiming.count;
}

int store_watch_hold(struct store *store, int64_t holder, moment held, struct error *error)
{
    int rows = STORE_RUN(store, "UPDATE watched SET due = $2 WHERE holder = $1 AND holder <> 0", NULL, NULL, error,
                         INTEGER(holder), INTEGER(held));
    return rows < 0 ? rows : 0;
}

int store_watch_give_back(struct store *store, int64_t holder, const char *name, moment now, struct error *error)
{
    int rows = STORE_RUN(store,
                         "UPDATE watched SET holder = 0, due = $2 WHERE ($1 = 0 OR holder = $1) AND holder <> 0 AND "
                         "($3 = '' OR name = $3)",
                         NULL, NULL, error, INTEGER(holder), INTEGER(now), STRING(name ? name : ""));
    return rows < 0 ? rows : 0;
}

int store_watch_done(struct store *store, int64_t holder, const struct store_claim *claim,
                     const struct store_watch_end *end, moment now, struct error *error)
{
    moment wanted = !end->is_lost ? 0 : claim->wanted > 0 ? claim->wanted : -1;
    int rows = STORE_RUN(store,
                         "UPDATE watched SET holder = 0, asked = $3, due = $4, wanted = $8, clean = $5, unknown = $6 "
                         "WHERE name = $1 AND holder = $2 AND wanted = $7",
                         NULL, NULL, error, STRING(claim->name), INTEGER(holder), INTEGER(now), INTEGER(end->due),
                         INTEGER(end->clean), INTEGER(end->unknown), INTEGER(claim->wanted), INTEGER(wanted));
    return rows < 0 ? rows : rows > 0;
}

/* --- keeping it small, and what people see --- */

int store_watch_forget(struct store *store, uint32_t most, moment now, struct error *error)
{
    return STORE_RUN(store,
                     "DELETE FROM watched WHERE name IN (SELECT w.name FROM watched w WHERE w.until < $1 AND "
                     "(w.origin = 'person' OR NOT EXISTS (SELECT 1 FROM listings l WHERE l.name = w.name AND "
                     "(l.since > 0 OR l.doubted > 0))) ORDER BY w.until, w.name LIMIT $2)",
                     NULL, NULL, error, INTEGER(now), INTEGER(most));
}

struct listener {
    void (*each)(void *, const struct store_watched_row *);
    void *context;
};

static bool watched_row(void *context, const struct value *columns, size_t count)
{
    const struct listener *listener = context;
    const struct store_watched_row row = {.name = columns[0].text,
                                          .kind = columns[1].text,
                                          .origin = columns[2].text,
                                          .seen = columns[3].integer,
                                          .asked = columns[4].integer,
                                          .due = columns[5].integer,
                                          .wanted = columns[6].integer,
                                          .clean = columns[7].integer,
                                          .unknown = columns[8].integer,
                                          .is_held = columns[9].integer != 0};
    (void)count;
    listener->each(listener->context, &row);
    return true;
}

int store_watched_find(struct store *store, const char *name, void (*each)(void *, const struct store_watched_row *),
                       void *context, struct error *error)
{
    struct listener listener = {each, context};
    return STORE_RUN(store,
                     "SELECT name, kind, origin, seen, asked, due, wanted, clean, unknown, holder FROM watched "
                     "WHERE name = $1",
                     watched_row, &listener, error, STRING(name));
}

static bool counts_row(void *context, const struct value *columns, size_t count)
{
    (void)count;
    *(struct store_watched_counts *)context = (struct store_watched_counts){columns[0].integer, columns[1].integer};
    return false;
}

int store_watched_counts(struct store *store, struct store_watched_counts *result, struct error *error)
{
    *result = (struct store_watched_counts){0};
    int rows = engine_run(store->engine,
                          "SELECT (SELECT COUNT(*) FROM watched), (SELECT COUNT(*) FROM listings WHERE since > 0)",
                          NULL, 0, counts_row, result, error);
    return rows < 0 ? rows : 0;
}
