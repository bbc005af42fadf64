/* What deliveries leave for the reckoning (reckon.h): bodies, points, and whose orders changed. Rows are only added
 * here, under the number of the record that said it, and only taken there: so the way of a record never waits for the
 * reckoning, and nothing that commits late is passed over. What a node can have waiting is bounded. */
#include "collector/store/store_own.h"

#define WAITING_MOST 5000         /* rows of a node */
#define APART        (5 * MINUTE) /* further from now than this a node's moment counts for nothing elsewhere */

#define COLUMNS                                                                                                        \
    "node, life, sequence, kind, name, sender, customer, recipients, messages, domains, known, points, score"

static bool is_of_now(moment told, moment now)
{
    return told >= now - APART && told <= now + APART;
}

static int waiting(struct store *store, int64_t node, int64_t *result, struct error *error)
{
    *result = 0;
    int rows = STORE_RUN(store, "SELECT COUNT(*) FROM (SELECT 1 FROM heard WHERE node = $1 LIMIT $2) AS counted",
                         store_row_integer, result, error, INTEGER(node), INTEGER(WAITING_MOST));
    return rows < 0 ? rows : 0;
}

static int add(struct store *store, int64_t node, int64_t life, const struct store_record *record, struct error *error)
{
    bool body = record->said == STORE_BODY;
    const struct value row[] = {INTEGER(node),
                                INTEGER(life),
                                INTEGER(record->sequence),
                                VALUE_TEXT(record->kind),
                                VALUE_TEXT(body ? record->body.likeness : record->customer),
                                VALUE_TEXT(record->sender),
                                VALUE_TEXT(record->customer),
                                INTEGER(body ? record->body.recipients : 0),
                                INTEGER(body ? record->body.messages : 0),
                                INTEGER(body ? record->body.domains : 0),
                                INTEGER(body ? record->body.known : 0),
                                INTEGER(body ? 0 : record->points.points),
                                INTEGER(body ? 0 : record->points.score)};
    return engine_bulk_row(store->engine, row, error);
}

int store_heard(struct store *store, int64_t node, int64_t life, const struct store_record **records, size_t count,
                struct error *error)
{
    int64_t rows;
    int failure = waiting(store, node, &rows, error);
    if (failure == 0)
        failure = engine_bulk_begin(store->engine, "heard", COLUMNS, 13, error);
    for (size_t i = 0; i < count && failure == 0 && rows < WAITING_MOST; i++) {
        const struct store_record *record = records[i];
        moment told = record->said == STORE_BODY ? record->body.told : record->points.told;
        if (!is_of_now(told, store->received) || (record->said == STORE_POINTS && record->customer.length == 0))
            continue;
        failure = add(store, node, life, record, error);
        rows++;
    }
    return failure < 0 ? failure : engine_bulk_end(store->engine, error);
}

int store_heard_revoked(struct store *store, int64_t node, moment now, struct error *error)
{
    int rows =
        STORE_QUEUE(store,
                    "INSERT INTO heard (" COLUMNS ") SELECT DISTINCT $1, 0, $2, 'order', standing, '', '', 0, 0, "
                    "0, 0, 0, 0 FROM orders WHERE node = $1 AND standing <> ''",
                    error, INTEGER(node), INTEGER(now));
    if (rows >= 0)
        rows =
            STORE_QUEUE(store,
                        "INSERT INTO heard (" COLUMNS ") SELECT DISTINCT $1, 0, $2, 'points', customer, '', customer,"
                        " 0, 0, 0, 0, 0, 0 FROM points WHERE node = $1",
                        error, INTEGER(node), INTEGER(now));
    return rows < 0 ? rows : 0;
}
