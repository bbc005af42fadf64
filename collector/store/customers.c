/* Customers and campaigns, as people see them. What each customer sent on each node in the last day is summed up in
 * `shares` by the reckoning, a few nodes at a time. Who asks gets these sums, and of nodes that have said something
 * since, some are summed up while he waits: all of a small fleet, those that were summed up longest ago of a big one,
 * where the others' figures are some minutes old. */
#include <errno.h>
#include <stdlib.h>
#include "collector/store/customers.h"
#include "collector/store/reckon_own.h"

#define NODES_AT_ONCE 4
#define AGAIN         (10 * SECOND) /* a node that delivers all the time */
#define STALE         HOUR          /* the day has moved on */
#define FRESH_MOST    "64"

/* With each node what is known of its sums, and whether it has delivered something since. */
#define SUMMED  "FROM nodes n LEFT JOIN summed u ON u.node = n.node WHERE "
#define CHANGED "(u.delivered IS NULL OR u.delivered <> n.seen)"

/* The nodes whose rows themselves are read. */
#define FRESH                                                                                                          \
    "fresh AS (SELECT n.node " SUMMED "u.node IS NULL UNION SELECT node FROM (SELECT n.node " SUMMED CHANGED           \
    " AND u.node IS NOT NULL ORDER BY u.time, n.node LIMIT " FRESH_MOST ") AS longest)"

#define SUMS_OF_CUSTOMER MESSAGES ", " REJECTED ", " RECIPIENTS
#define MESSAGES         STORE_SUM("messages") " AS messages"
#define REJECTED         STORE_SUM("rejected") " AS rejected"
#define RECIPIENTS       STORE_SUM("recipients") " AS recipients"
#define CONNECTIONS      STORE_SUM("connections") " AS connections"
#define BYTES            STORE_SUM("bytes") " AS bytes"
#define SENDERS          STORE_SUM("senders") " AS senders"

/* Of the last day ($1), of the nodes in `which`. */
#define ROWS_OF(which)                                                                                                 \
    "SELECT h.customer, h.sender, h.node, h.messages, h.rejected, h.recipients FROM " which                            \
    " w JOIN hours h ON h.node = w.node AND h.time >= $1 WHERE h.customer <> '' UNION ALL "                            \
    "SELECT m.customer, m.sender, m.node, m.messages, m.rejected, m.recipients FROM " which                            \
    " w JOIN minutes m ON m.node = w.node AND m.time >= $1 WHERE m.customer <> ''"
#define SHARES_OF(which)                                                                                               \
    "SELECT node, customer, COUNT(DISTINCT sender) AS senders, " SUMS_OF_CUSTOMER                                      \
    " FROM (" ROWS_OF(which) ") AS counts GROUP BY node, customer"
#define SHARES_OF_FRESH SHARES_OF("fresh")
#define SHARES_OF_ONE   SHARES_OF("(SELECT node FROM nodes WHERE node = $2)")

#define CUSTOMERS                                                                                                      \
    "WITH " FRESH ", each_node AS (" SHARES_OF_FRESH " UNION ALL SELECT node, customer, senders, messages, rejected, " \
    "recipients FROM shares WHERE node NOT IN (SELECT node FROM fresh)), sums AS (SELECT customer, " SENDERS ", "      \
    "COUNT(*) AS nodes, " SUMS_OF_CUSTOMER " FROM each_node GROUP BY customer ORDER BY 4 DESC, customer LIMIT $2) "    \
    "SELECT s.customer, s.senders, s.nodes, s.messages, s.rejected, s.recipients, (SELECT COALESCE(SUM(p.points), 0) " \
    "FROM points p WHERE p.customer = s.customer AND p.seen > $3) FROM sums s ORDER BY s.messages DESC, s.customer"

#define POINTS_LAST (2 * HOUR)

struct customers_listener {
    void (*each)(void *, const struct store_customer *);
    void *context;
};

static bool customer_row(void *context, const struct value *columns, size_t count)
{
    const struct customers_listener *listener = context;
    const struct store_customer customer = {.customer = columns[0].text,
                                            .senders = columns[1].integer,
                                            .nodes = columns[2].integer,
                                            .messages = columns[3].integer,
                                            .rejected = columns[4].integer,
                                            .recipients = columns[5].integer,
                                            .points = columns[6].integer};
    (void)count;
    listener->each(listener->context, &customer);
    return true;
}

int store_customers(struct store *store, uint32_t most, moment now, void (*each)(void *, const struct store_customer *),
                    void *context, struct error *error)
{
    struct customers_listener listener = {each, context};
    int rows = STORE_RUN(store, CUSTOMERS, customer_row, &listener, error, INTEGER(store_day_before(now)),
                         INTEGER(most), INTEGER(now - POINTS_LAST));
    return rows < 0 ? rows : 0;
}

