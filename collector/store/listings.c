/* See listings.h. */
#include "collector/store/listings.h"

#include "collector/store/store_own.h"

static void read_listing(const struct value *columns, struct store_listing *result)
{
    store_copy(columns[0].text, result->name, sizeof result->name);
    store_copy(columns[1].text, result->zone, sizeof result->zone);
    result->since = columns[2].integer;
    result->checked = columns[3].integer;
    result->doubted = columns[4].integer;
    result->first = columns[5].integer;
    result->times = columns[6].integer;
    result->total = columns[7].integer;
    result->weight = columns[8].integer;
    store_copy(columns[9].text, result->code, sizeof result->code);
    store_copy(columns[10].text, result->means, sizeof result->means);
    store_copy(columns[11].text, result->reason, sizeof result->reason);
    result->node = columns[12].integer;
    store_copy(columns[13].text, result->sender, sizeof result->sender);
    store_copy(columns[14].text, result->customer, sizeof result->customer);
}

#define COLUMNS                                                                                                        \
    "l.name, l.zone, l.since, l.checked, l.doubted, l.first, l.times, l.total, l.weight, l.code, l.means, l.reason, "  \
    "l.node, l.sender, l.customer"

static bool one_row(void *context, const struct value *columns, size_t count)
{
    (void)count;
    read_listing(columns, context);
    return false;
}

int store_listing_get(struct store *store, const char *name, const char *zone, struct store_listing *result,
                      struct error *error)
{
    *result = (struct store_listing){0};
    store_copy(text_of(name), result->name, sizeof result->name);
    store_copy(text_of(zone), result->zone, sizeof result->zone);
    return STORE_RUN(store, "SELECT " COLUMNS " FROM listings l WHERE l.name = $1 AND l.zone = $2", one_row, result,
                     error, STRING(name), STRING(zone));
}

int store_listing_put(struct store *store, const struct store_listing *listing, struct error *error)
{
    return STORE_QUEUE(
        store,
        "INSERT INTO listings (name, zone, since, checked, doubted, first, times, total, weight, code, means, reason, "
        "node, sender, customer) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT "
        "(name, zone) DO UPDATE SET since = $3, checked = $4, doubted = $5, first = $6, times = $7, total = $8, "
        "weight = $9, code = $10, means = $11, reason = $12, node = $13, sender = $14, customer = $15",
        error, STRING(listing->name), STRING(listing->zone), INTEGER(listing->since), INTEGER(listing->checked),
        INTEGER(listing->doubted), INTEGER(listing->first), INTEGER(listing->times), INTEGER(listing->total),
        INTEGER(listing->weight), STRING(listing->code), STRING(listing->means), STRING(listing->reason),
        INTEGER(listing->node), STRING(listing->sender), STRING(listing->customer));
}

int store_listing_drop(struct store *store, const char *name, const char *zone, struct error *error)
{
    return STORE_QUEUE(store, "DELETE FROM listings WHERE name = $1 AND zone = $2", error, STRING(name), STRING(zone));
}

struct zones_listener {
    void (*each)(void *, struct text zone, bool is_doubted);
    void *context;
};

static bool zone_name_row(void *context, const struct value *columns, size_t count)
{
    const struct zones_listener *listener = context;
    (void)count;
    listener->each(listener->context, columns[0].text, columns[1].integer > 0);
    return true;
}

int store_listing_zones(struct store *store, const char *name, void (*each)(void *, struct text zone, bool is_doubted),
                        void *context, struct error *error)
{
    struct zones_listener listener = {each, context};
    int rows = STORE_RUN(store, "SELECT zone, doubted FROM listings WHERE name = $1 ORDER BY zone", zone_name_row,
                         &listener, error, STRING(name));
    return rows < 0 ? rows : 0;
}

int store_listing_zones_standing(struct store *store, void (*each)(void *, struct text zone, bool), void *context,
                                 struct error *error)
{
    struct zones_listener listener = {each, context};
    int rows = engine_run(store->engine, "SELECT DISTINCT zone, 0 FROM listings WHERE since > 0 ORDER BY zone", NULL, 0,
                          zone_name_row, &listener, error);
    return rows < 0 ? rows : 0;
}

/* --- each time --- */

