/* See reckon.h: the lease, what a round takes and what it leaves. */
#include "collector/store/reckon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "collector/store/reckon_own.h"
#include "common/cleanup.h"

#define TAKEN_MOST   2000 /* rows in a round */
#define OF_NODE_MOST 500  /* of them of one node */
#define DUE_MOST     500  /* news that are looked at again */

struct lease {
    int64_t holder, until, waiting, due;
};

static bool lease_row(void *context, const struct value *columns, size_t count)
{
    struct lease *lease = context;
    (void)count;
    *lease = (struct lease){columns[0].integer, columns[1].integer, columns[2].integer, columns[3].integer};
    return true;
}

/* One that ends later than any lease can is of a clock that was ahead. */
static bool is_in_force(const struct lease *lease, moment now)
{
    return lease->until > now && lease->until <= now + 2 * RECKON_LEASE;
}

int store_reckon_wanted(struct store *store, const struct store_reckoner *reckoner, moment now, struct error *error)
{
    struct lease lease = {0};
    int rows = STORE_RUN(store,
                         "SELECT holder, until, (SELECT COUNT(*) FROM (SELECT 1 FROM heard LIMIT 1) AS one), "
                         "(SELECT COUNT(*) FROM (SELECT 1 FROM news WHERE due > 0 AND due <= $1 LIMIT 1) AS one) "
                         "FROM reckoning WHERE only_one = 1",
                         lease_row, &lease, error, INTEGER(now));
    if (rows < 0)
        return rows;
    return (lease.waiting || lease.due) && (lease.holder == reckoner->holder || !is_in_force(&lease, now));
}

int reckon_take_lease(struct store *store, const struct store_reckoner *reckoner, moment now, struct error *error)
{
    int rows = STORE_RUN(store,
                         "UPDATE reckoning SET holder = $1, until = $2 WHERE only_one = 1 AND "
                         "(holder = $1 OR until <= $3 OR until > $4)",
                         NULL, NULL, error, INTEGER(reckoner->holder), INTEGER(now + RECKON_LEASE), INTEGER(now),
                         INTEGER(now + 2 * RECKON_LEASE));
    return rows < 0 ? rows : rows == 1 ? 0 : error_set(error, EAGAIN, "another collector reckons");
}

struct taking {
    struct heard *rows;
    size_t count, given, of_node;
};

static bool heard_row(void *context, const struct value *columns, size_t count)
{
    struct taking *taking = context;
    (void)count;
    struct heard *row = &taking->rows[taking->count];
    bool same = taking->count > 0 && row[-1].node == columns[0].integer;
    taking->given++;
    taking->of_node = same ? taking->of_node + 1 : 1;
    if (taking->of_node > OF_NODE_MOST)
        return true;
    *row = (struct heard){.node = columns[0].integer,
                          .life = columns[1].integer,
                          .sequence = columns[2].integer,
                          .recipients = columns[7].integer,
                          .messages = columns[8].integer,
                          .domains = columns[9].integer,
                          .known = columns[10].integer,
                          .points = columns[11].integer,
                          .score = columns[12].integer};
    store_copy(columns[3].text, row->kind, sizeof row->kind);
    store_copy(columns[4].text, row->name, sizeof row->name);
    store_copy(columns[5].text, row->sender, sizeof row->sender);
    store_copy(columns[6].text, row->customer, sizeof row->customer);
    taking->count++;
    return true;
}

#define HEARD                                                                                                          \
    "SELECT node, life, sequence, kind, name, sender, customer, recipients, messages, domains, known, points, score "  \
    "FROM heard WHERE node > $1 ORDER BY node, life, sequence, kind, name LIMIT $2"

/* What is taken is gone with this transaction. What came meanwhile for a place before these is not seen by it, and
 * stays. */
static int drop(struct store *store, const struct taking *taking, struct error *error)
{
    int rows = 0;
    for (size_t i = 0; i < taking->count && rows >= 0; i++) {
        const struct heard *row = &taking->rows[i];
        if (i + 1 < taking->count && row[1].node == row->node)
            continue;
        rows = STORE_QUEUE(
            store, "DELETE FROM heard WHERE node = $1 AND (life, sequence, kind, name) <= ($2, $3, $4, $5)", error,
            INTEGER(row->node), INTEGER(row->life), INTEGER(row->sequence), STRING(row->kind), STRING(row->name));
    }
    return rows < 0 ? rows : 0;
}