/* --- summing up --- */

struct some_nodes {
    int64_t ids[NODES_AT_ONCE], seen[NODES_AT_ONCE];
    size_t count;
};

static bool node_row(void *context, const struct value *columns, size_t count)
{
    struct some_nodes *nodes = context;
    (void)count;
    nodes->ids[nodes->count] = columns[0].integer;
    nodes->seen[nodes->count++] = columns[1].integer;
    return nodes->count < NODES_AT_ONCE;
}

static int sum_up(struct store *store, int64_t node, int64_t seen, moment now, struct error *error)
{
    int rows = STORE_QUEUE(store, "DELETE FROM shares WHERE node = $1", error, INTEGER(node));
    if (rows >= 0)
        rows = STORE_QUEUE(
            store, "INSERT INTO shares (node, customer, senders, messages, rejected, recipients) " SHARES_OF_ONE, error,
            INTEGER(store_day_before(now)), INTEGER(node));
    if (rows >= 0)
        rows = STORE_QUEUE(store,
                           "INSERT INTO summed (node, time, delivered) VALUES ($1, $2, $3) ON CONFLICT (node) "
                           "DO UPDATE SET time = excluded.time, delivered = excluded.delivered",
                           error, INTEGER(node), INTEGER(now), INTEGER(seen));
    return rows < 0 ? rows : 0;
}

int store_reckon_shares(struct store *store, const struct store_reckoner *reckoner, moment now, struct error *error)
{
    struct some_nodes nodes = {0};
    int failure = STORE_RUN(store,
                            "SELECT n.node, n.seen " SUMMED "u.node IS NULL OR (" CHANGED " AND u.time <= $1) OR "
                            "u.time <= $2 OR u.time > $3 ORDER BY COALESCE(u.time, 0), n.node LIMIT $4",
                            node_row, &nodes, error, INTEGER(now - AGAIN), INTEGER(now - STALE), INTEGER(now + HOUR),
                            INTEGER(NODES_AT_ONCE));
    if (failure < 0 || nodes.count == 0)
        return failure < 0 ? failure : 0;
    failure = reckon_take_lease(store, reckoner, now, error);
    for (size_t i = 0; i < nodes.count && failure == 0; i++)
        failure = sum_up(store, nodes.ids[i], nodes.seen[i], now, error);
    return failure == -EAGAIN ? 0 : failure < 0 ? failure : 1;
}

/* --- one customer --- */

#define DAY_OF(table, last)                                                                                            \
    "SELECT t.node, t.sender, t." last " AS seen, t.connections, t.messages, t.rejected, t.recipients, t.bytes "       \
    "FROM places w JOIN " table " t ON t.node = w.node AND t.time >= $1 WHERE t.customer = $2"
#define HOURS_OF_DAY   DAY_OF("hours", "seen")
#define MINUTES_OF_DAY DAY_OF("minutes", "time")

#define MEMBERS                                                                                                        \
    "WITH " FRESH ", places AS (SELECT node FROM fresh UNION SELECT node FROM shares WHERE customer = $2), counts AS " \
    "(" HOURS_OF_DAY " UNION ALL " MINUTES_OF_DAY "), sums AS (SELECT node, sender, MAX(seen) AS seen, " CONNECTIONS   \
    ", " SUMS_OF_CUSTOMER ", " BYTES                                                                                   \
    " FROM counts GROUP BY node, sender), everyone AS (SELECT node, sender FROM sums "                                 \
    "UNION SELECT node, sender FROM senders WHERE customer = $2 UNION SELECT node, sender FROM points WHERE "          \
    "customer = $2) SELECT e.node, n.name, e.sender, COALESCE(NULLIF(s.verdict, ''), 'clear'), COALESCE(s.score, 0), " \
    "COALESCE(s.changed, 0), COALESCE(c.seen, 0), COALESCE(c.connections, 0), COALESCE(c.messages, 0), "               \
    "COALESCE(c.rejected, 0), COALESCE(c.recipients, 0), COALESCE(c.bytes, 0), COALESCE(s.address, ''), "              \
    "COALESCE(p.points, 0) FROM everyone e JOIN nodes n ON n.node = e.node LEFT JOIN senders s ON s.node = e.node "    \
    "AND s.sender = e.sender LEFT JOIN sums c ON c.node = e.node AND c.sender = e.sender LEFT JOIN points p ON "       \
    "p.node = e.node AND p.sender = e.sender AND p.customer = $2 AND p.seen > $4 ORDER BY COALESCE(s.score, 0) DESC, " \
    "e.sender, e.node LIMIT $3"

