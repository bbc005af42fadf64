/* Keeping the store small. What a sender did is kept by the minute for a while, then by the hour, then by the day: what
 * goes up leaves where it was in the same transaction, so that every count stands in one place at any time, and what
 * comes late goes up later by the same way. The rest is dropped when it is too old. Every step takes a bounded number
 * of rows, in the order of an index: deliveries wait for it no longer than for each other. */
#include <stdint.h>
#include "collector/store/bulk.h"
#include "collector/store/store_own.h"

#define ROWS    2000      /* that are moved or dropped at once, of each kind */
#define NODES   64        /* whose rows are moved in one call */
#define STEP    HOUR      /* further ahead than this a clock has jumped, or nobody was here */
#define DOUBT   DAY       /* so long it is not believed then */
#define LONGEST (7 * DAY) /* how long an order stands of which nobody said an end */
#define BODIES  500       /* that are dropped at once, each with a dozen rows */

/* --- which clock is believed --- */

struct belief {
    int64_t believed, seen, doubted;
};

static bool belief_row(void *context, const struct value *columns, size_t count)
{
    struct belief *belief = context;
    (void)count;
    *belief = (struct belief){columns[0].integer, columns[1].integer, columns[2].integer};
    return true;
}

/* What is dropped does not come back: so a clock that went a year ahead in a second has to go on like that for a day,
 * in which a person can put it right. One that went back makes nothing due. */
static bool is_believed(struct belief *belief, moment now)
{
    bool goes_on = belief->believed == 0 || now <= belief->believed + STEP;
    bool lasts = belief->doubted && now >= belief->seen && now <= belief->seen + STEP;
    if (!goes_on && !lasts)
        belief->doubted = now;
    belief->seen = now;
    if (!goes_on && now - belief->doubted < DOUBT)
        return false;
    belief->believed = now;
    belief->doubted = 0;
    return true;
}

/* 1: believed. */
static int ask_clock(struct store *store, moment now, struct error *error)
{
    struct belief belief = {0};
    int rows = engine_run(store->engine, "SELECT believed, seen, doubted FROM tidying WHERE only_one = 1", NULL, 0,
                          belief_row, &belief, error);
    if (rows < 0)
        return rows;
    bool believed = is_believed(&belief, now);
    rows = STORE_QUEUE(store, "UPDATE tidying SET believed = $1, seen = $2, doubted = $3 WHERE only_one = 1", error,
                       INTEGER(belief.believed), INTEGER(belief.seen), INTEGER(belief.doubted));
    return rows < 0 ? rows : believed;
}

/* --- a place in an index, up to which rows are taken --- */

struct place {
    struct value keys[4];
    char text[512];
};

static bool place_row(void *context, const struct value *columns, size_t count)
{
    struct place *place = context;
    for (size_t i = 0; i < count && i < 4; i++) {
        place->keys[i] = columns[i];
        if (columns[i].kind == VALUE_TEXT) { /* a cut one comes before it: then less is taken */
            store_copy(columns[i].text, place->text, sizeof place->text);
            place->keys[i].text = text_of(place->text);
        }
    }
    return true;
}

/* --- minutes to hours, hours to days --- */

#define MOST "281474976710656" /* STORE_COUNT_MOST: where every count stops */

#define TOTAL(column) "CAST(CASE WHEN SUM(" column ") > " MOST " THEN " MOST " ELSE SUM(" column ") END AS BIGINT)"
#define TOTALS                                                                                                         \
    TOTAL("connections") ", " TOTAL("messages") ", " TOTAL("rejected") ", " TOTAL("recipients") ", " TOTAL("bytes")

#define SUM(to, column) to "." column " + excluded." column
#define ADD(to, column) column " = CASE WHEN " SUM(to, column) " > " MOST " THEN " MOST " ELSE " SUM(to, column) " END"
#define ADD_ALL(to)                                                                                                    \
    ADD(to, "connections")                                                                                             \
    ", " ADD(to, "messages") ", " ADD(to, "rejected") ", " ADD(to, "recipients") ", " ADD(to, "bytes")

