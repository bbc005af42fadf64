/* What nodes deliver. The records, the number up to which their life is delivered and what is drawn from them are one
 * transaction, so a batch that comes twice counts once. Of what stands for the latest of a sender, a batch writes the
 * latest alone; counts are held to the bounds of what a node can truly have counted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "collector/store/store_own.h"

int store_delivered(struct store *store, int64_t node, int64_t life, int64_t *result, struct error *error)
{
    *result = 0;
    int rows = STORE_RUN(store, "SELECT delivered FROM lives WHERE node = $1 AND life = $2", store_row_integer, result,
                         error, INTEGER(node), INTEGER(life));
    return rows < 0 ? rows : 0;
}

/* --- what is drawn from records --- */

/* Each takes its kind's records: all that are of it, in the order of senders, those of one as they came. */
typedef int draw(struct store *, int64_t node, int64_t life, const struct store_record **, size_t count,
                 struct error *);

static bool is_last_of_sender(const struct store_record **records, size_t at, size_t count)
{
    return at + 1 == count || !text_equals(records[at]->sender, records[at + 1]->sender);
}

static int draw_verdicts(struct store *store, int64_t node, int64_t life, const struct store_record **records,
                         size_t count, struct error *error)
{
    const struct store_record *newest = NULL;
    int rows = 0;
    (void)life;
    for (size_t i = 0; i < count && rows >= 0; i++) {
        newest = newest && newest->time > records[i]->time ? newest : records[i];
        if (!is_last_of_sender(records, i, count))
            continue;
        /* An older verdict that comes late, from a former life, does not stand over a newer one. */
        rows = STORE_QUEUE(store,
                           "INSERT INTO senders (node, sender, customer, verdict, score, changed, address) "
                           "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (node, sender) DO UPDATE SET "
                           "customer = excluded.customer, verdict = excluded.verdict, score = excluded.score, "
                           "changed = excluded.changed, address = CASE WHEN excluded.address = '' THEN "
                           "senders.address ELSE excluded.address END WHERE excluded.changed >= senders.changed OR "
                           "senders.verdict = ''",
                           error, INTEGER(node), VALUE_TEXT(newest->sender), VALUE_TEXT(newest->customer),
                           VALUE_TEXT(newest->verdict.word), INTEGER(newest->verdict.score), INTEGER(newest->time),
                           VALUE_TEXT(newest->address));
        newest = NULL;
    }
    return rows;
}

/* At which address a sender was seen is known also of one that never had a verdict (it is ''): a blacklist's word, or
 * somebody's complaint, may be the first that is heard of it. Only what changed is written. */
static int draw_addresses(struct store *store, int64_t node, const struct store_record **records, size_t count,
                          struct error *error)
{
    struct text latest = {"", 0};
    int rows = 0;
    for (size_t i = 0; i < count && rows >= 0; i++) {
        latest = records[i]->address.length ? records[i]->address : latest;
        if (!is_last_of_sender(records, i, count))
            continue;
        if (latest.length)
            rows = STORE_QUEUE(store,
                               "INSERT INTO senders (node, sender, customer, verdict, score, changed, address) VALUES "
                               "($1, $2, $3, '', 0, $4, $5) ON CONFLICT (node, sender) DO NOTHING",
                               error, INTEGER(node), VALUE_TEXT(records[i]->sender), VALUE_TEXT(records[i]->customer),
                               INTEGER(records[i]->time), VALUE_TEXT(latest));
        if (latest.length && rows >= 0)
            rows =
                STORE_QUEUE(store,
                            "UPDATE senders SET address = $3, customer = CASE WHEN verdict = '' THEN $4 ELSE customer "
                            "END WHERE node = $1 AND sender = $2 AND (address <> $3 OR (verdict = '' AND "
                            "customer <> $4))",
                            error, INTEGER(node), VALUE_TEXT(records[i]->sender), VALUE_TEXT(latest),
                            VALUE_TEXT(records[i]->customer));
        latest = (struct text){"", 0};
    }
    return rows;
}

static int64_t within(int64_t count)
{
    return count < 0 ? 0 : count > STORE_COUNT_MOST ? STORE_COUNT_MOST : count;
}

/* Added and never looked for: its number tells it from what else there is of that minute. */
static int draw_traffic(struct store *store, int64_t node, int64_t life, const struct store_record **records,
                        size_t count, struct error *error)
{
    int failure = engine_bulk_begin(
        store->engine, "minutes",
        "node, time, sender, life, sequence, customer, connections, messages, rejected, recipients, bytes", 11, error);
    for (size_t i = 0; i < count && failure == 0; i++) {
        const struct store_record *record = records[i];
        const struct value row[] = {INTEGER(node),
                                    INTEGER(record->time - record->time % MINUTE),
                                    VALUE_TEXT(record->sender),
                                    INTEGER(life),
                                    INTEGER(record->sequence),
                                    VALUE_TEXT(record->customer),
                                    INTEGER(within(record->traffic.connections)),
                                    INTEGER(within(record->traffic.messages)),
                                    INTEGER(within(record->traffic.rejected)),
                                    INTEGER(within(record->traffic.recipients)),
                                    INTEGER(within(record->traffic.bytes))};
        failure = engine_bulk_row(store->engine, row, error);
    }
    failure = failure < 0 ? failure : engine_bulk_end(store->engine, error);
    return failure < 0 ? failure : draw_addresses(store, node, records, count, error);
}