int store_listing_begin(struct store *store, const struct store_listing *listing, struct error *error)
{
    return STORE_QUEUE(store,
                       "INSERT INTO listing_history (name, zone, since, until, weight, code, node, sender, customer) "
                       "VALUES ($1, $2, $3, 0, $4, $5, $6, $7, $8) ON CONFLICT (name, zone, since) DO UPDATE SET "
                       "until = 0",
                       error, STRING(listing->name), STRING(listing->zone), INTEGER(listing->since),
                       INTEGER(listing->weight), STRING(listing->code), INTEGER(listing->node), STRING(listing->sender),
                       STRING(listing->customer));
}

int store_listing_end(struct store *store, const struct store_listing *listing, moment until, struct error *error)
{
    return STORE_QUEUE(store, "UPDATE listing_history SET until = $3 WHERE name = $1 AND zone = $2 AND until = 0",
                       error, STRING(listing->name), STRING(listing->zone), INTEGER(until));
}

/* --- what people see --- */

struct listener {
    void (*each)(void *, const struct store_listing *);
    void *context;
};

static bool listing_row(void *context, const struct value *columns, size_t count)
{
    const struct listener *listener = context;
    struct store_listing row = {0};
    (void)count;
    read_listing(columns, &row);
    store_copy(columns[15].text, row.node_name, sizeof row.node_name);
    listener->each(listener->context, &row);
    return true;
}

#define LIST(which)                                                                                                    \
    "SELECT " COLUMNS ", COALESCE(n.name, '') FROM listings l LEFT JOIN nodes n ON n.node = l.node WHERE " which       \
    " AND ($2 = '' OR l.customer = $2) ORDER BY l.since DESC, l.doubted DESC, l.name, l.zone LIMIT $3"

int store_listing_list(struct store *store, const struct store_listing_query *query,
                       void (*each)(void *, const struct store_listing *), void *context, struct error *error)
{
    static const char of_name[] = LIST("l.name = $1 AND ($4 = 1 OR l.since > 0)"),
                      of_zone[] = LIST("l.zone = $1 AND $4 = 0 AND l.since > 0"),
                      standing[] = LIST("$1 = '' AND $4 = 0 AND l.since > 0"), all[] = LIST("$1 = '' AND $4 = 1");
    const char *word = query->name ? query->name : query->zone ? query->zone : "";
    struct listener listener = {each, context};
    int rows = STORE_RUN(store,
                         query->name   ? of_name
                         : query->zone ? of_zone
                         : query->all  ? all
                                       : standing,
                         listing_row, &listener, error, STRING(word), STRING(query->customer ? query->customer : ""),
                         INTEGER(query->most), INTEGER(query->all));
    return rows < 0 ? rows : 0;
}

struct times_listener {
    void (*each)(void *, const struct store_listing_time *);
    void *context;
};

static bool time_row(void *context, const struct value *columns, size_t count)
{
    const struct times_listener *listener = context;
    const struct store_listing_time row = {.name = columns[0].text,
                                           .zone = columns[1].text,
                                           .since = columns[2].integer,
                                           .until = columns[3].integer,
                                           .weight = columns[4].integer,
                                           .code = columns[5].text,
                                           .node = columns[6].integer,
                                           .node_name = columns[7].text,
                                           .sender = columns[8].text,
                                           .customer = columns[9].text};
    (void)count;
    listener->each(listener->context, &row);
    return true;
}

#define TIMES(which)                                                                                                   \
    "SELECT h.name, h.zone, h.since, h.until, h.weight, h.code, h.node, COALESCE(n.name, ''), h.sender, h.customer "   \
    "FROM listing_history h LEFT JOIN nodes n ON n.node = h.node WHERE " which                                         \
    " AND (h.until = 0 OR h.until >= $2) AND ($3 = '' OR h.customer = $3) ORDER BY h.since DESC, h.name, h.zone "      \
    "LIMIT $4"

int store_listing_times(struct store *store, const struct store_listing_query *query, moment since,
                        void (*each)(void *, const struct store_listing_time *), void *context, struct error *error)
{
    static const char of_name[] = TIMES("h.name = $1"), of_all[] = TIMES("$1 = ''");
    struct times_listener listener = {each, context};
    int rows = STORE_RUN(store, query->name ? of_name : of_all, time_row, &listener, error,
                         STRING(query->name ? query->name : ""), INTEGER(since),
                         STRING(query->customer ? query->customer : ""), INTEGER(query->most));
    return rows < 0 ? rows : 0;
}