#define OLDEST(from)                                                                                                   \
    "SELECT node FROM (SELECT n.node AS node, (SELECT MIN(t.time) FROM " from " t WHERE t.node = n.node) AS oldest"    \
    " FROM nodes n) AS each_node WHERE oldest < $1 ORDER BY oldest, node LIMIT $2"
#define REACH(from, key)       "SELECT " key " FROM " from " WHERE node = $1 AND time < $2 ORDER BY " key " LIMIT 1 OFFSET $3"
#define DROP(from, key, place) "DELETE FROM " from " WHERE node = $1 AND (" key ") <= (" place ")"

/* `unit`: the time that a row of `to` stands for, in ns. `last`: the column of when there was something last. */
#define MOVE(from, key, place, last, to, unit)                                                                         \
    "INSERT INTO " to " (node, time, sender, customer, seen, connections, messages, rejected, recipients, bytes)"      \
    " SELECT node, time - time % " unit ", sender, MAX(customer), MAX(" last "), " TOTALS " FROM " from                \
    " WHERE node = $1 AND (" key ") <= (" place ") GROUP BY node, time - time % " unit ", sender"                      \
    " ON CONFLICT (node, time, sender) DO UPDATE SET customer = excluded.customer, seen = CASE WHEN excluded.seen "    \
    "> " to ".seen THEN excluded.seen ELSE " to ".seen END, " ADD_ALL(to)

#define MINUTE_KEY   "time, sender, life, sequence"
#define MINUTE_PLACE "$2, $3, $4, $5"
#define HOUR_KEY     "time, sender"
#define HOUR_PLACE   "$2, $3"

/* Where counts stand, and where they go when they are too old; `move` NULL: nowhere. */
struct tier {
    const char *oldest, *reach, *move, *drop;
    size_t key; /* columns */
};
static const struct tier minutes = {
    OLDEST("minutes"),
    REACH("minutes", MINUTE_KEY),
    MOVE("minutes", MINUTE_KEY, MINUTE_PLACE, "time", "hours", "3600000000000"),
    DROP("minutes", MINUTE_KEY, MINUTE_PLACE),
    4,
};
static const struct tier hours = {
    OLDEST("hours"),
    REACH("hours", HOUR_KEY),
    MOVE("hours", HOUR_KEY, HOUR_PLACE, "seen", "days", "86400000000000"),
    DROP("hours", HOUR_KEY, HOUR_PLACE),
    2,
};
static const struct tier days = {
    OLDEST("days"), REACH("days", HOUR_KEY), NULL, DROP("days", HOUR_KEY, HOUR_PLACE), 2,
};

struct nodes {
    int64_t ids[NODES];
    size_t count;
};

static bool node_row(void *context, const struct value *columns, size_t count)
{
    struct nodes *nodes = context;
    (void)count;
    if (nodes->count < NODES)
        nodes->ids[nodes->count++] = columns[0].integer;
    return true;
}

/* Up to `most` rows of this node from before `end`; how many. */
static int take_from_node(struct store *store, const struct tier *tier, int64_t node, moment end, int64_t most,
                          struct error *error)
{
    /* Unless there are more: all. No sender is called "", so none of the moment `end` itself stands before this. */
    struct place place = {.keys = {INTEGER(end), STRING(""), INTEGER(INT64_MIN), INTEGER(INT64_MIN)}};
    int rows = STORE_RUN(store, tier->reach, place_row, &place, error, INTEGER(node), INTEGER(end), INTEGER(most - 1));
    if (rows < 0)
        return rows;
    const struct value reach[] = {INTEGER(node), place.keys[0], place.keys[1], place.keys[2], place.keys[3]};
    if (tier->move)
        rows = engine_queue(store->engine, tier->move, reach, 1 + tier->key, error);
    return rows < 0 ? rows : engine_run(store->engine, tier->drop, reach, 1 + tier->key, NULL, NULL, error);
}