struct members_listener {
    void (*each)(void *, const struct store_member *);
    void *context;
    struct text customer;
};

static bool member_row(void *context, const struct value *columns, size_t count)
{
    const struct members_listener *listener = context;
    const struct store_member member = {.sender = {.node = columns[0].integer,
                                                   .node_name = columns[1].text,
                                                   .sender = columns[2].text,
                                                   .customer = listener->customer,
                                                   .verdict = columns[3].text,
                                                   .score = columns[4].integer,
                                                   .changed = columns[5].integer,
                                                   .seen = columns[6].integer,
                                                   .connections = columns[7].integer,
                                                   .messages = columns[8].integer,
                                                   .rejected = columns[9].integer,
                                                   .recipients = columns[10].integer,
                                                   .bytes = columns[11].integer},
                                        .address = columns[12].text,
                                        .points = columns[13].integer};
    (void)count;
    listener->each(listener->context, &member);
    return true;
}

int store_members(struct store *store, const char *customer, uint32_t most, moment now,
                  void (*each)(void *, const struct store_member *), void *context, struct error *error)
{
    struct members_listener listener = {each, context, text_of(customer)};
    int rows = STORE_RUN(store, MEMBERS, member_row, &listener, error, INTEGER(store_day_before(now)), STRING(customer),
                         INTEGER(most), INTEGER(now - POINTS_LAST));
    return rows < 0 ? rows : 0;
}

/* --- campaigns --- */

#define SHOWN 5

struct campaigns {
    struct store *store;
    void (*each)(void *, const struct store_campaign *);
    void *context;
    struct {
        int64_t body, numbers[7];
        char likeness[65];
    } * of;
    size_t count;
};

static bool campaign_row(void *context, const struct value *columns, size_t count)
{
    struct campaigns *campaigns = context;
    (void)count;
    campaigns->of[campaigns->count].body = columns[0].integer;
    store_copy(columns[1].text, campaigns->of[campaigns->count].likeness, sizeof campaigns->of->likeness);
    for (size_t i = 0; i < 7; i++)
        campaigns->of[campaigns->count].numbers[i] = columns[2 + i].integer;
    campaigns->count++;
    return true;
}

static bool some_row(void *context, const struct value *columns, size_t count)
{
    struct buffer *some = context;
    (void)count;
    return (some->length == 0 || buffer_append(some, TEXT(", "))) && buffer_append(some, columns[0].text);
}

/* Its customers, or who sends where none is known. */
static int name_some(struct campaigns *campaigns, size_t i, struct buffer *some, struct error *error)
{
    int rows = STORE_RUN(campaigns->store,
                         "SELECT CASE WHEN customer = '' THEN sender ELSE customer END AS name FROM body_senders WHERE "
                         "body = $1 AND known = 0 GROUP BY 1 ORDER BY SUM(recipients) DESC, 1 LIMIT $2",
                         some_row, some, error, INTEGER(campaigns->of[i].body), INTEGER(SHOWN));
    return rows < 0 ? rows : 0;
}

static int tell_campaigns(struct campaigns *campaigns, struct error *error)
{
    int failure = 0;
    for (size_t i = 0; i < campaigns->count && failure == 0; i++) {
        const int64_t *numbers = campaigns->of[i].numbers;
        struct buffer some;
        buffer_init(&some, (size_t)SHOWN * 300);
        failure = name_some(campaigns, i, &some, error);
        const struct store_campaign campaign = {.likeness = text_of(campaigns->of[i].likeness),
                                                .first = numbers[0],
                                                .seen = numbers[1],
                                                .until = numbers[2],
                                                .customers = numbers[3],
                                                .senders = numbers[4],
                                                .nodes = numbers[5],
                                                .recipients = numbers[6],
                                                .some = buffer_text(&some)};
        if (failure == 0)
            campaigns->each(campaigns->context, &campaign);
        buffer_clear(&some);
    }
    return failure;
}

int store_campaigns(struct store *store, uint32_t most, moment now, void (*each)(void *, const struct store_campaign *),
                    void *context, struct error *error)
{
    struct campaigns campaigns = {store, each, context, calloc(most, sizeof *campaigns.of), 0};
    if (campaigns.of == NULL)
        return error_set(error, ENOMEM, "no memory for campaigns");
    int rows = STORE_RUN(store,
                         "SELECT body, likeness, first, seen, until, customers, senders, nodes, recipients FROM bodies "
                         "WHERE until > $1 ORDER BY until DESC, body LIMIT $2",
                         campaign_row, &campaigns, error, INTEGER(now), INTEGER(most));
    if (rows >= 0)
        rows = tell_campaigns(&campaigns, error);
    free(campaigns.of);
    return rows < 0 ? rows : 0;
}