static int draw_orders_anew(struct store *store, int64_t node, int64_t life, const struct store_record **records,
                            size_t count, struct error *error)
{
    return store_orders_forget(store, node, life, records[count - 1]->sequence, error);
}

static int draw_orders(struct store *store, int64_t node, int64_t life, const struct store_record **records,
                       size_t count, struct error *error)
{
    int failure = 0;
    for (size_t i = 0; i < count && failure == 0; i++)
        if (is_last_of_sender(records, i, count))
            failure = store_order_told(store, node, life, records[i], error);
    return failure;
}

static int draw_acknowledgements(struct store *store, int64_t node, int64_t life, const struct store_record **records,
                                 size_t count, struct error *error)
{
    int64_t highest, done = 0;
    int rows = store_revision(store, &highest, error);
    (void)life;
    for (size_t i = 0; i < count && rows >= 0; i++) {
        int64_t revision = records[i]->acknowledgement.revision;
        if (revision <= 0 || revision > highest) /* none was given that is so high */
            continue;
        rows = STORE_QUEUE(store,
                           "INSERT INTO acknowledgements (node, revision, time, done, text) "
                           "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (node, revision) DO UPDATE SET "
                           "time = excluded.time, done = excluded.done, text = excluded.text",
                           error, INTEGER(node), INTEGER(revision), INTEGER(records[i]->time),
                           INTEGER(records[i]->acknowledgement.done), VALUE_TEXT(records[i]->acknowledgement.text));
        done = revision > done ? revision : done;
    }
    if (rows >= 0 && done > 0)
        rows = STORE_QUEUE(store, "UPDATE nodes SET acknowledged = $2 WHERE node = $1 AND acknowledged < $2", error,
                           INTEGER(node), INTEGER(done));
    return rows;
}

static int by_sender(const void *a, const void *b)
{
    const struct store_record *left = *(const struct store_record *const *)a;
    const struct store_record *right = *(const struct store_record *const *)b;
    size_t length = left->sender.length < right->sender.length ? left->sender.length : right->sender.length;
    int order = length ? memcmp(left->sender.bytes, right->sender.bytes, length) : 0;
    if (order == 0)
        order = (left->sender.length > right->sender.length) - (left->sender.length < right->sender.length);
    return order ? order : (left->sequence > right->sequence) - (left->sequence < right->sequence);
}

/* Where the orders begin that are not told anew behind it. */
static size_t behind_orders_anew(const struct store_record *records, size_t count)
{
    while (count > 0 && records[count - 1].said != STORE_ORDERS)
        count--;
    return count;
}

static int draw_from(struct store *store, int64_t node, int64_t life, const struct store_record *records, size_t count,
                     struct error *error)
{
    static const struct {
        enum store_said said;
        draw *draw;
        bool senders; /* what is about none is passed over */
    } kinds[] = {{STORE_TRAFFIC, draw_traffic, true},
                 {STORE_VERDICT, draw_verdicts, true},
                 {STORE_ORDERS, draw_orders_anew, false},
                 {STORE_ORDER, draw_orders, true},
                 {STORE_ACKNOWLEDGEMENT, draw_acknowledgements, false},
                 {STORE_BODY, store_heard, true},
                 {STORE_POINTS, store_heard, true}};
    const struct store_record **some = calloc(count + 1, sizeof *some);
    int result = some ? 0 : error_set(error, ENOMEM, "no memory for records");
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0] && result >= 0; k++) {
        size_t found = 0, from = kinds[k].said == STORE_ORDER ? behind_orders_anew(records, count) : 0;
        for (size_t i = from; i < count; i++)
            if (records[i].said == kinds[k].said && (records[i].sender.length > 0 || !kinds[k].senders))
                some[found++] = &records[i];
        if (found == 0)
            continue;
        qsort(some, found, sizeof *some, by_sender);
        result = kinds[k].draw(store, node, life, some, found, error);
    }
    free(some);
    return result < 0 ? result : 0;
}

#define FEW 8

