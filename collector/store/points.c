/* Customers' points over all nodes: what each node holds against the senders of a customer, firmly, adds up there, and
 * the others are told. It takes two nodes that hold a point or more each: what one node alone says of a customer, who
 * may be another's, moves nobody else. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "collector/store/reckon_own.h"

#define LASTS                                                                                                          \
    (2 * HOUR)            /* behind which what a node said of a sender counts no more: points fade by half in an hour  \
                           */
#define STEP         100  /* hundredths: less is nothing, and no change */
#define MUCH         1000 /* what an alert takes */
#define NODES_MOST   64   /* that are told of one customer, those with most points */
#define OF_NODE_MOST 2000 /* senders of one node */

/* --- what was heard --- */

static int of_node(struct round *round, int64_t node, int64_t *result, struct error *error)
{
    *result = 0;
    int rows = STORE_RUN(round->store, "SELECT COUNT(*) FROM points WHERE node = $1", store_row_integer, result, error,
                         INTEGER(node));
    return rows < 0 ? rows : 0;
}

static int hear(struct round *round, const struct heard *row, bool more, struct error *error)
{
    const struct value all[] = {INTEGER(row->node),  STRING(row->sender), INTEGER(row->points),
                                INTEGER(row->score), INTEGER(round->now), STRING(row->customer)};
    int rows;
    if (row->points == 0)
        rows = STORE_QUEUE(round->store, "DELETE FROM points WHERE node = $1 AND sender = $2", error, all[0], all[1]);
    else if (more)
        rows = engine_queue(round->store->engine,
                            "INSERT INTO points (node, sender, points, score, seen, customer) "
                            "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (node, sender) DO UPDATE SET "
                            "points = excluded.points, score = excluded.score, seen = excluded.seen, "
                            "customer = excluded.customer",
                            all, 6, error);
    else
        rows = engine_queue(round->store->engine,
                            "UPDATE points SET points = $3, score = $4, seen = $5, customer = $6 "
                            "WHERE node = $1 AND sender = $2",
                            all, 6, error);
    return rows < 0 ? rows : 0;
}

static int hear_all(struct round *round, struct names *customers, struct error *error)
{
    int64_t count = 0;
    int failure = 0;
    for (size_t i = 0; i < round->count && failure == 0; i++) {
        const struct heard *row = &round->rows[i];
        if (i == 0 || row[-1].node != row->node)
            count = -1;
        if (strcmp(row->kind, "points") != 0)
            continue;
        names_add(customers, row->name);
        if (row->sender[0] == '\0')
            continue;
        if (count < 0)
            failure = of_node(round, row->node, &count, error);
        if (failure == 0)
            failure = hear(round, row, count++ < OF_NODE_MOST, error);
    }
    return failure;
}

/* --- what it comes to --- */

struct share {
    int64_t node, points, senders;
};
struct shares {
    struct share of[NODES_MOST];
    size_t count;
};

static bool told_row(void *context, const struct value *columns, size_t count)
{
    struct shares *shares = context;
    (void)count;
    if (shares->count < NODES_MOST)
        shares->of[shares->count++] = (struct share){columns[0].integer, columns[1].integer, 0};
    return true;
}

/* Where some of a node's senders have much against them, they alone are told: others, who have little, would make it
 * less than it is on the average. */
static bool share_row(void *context, const struct value *columns, size_t count)
{
    struct shares *shares = context;
    bool much = columns[4].integer > 0;
    int64_t points = columns[much ? 3 : 1].integer, senders = columns[much ? 4 : 2].integer;
    (void)count;
    if (shares->count < NODES_MOST)
        shares->of[shares->count++] =
            (struct share){columns[0].integer, points < STORE_POINTS_MOST ? points : STORE_POINTS_MOST, senders};
    return true;
}

static int64_t points_in(const struct shares *shares, int64_t node)
{
    for (size_t i = 0; i < shares->count; i++)
        if (shares->of[i].node == node)
            return shares->of[i].points;
    return 0;
}