/* 1: there is more. */
static int take_from_tier(struct store *store, const struct tier *tier, moment end, struct error *error)
{
    struct nodes nodes = {0};
    int64_t left = ROWS;
    int rows = STORE_RUN(store, tier->oldest, node_row, &nodes, error, INTEGER(end), INTEGER(NODES));
    for (size_t i = 0; i < nodes.count && rows >= 0 && left > 0; i++) {
        rows = take_from_node(store, tier, nodes.ids[i], end, left, error);
        left -= rows;
    }
    return rows < 0 ? rows : left <= 0 || nodes.count == NODES;
}

/* --- what is dropped --- */

/* Both statements have $1, the moment before which all is due. `reach`: the place of a row in the index by which they
 * go, of which the last column is a text or a number; `drop`: what is due up to that place ($2, $3, $4). */
struct sweep {
    const char *reach, *drop;
    bool text;
};

#define SWEEP(table, key, due)                                                                                         \
    "SELECT " key " FROM " table " WHERE " due " ORDER BY " key " LIMIT 1 OFFSET $2",                                  \
        "DELETE FROM " table " WHERE " due " AND (" key ") <= ($2, $3, $4)"
/* A life that no later one of its node has followed is the one it is in, however long it has been silent. */
#define FOLLOWED                                                                                                       \
    "seen > 0 AND seen < $1 AND EXISTS (SELECT 1 FROM lives later WHERE later.node = lives.node AND later.seen > "     \
    "lives.seen)"

static const struct sweep records = {SWEEP("records", "received, node, sequence", "received < $1"), false};
static const struct sweep audit = {SWEEP("audit", "time, id, person", "time < $1"), true};
static const struct sweep asked = {SWEEP("asked", "time, person, name", "time < $1"), true};
static const struct sweep senders = {SWEEP("senders", "changed, node, sender", "changed < $1"), true};
static const struct sweep orders = {SWEEP("orders", "until, node, sender", "until < $1"), true};
static const struct sweep points = {SWEEP("points", "seen, node, sender", "seen < $1"), true};
static const struct sweep news = {SWEEP("news", "kept, number, name", "kept < $1 AND due = 0"), true};
static const struct sweep lives = {SWEEP("lives", "seen, node, life", FOLLOWED), false};

static int sweep(struct store *store, const struct sweep *what, moment end, struct error *error)
{
    struct place place = {.keys = {INTEGER(end), INTEGER(INT64_MIN), INTEGER(INT64_MIN)}};
    if (what->text)
        place.keys[2] = STRING("");
    int rows = STORE_RUN(store, what->reach, place_row, &place, error, INTEGER(end), INTEGER(ROWS - 1));
    if (rows >= 0)
        rows =
            STORE_RUN(store, what->drop, NULL, NULL, error, INTEGER(end), place.keys[0], place.keys[1], place.keys[2]);
    return rows < 0 ? rows : rows >= ROWS;
}

#define ENDED "(CASE WHEN d.until = 0 THEN d.time + $2 ELSE d.until END) < $1"

/* Of two directives at once: each has as many as there are nodes. */
static int drop_acknowledgements(struct store *store, moment end, struct error *error)
{
    int rows =
        STORE_RUN(store,
                  "DELETE FROM acknowledgements WHERE revision IN (SELECT d.revision FROM directives d WHERE " ENDED
                  " AND EXISTS (SELECT 1 FROM acknowledgements a WHERE a.revision = d.revision)"
                  " ORDER BY d.revision LIMIT 2)",
                  NULL, NULL, error, INTEGER(end), INTEGER(LONGEST));
    return rows < 0 ? rows : rows > 0;
}