int store_listing_forget(struct store *store, moment before, uint32_t most, struct error *error)
{
    int rows = STORE_RUN(store,
                         "DELETE FROM listing_history WHERE (name, zone, since) IN (SELECT name, zone, since FROM "
                         "listing_history WHERE until > 0 AND until < $1 ORDER BY until, name LIMIT $2)",
                         NULL, NULL, error, INTEGER(before), INTEGER(most));
    /* Of what is over long ago nothing is left to count, and what was said once of others' names is nobody's. */
    int more = rows < 0
                   ? rows
                   : STORE_RUN(store,
                               "DELETE FROM listings WHERE (name, zone) IN (SELECT name, zone FROM listings WHERE "
                               "since = 0 AND ((doubted = 0 AND checked < $1) OR NOT EXISTS (SELECT 1 FROM watched w "
                               "WHERE w.name = listings.name)) LIMIT $2)",
                               NULL, NULL, error, INTEGER(before), INTEGER(most));
    return more < 0 ? more : rows + more;
}

/* --- how lists are --- */

static bool zone_row(void *context, const struct value *columns, size_t count)
{
    struct store_zone *zone = context;
    (void)count;
    store_copy(columns[0].text, zone->zone, sizeof zone->zone);
    store_copy(columns[1].text, zone->state, sizeof zone->state);
    store_copy(columns[2].text, zone->trouble, sizeof zone->trouble);
    zone->since = columns[3].integer;
    zone->checked = columns[4].integer;
    zone->day = columns[5].integer;
    zone->asked = columns[6].integer;
    return true;
}

#define ZONE "SELECT zone, state, trouble, since, checked, day, asked FROM zones"

int store_zone_get(struct store *store, const char *zone, struct store_zone *result, struct error *error)
{
    *result = (struct store_zone){0};
    store_copy(text_of(zone), result->zone, sizeof result->zone);
    return STORE_RUN(store, ZONE " WHERE zone = $1", zone_row, result, error, STRING(zone));
}

int store_zone_put(struct store *store, const struct store_zone *zone, struct error *error)
{
    return STORE_QUEUE(store,
                       "INSERT INTO zones (zone, state, trouble, since, checked, day, asked) VALUES ($1, $2, $3, $4, "
                       "$5, 0, 0) ON CONFLICT (zone) DO UPDATE SET state = $2, trouble = $3, since = $4, checked = $5",
                       error, STRING(zone->zone), STRING(zone->state), STRING(zone->trouble), INTEGER(zone->since),
                       INTEGER(zone->checked));
}

int store_zone_asked(struct store *store, const char *zone, int64_t day, int64_t more, int64_t *result,
                     struct error *error)
{
    *result = 0;
    int rows = STORE_RUN(store,
                         "INSERT INTO zones (zone, state, trouble, since, checked, day, asked) VALUES ($1, '', '', 0, "
                         "0, $2, $3) ON CONFLICT (zone) DO UPDATE SET day = $2, asked = CASE WHEN zones.day = $2 THEN "
                         "zones.asked + $3 ELSE $3 END",
                         NULL, NULL, error, STRING(zone), INTEGER(day), INTEGER(more));
    if (rows >= 0)
        rows =
            STORE_RUN(store, "SELECT asked FROM zones WHERE zone = $1", store_row_integer, result, error, STRING(zone));
    return rows < 0 ? rows : 0;
}

struct all_zones {
    void (*each)(void *, const struct store_zone *);
    void *context;
};

static bool each_zone_row(void *context, const struct value *columns, size_t count)
{
    const struct all_zones *all = context;
    struct store_zone zone = {0};
    zone_row(&zone, columns, count);
    all->each(all->context, &zone);
    return true;
}

int store_zones(struct store *store, void (*each)(void *, const struct store_zone *), void *context,
                struct error *error)
{
    struct all_zones all = {each, context};
    int rows = engine_run(store->engine, ZONE " ORDER BY zone", NULL, 0, each_zone_row, &all, error);
    return rows < 0 ? rows : 0;
}