/* --- what is to be looked at again by itself --- */

static bool due_row(void *context, const struct value *columns, size_t count)
{
    struct taking *taking = context;
    struct heard *row = &taking->rows[taking->count++];
    (void)count;
    *row = (struct heard){.node = 0};
    snprintf(row->kind, sizeof row->kind, "%s",
             text_equals(columns[0].text, TEXT("standing")) ? "order" : "points"); /* as if a node had spoken of it */
    store_copy(columns[1].text, row->name, sizeof row->name);
    return true;
}

static int take_due(struct store *store, struct taking *taking, moment now, struct error *error)
{
    size_t from = taking->count;
    int rows = STORE_RUN(store, "SELECT kind, name FROM news WHERE due > 0 AND due <= $1 ORDER BY due LIMIT $2",
                         due_row, taking, error, INTEGER(now), INTEGER(DUE_MOST));
    for (size_t i = from; i < taking->count && rows >= 0; i++)
        rows = STORE_QUEUE(store, "UPDATE news SET due = 0 WHERE kind = $1 AND name = $2", error,
                           STRING(strcmp(taking->rows[i].kind, "order") == 0 ? "standing" : "customer"),
                           STRING(taking->rows[i].name));
    return rows < 0 ? rows : 0;
}

static void free_rows(struct heard **rows)
{
    free(*rows);
    *rows = NULL;
}

int store_reckon(struct store *store, struct store_reckoner *reckoner, moment now, struct error *error)
{
    CLEANUP(free_rows) struct heard *rows = calloc(TAKEN_MOST + DUE_MOST, sizeof *rows);
    struct taking taking = {.rows = rows};
    if (rows == NULL)
        return error_set(error, ENOMEM, "no memory for a round");
    int failure = reckon_take_lease(store, reckoner, now, error);
    if (failure < 0)
        return failure;
    int given = STORE_RUN(store, HEARD, heard_row, &taking, error, INTEGER(reckoner->node), INTEGER(TAKEN_MOST));
    if (given < 0)
        return given;
    const struct taking heard = taking;
    failure = drop(store, &heard, error);
    if (failure == 0)
        failure = take_due(store, &taking, now, error);
    struct round round = {.store = store, .now = now, .rows = rows, .count = taking.count};
    if (failure == 0)
        failure = reckon_bodies(&round, error);
    if (failure == 0)
        failure = reckon_counts(&round, error);
    if (failure == 0)
        failure = reckon_points(&round, error);
    if (failure == 0)
        failure = reckon_standings(&round, error);
    if (failure < 0)
        return failure;
    /* To the end, and then from the front again. */
    bool to_the_end = heard.given < TAKEN_MOST, from_the_front = reckoner->node == INT64_MIN;
    reckoner->node = to_the_end ? INT64_MIN : rows[heard.count - 1].node;
    reckoner->more = !to_the_end || !from_the_front || heard.given > heard.count || taking.count > heard.count;
    reckoner->taken += heard.count;
    return round.told;
}

/* --- names --- */

int names_create(struct names *names, const struct round *round, struct error *error)
{
    *names = (struct names){calloc(round->count + 1, sizeof *names->names), 0};
    return names->names ? 0 : error_set(error, ENOMEM, "no memory for a round");
}

void names_add(struct names *names, const char *name)
{
    names->names[names->count++] = name;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void names_settle(struct names *names)
{
    size_t kept = 0;
    qsort(names->names, names->count, sizeof *names->names, by_bytes);
    for (size_t i = 0; i < names->count; i++)
        if (kept == 0 || strcmp(names->names[kept - 1], names->names[i]) != 0)
            names->names[kept++] = names->names[i];
    names->count = kept;
}

void names_clear(struct names *names)
{
    free(names->names);
    *names = (struct names){NULL, 0};
}