/* With what they were told long ago nodes have nothing to do; who ordered it stays as long in the audit. */
static int drop_directives(struct store *store, moment end, struct error *error)
{
    int rows = STORE_RUN(store,
                         "DELETE FROM directives WHERE revision IN (SELECT d.revision FROM directives d WHERE " ENDED
                         " ORDER BY d.revision LIMIT $3)",
                         NULL, NULL, error, INTEGER(end), INTEGER(LONGEST), INTEGER(ROWS));
    return rows < 0 ? rows : rows >= ROWS;
}

/* A body of which no campaign was made is looked for among others for two hours; one that was, for six. */
#define OLD_BODIES                                                                                                     \
    "body IN (SELECT body FROM bodies WHERE seen < $1 AND (until = 0 OR seen < $2) ORDER BY seen, body LIMIT $3)"

static int drop_bodies(struct store *store, moment now, struct error *error)
{
    const struct value bounds[] = {INTEGER(now - 2 * HOUR), INTEGER(now - 6 * HOUR), INTEGER(BODIES)};
    int rows = engine_queue(store->engine, "DELETE FROM body_parts WHERE " OLD_BODIES, bounds, 3, error);
    if (rows >= 0)
        rows = engine_queue(store->engine, "DELETE FROM body_senders WHERE " OLD_BODIES, bounds, 3, error);
    if (rows >= 0)
        rows = engine_run(store->engine, "DELETE FROM bodies WHERE " OLD_BODIES, bounds, 3, NULL, NULL, error);
    return rows < 0 ? rows : rows >= BODIES;
}

/* They are few, and each is long: in the order of an index. */
static int drop_reports(struct store *store, moment end, struct error *error)
{
    int rows = STORE_RUN(store, "DELETE FROM reports WHERE made < $1", NULL, NULL, error, INTEGER(end));
    return rows < 0 ? rows : 0;
}

/* --- all of it --- */

static moment begin_of(moment time, duration unit)
{
    return time > 0 ? time - time % unit : 0;
}

int store_tidy(struct store *store, const struct store_retention *keep, moment now, struct error *error)
{
    int believed = ask_clock(store, now, error), more = 0;
    if (believed <= 0)
        return believed;
    const struct {
        const struct tier *tier;
        moment end;
    } tiers[] = {{&minutes, begin_of(now - keep->minutes, HOUR)},
                 {&hours, begin_of(now - keep->hours, DAY)},
                 {&days, begin_of(now - keep->days, DAY)}};
    const struct {
        const struct sweep *what;
        moment end;
    } sweeps[] = {{&records, now - keep->records},
                  {&senders, now - keep->days},
                  {&lives, now - keep->audit},
                  {&orders, now - DAY}, /* ended: shown no more; a node's clock may be behind ours */
                  {&asked, now - DAY},
                  {&points, now - 2 * HOUR},
                  {&news, now},
                  {&audit, now - keep->audit}};
    int left = 0;
    for (size_t i = 0; i < sizeof tiers / sizeof tiers[0] && left >= 0; i++, more |= left > 0)
        left = take_from_tier(store, tiers[i].tier, tiers[i].end, error);
    for (size_t i = 0; i < sizeof sweeps / sizeof sweeps[0] && left >= 0; i++, more |= left > 0)
        left = sweep(store, sweeps[i].what, sweeps[i].end, error);
    if (left >= 0)
        left = drop_acknowledgements(store, now - keep->records, error);
    more |= left > 0;
    if (left >= 0)
        left = drop_bodies(store, now, error);
    more |= left > 0;
    if (left >= 0)
        left = store_age_messages(store, keep, now, error);
    more |= left > 0;
    if (left >= 0)
        left = store_age_complaints(store, keep->complaints, now, error);
    more |= left > 0;
    if (left >= 0 && keep->bulk)
        left = store_bulk_tidy(store, keep->bulk, now, error);
    more |= left > 0;
    if (left >= 0 && keep->reports)
        left = drop_reports(store, now - keep->reports, error);
    if (left >= 0)
        left = drop_directives(store, now - keep->audit, error);
    return left < 0 ? left : more || left > 0;
}