static bool differ(const struct shares *a, const struct shares *b)
{
    for (size_t i = 0; i < a->count; i++)
        if (llabs(a->of[i].points - points_in(b, a->of[i].node)) >= STEP)
            return true;
    return false;
}

static int note_told(struct round *round, const char *customer, const struct shares *shares, struct error *error)
{
    int rows = STORE_QUEUE(round->store, "DELETE FROM points_told WHERE customer = $1", error, STRING(customer));
    for (size_t i = 0; i < shares->count && rows >= 0; i++)
        rows = STORE_QUEUE(round->store, "INSERT INTO points_told (customer, node, points) VALUES ($1, $2, $3)", error,
                           STRING(customer), INTEGER(shares->of[i].node), INTEGER(shares->of[i].points));
    return rows < 0 ? rows : 0;
}

/* Of none: it is over, and whoever has it forgets it. */
static int tell(struct round *round, const char *customer, const struct shares *shares, moment until,
                struct error *error)
{
    struct news_item item = {.until = until, .due = shares->count ? until - LASTS / 4 : 0};
    struct json *json = news_begin(&item, "customer", customer);
    json_string(json, "customer", customer);
    json_array_open(json, "nodes");
    for (size_t i = 0; i < shares->count; i++) {
        char id[17];
        snprintf(id, sizeof id, "%016llx", (unsigned long long)shares->of[i].node);
        json_object_open(json, NULL);
        json_string(json, "node", id);
        json_hundredths(json, "points", shares->of[i].points);
        json_integer(json, "senders", shares->of[i].senders);
        json_object_close(json);
    }
    json_array_close(json);
    json_moment(json, "until", until);
    int failure = news_end(round, &item, error);
    return failure < 0 ? failure : note_told(round, customer, shares, error);
}

static int weigh(struct round *round, const char *customer, struct error *error)
{
    struct shares shares = {0}, told = {0};
    int64_t until = 0;
    int rows = STORE_RUN(round->store,
                         "SELECT p.node, SUM(p.points), COUNT(*), SUM(CASE WHEN p.points >= $4 THEN p.points ELSE 0 "
                         "END), SUM(CASE WHEN p.points >= $4 THEN 1 ELSE 0 END) FROM points p JOIN nodes n ON "
                         "n.node = p.node AND n.revoked = 0 WHERE p.customer = $1 AND p.seen > $2 AND p.points >= $5 "
                         "GROUP BY p.node ORDER BY 2 DESC, 1 LIMIT $3",
                         share_row, &shares, error, STRING(customer), INTEGER(round->now - LASTS), INTEGER(NODES_MOST),
                         INTEGER(MUCH), INTEGER(STEP));
    if (rows >= 0)
        rows = STORE_RUN(round->store, "SELECT node, points FROM points_told WHERE customer = $1", told_row, &told,
                         error, STRING(customer));
    if (rows >= 0)
        rows = STORE_RUN(round->store, "SELECT until FROM news WHERE kind = 'customer' AND name = $1",
                         store_row_integer, &until, error, STRING(customer));
    if (rows < 0)
        return rows;
    if (shares.count < 2)
        shares.count = 0;
    bool lapses = shares.count > 0 && until <= round->now + LASTS / 2;
    if (!lapses && !differ(&shares, &told) && !differ(&told, &shares))
        return 0;
    return tell(round, customer, &shares, shares.count ? round->now + LASTS : until, error);
}

int reckon_points(struct round *round, struct error *error)
{
    struct names customers;
    int failure = names_create(&customers, round, error);
    if (failure == 0)
        failure = hear_all(round, &customers, error);
    names_settle(&customers);
    for (size_t i = 0; i < customers.count && failure == 0; i++)
        failure = weigh(round, customers.names[i], error);
    names_clear(&customers);
    return failure;
}