/* A few rows go out with what follows them, and wait for no answer of their own. */
static int insert_few(struct store *store, int64_t node, int64_t life, const struct store_record *records, size_t count,
                      moment now, struct error *error)
{
    int failure = 0;
    for (size_t i = 0; i < count && failure == 0; i++)
        failure =
            STORE_QUEUE(store,
                        "INSERT INTO records (node, life, sequence, received, time, kind, sender, customer, line) "
                        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                        error, INTEGER(node), INTEGER(life), INTEGER(records[i].sequence), INTEGER(now),
                        INTEGER(records[i].time), VALUE_TEXT(records[i].kind), VALUE_TEXT(records[i].sender),
                        VALUE_TEXT(records[i].customer), VALUE_TEXT(records[i].line));
    return failure;
}

static int insert(struct store *store, int64_t node, int64_t life, const struct store_record *records, size_t count,
                  moment now, struct error *error)
{
    int failure = engine_bulk_begin(store->engine, "records",
                                    "node, life, sequence, received, time, kind, sender, customer, line", 9, error);
    for (size_t i = 0; i < count && failure == 0; i++) {
        const struct store_record *record = &records[i];
        const struct value row[] = {INTEGER(node),
                                    INTEGER(life),
                                    INTEGER(record->sequence),
                                    INTEGER(now),
                                    INTEGER(record->time),
                                    VALUE_TEXT(record->kind),
                                    VALUE_TEXT(record->sender),
                                    VALUE_TEXT(record->customer),
                                    VALUE_TEXT(record->line)};
        failure = engine_bulk_row(store->engine, row, error);
    }
    return failure < 0 ? failure : engine_bulk_end(store->engine, error);
}

/* Who reads on goes by this moment: what is committed later must not stand before what was. A clock that went back
 * further than this was put right: then its word counts. */
static moment later_than_before(struct store *store, moment now)
{
    bool went_back = now <= store->received && store->received - now < HOUR;
    store->received = went_back ? store->received + 1 : now;
    return store->received;
}

#define OWN      0             /* a life that no node has: numbers of the collector's own records */
#define IN_QUEUE (10 * MINUTE) /* so long, at most, what came may wait until it is stored */

/* Of an own record. Where one collector has the store, several of its threads write, and what came before this may be
 * stored behind it, with the moment at which it came: who reads on, and has this, must not have gone past that. */
static int find_received(struct store *store, moment now, moment *result, struct error *error)
{
    int64_t latest = 0;
    if (store_is_shared(store)) { /* there nothing is told before all that is older is there */
        *result = later_than_before(store, now);
        return 0;
    }
    int rows = STORE_RUN(store, "SELECT COALESCE(MAX(received), 0) FROM records WHERE received < $1", store_row_integer,
                         &latest, error, INTEGER(now + HOUR));
    *result = latest + 1 > now - IN_QUEUE ? latest + 1 : now - IN_QUEUE;
    return rows < 0 ? rows : 0;
}

int store_event_add(struct store *store, int64_t node, const char *kind, struct text sender, struct text customer,
                    struct text line, moment now, struct error *error)
{
    int64_t sequence = 0;
    moment received = 0;
    int rows = find_received(store, now, &received, error);
    if (rows == 0)
        rows = STORE_RUN(store, "SELECT COALESCE(MAX(sequence), 0) + 1 FROM records WHERE node = $1 AND life = $2",
                         store_row_integer, &sequence, error, INTEGER(node), INTEGER(OWN));
    const struct store_record record = {
        .sequence = sequence, .time = now, .kind = text_of(kind), .sender = sender, .customer = customer, .line = line};
    return rows < 0 ? rows : insert_few(store, node, OWN, &record, 1, received, error);
}

int store_deliver(struct store *store, int64_t node, int64_t life, int64_t last, const struct store_record *records,
                  size_t count, moment now, struct error *error)
{
    int64_t before;
    now = later_than_before(store, now);
    int failure = store_delivered(store, node, life, &before, error);
    for (size_t i = 0; i < count && failure == 0; i++) {
        if (records[i].sequence <= before || records[i].sequence > last)
            failure = error_set(error, EINVAL, "sequence %lld is not above the one before and up to %lld",
                                (long long)records[i].sequence, (long long)last);
        before = records[i].sequence;
    }
    if (failure == 0 && count > 0)
        failure = (count > FEW ? insert : insert_few)(store, node, life, records, count, now, error);
    if (failure == 0)
        failure = draw_from(store, node, life, records, count, error);
    if (failure < 0)
        return failure;
    int rows =
        STORE_QUEUE(store,
                    "INSERT INTO lives (node, life, delivered, seen) VALUES ($1, $2, $3, $4) "
                    "ON CONFLICT (node, life) DO UPDATE SET delivered = excluded.delivered, seen = excluded.seen "
                    "WHERE excluded.delivered > lives.delivered",
                    error, INTEGER(node), INTEGER(life), INTEGER(last), INTEGER(now));
    return rows < 0 ? rows : 0;
}
