/* What nodes deliver. The records, the number up to which their life is delivered and what is drawn from them are one
 * transaction, so a batch that comes twice counts once. Only records of three kinds are looked into; their values are
 * held to the bounds of what a node can truly have counted. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>
#include "collector/store/store_own.h"

#define COUNT_MOST ((int64_t)1 << 48) /* of a minute: sums of a year stay far from the end of 64 bits */

int store_delivered(struct store *store, int64_t node, int64_t life, int64_t *result, struct error *error)
{
    *result = 0;
    int rows = STORE_RUN(store, "SELECT delivered FROM lives WHERE node = $1 AND life = $2", store_row_integer, result,
                         error, INTEGER(node), INTEGER(life));
    return rows < 0 ? rows : 0;
}

static int64_t member_count(const json_t *object, const char *key)
{
    int64_t number = json_integer_value(json_object_get(object, key));
    return number < 0 ? 0 : number > COUNT_MOST ? COUNT_MOST : number;
}

static int keep_verdict(struct store *store, int64_t node, const struct store_record *record, const json_t *object,
                        struct error *error)
{
    const char *verdict = json_string_value(json_object_get(object, "verdict"));
    double points = json_number_value(json_object_get(object, "score"));
    int64_t score = points > -1e9 && points < 1e9 ? llround(points * 100) : 0;
    if (!verdict || record->sender.length == 0)
        return 0;
    /* An older verdict that comes late, from a former life, does not stand over a newer one. */
    return STORE_RUN(store,
                     "INSERT INTO senders (node, sender, customer, verdict, score, changed) "
                     "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (node, sender) DO UPDATE SET "
                     "customer = excluded.customer, verdict = excluded.verdict, score = excluded.score, "
                     "changed = excluded.changed WHERE excluded.changed >= senders.changed",
                     NULL, NULL, error, INTEGER(node), VALUE_TEXT(record->sender), VALUE_TEXT(record->customer),
                     STRING(verdict), INTEGER(score), INTEGER(record->time));
}

static int keep_traffic(struct store *store, int64_t node, const struct store_record *record, const json_t *object,
                        struct error *error)
{
    if (record->sender.length == 0)
        return 0;
    return STORE_RUN(
        store,
        "INSERT INTO minutes (node, time, sender, customer, connections, messages, rejected, recipients, bytes) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (node, time, sender) DO UPDATE SET "
        "connections = minutes.connections + excluded.connections, messages = minutes.messages + excluded.messages, "
        "rejected = minutes.rejected + excluded.rejected, recipients = minutes.recipients + excluded.recipients, "
        "bytes = minutes.bytes + excluded.bytes",
        NULL, NULL, error, INTEGER(node), INTEGER(record->time - record->time % MINUTE), VALUE_TEXT(record->sender),
        VALUE_TEXT(record->customer), INTEGER(member_count(object, "connections")),
        INTEGER(member_count(object, "messages")), INTEGER(member_count(object, "messages_rejected")),
        INTEGER(member_count(object, "recipients")), INTEGER(member_count(object, "bytes")));
}

static int keep_acknowledgement(struct store *store, int64_t node, const struct store_record *record,
                                const json_t *object, struct error *error)
{
    int64_t revision = json_integer_value(json_object_get(object, "revision")), highest;
    int failure = store_revision(store, &highest, error);
    if (failure < 0 || revision <= 0 || revision > highest) /* none was given that is so high */
        return failure;
    int rows = STORE_RUN(store,
                         "INSERT INTO acknowledgements (node, revision, time, done) VALUES ($1, $2, $3, $4) "
                         "ON CONFLICT (node, revision) DO UPDATE SET time = excluded.time, done = excluded.done",
                         NULL, NULL, error, INTEGER(node), INTEGER(revision), INTEGER(record->time),
                         INTEGER(json_is_true(json_object_get(object, "done"))));
    if (rows >= 0)
        rows = STORE_RUN(store, "UPDATE nodes SET acknowledged = $2 WHERE node = $1 AND acknowledged < $2", NULL, NULL,
                         error, INTEGER(node), INTEGER(revision));
    return rows;
}

typedef int keep(struct store *, int64_t node, const struct store_record *, const json_t *, struct error *);

static keep *keeper_of(struct text kind)
{
    return text_equals(kind, TEXT("traffic"))           ? keep_traffic
           : text_equals(kind, TEXT("verdict"))         ? keep_verdict
           : text_equals(kind, TEXT("acknowledgement")) ? keep_acknowledgement
                                                        : NULL;
}

static int draw_from(struct store *store, int64_t node, const struct store_record *records, size_t count,
                     struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        keep *keeper = keeper_of(records[i].kind);
        if (!keeper)
            continue;
        json_t *object = json_loadb(records[i].line.bytes, records[i].line.length, JSON_ALLOW_NUL, NULL);
        int rows = object ? keeper(store, node, &records[i], object, error) : 0; /* the API refused what is no JSON */
        json_decref(object);
        if (rows < 0)
            return rows;
    }
    return 0;
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

int store_deliver(struct store *store, int64_t node, int64_t life, int64_t last, const struct store_record *records,
                  size_t count, moment now, struct error *error)
{
    int64_t before;
    int failure = store_delivered(store, node, life, &before, error);
    for (size_t i = 0; i < count && failure == 0; i++) {
        if (records[i].sequence <= before || records[i].sequence > last)
            failure = error_set(error, EINVAL, "sequence %lld is not above the one before and up to %lld",
                                (long long)records[i].sequence, (long long)last);
        before = records[i].sequence;
    }
    if (failure == 0 && count > 0)
        failure = insert(store, node, life, records, count, now, error);
    if (failure == 0)
        failure = draw_from(store, node, records, count, error);
    if (failure < 0)
        return failure;
    int rows = STORE_RUN(store,
                         "INSERT INTO lives (node, life, delivered) VALUES ($1, $2, $3) ON CONFLICT (node, life) "
                         "DO UPDATE SET delivered = excluded.delivered WHERE excluded.delivered > lives.delivered",
                         NULL, NULL, error, INTEGER(node), INTEGER(life), INTEGER(last));
    return rows < 0 ? rows : 0;
}
