/* See bulk.h. Recipients are kept by node and customer for the half window that runs and for the one before: what is
 * counted is between half a window and a whole one old. */
#include "collector/store/bulk.h"

#include <stdlib.h>
#include <string.h>
#include "collector/store/store_own.h"

#define RECIPIENTS_MOST 100 /* of one message */
#define OF_NODE_MOST    "16"
#define KNOWN_FOR       (7 * DAY)
#define NEAR            6   /* bits: as collector/picture/hash.h has it */
#define PARTS           8   /* bytes of a hash */
#define PARTS_EQUAL     "2" /* at least, of two hashes that differ in NEAR bits */
#define CANDIDATES      "100"
#define AT_ONCE         200 /* rows that go in one go */
#define LIKENESS_DIGITS 64

struct counting {
    struct store *store;
    const struct bulk_settings *settings;
    const struct bulk_message *message;
    moment now;
    int64_t period;
};

/* --- pictures that are near --- */

static int64_t part_of(uint64_t hash, int place)
{
    return place * 256 + (int64_t)(hash >> (8 * place) & 0xff);
}

struct search {
    uint64_t wanted, found;
    int distance;
};

static bool candidate_row(void *context, const struct value *columns, size_t count)
{
    struct search *search = context;
    char digits[BULK_DIGEST];
    (void)count;
    store_copy(columns[0].text, digits, sizeof digits);
    uint64_t hash = strtoull(digits, NULL, 16);
    int distance = __builtin_popcountll(hash ^ search->wanted);
    if (distance < search->distance) {
        search->distance = distance;
        search->found = hash;
    }
    return search->distance > 0;
}

/* The hash under which it is known: the nearest, or its own. 1: it is known. */
static int find_picture(struct counting *counting, uint64_t hash, uint64_t *result, struct error *error)
{
    struct search search = {.wanted = hash, .found = hash, .distance = NEAR + 1};
    struct value parts[PARTS];
    for (int i = 0; i < PARTS; i++)
        parts[i] = INTEGER(part_of(hash, i));
    int rows =
        engine_run(counting->store->engine,
                   "SELECT digest FROM bulk_parts WHERE part IN ($1, $2, $3, $4, $5, $6, $7, $8) GROUP BY digest "
                   "HAVING COUNT(*) >= " PARTS_EQUAL " ORDER BY COUNT(*) DESC, digest LIMIT " CANDIDATES,
                   parts, PARTS, candidate_row, &search, error);
    *result = search.found;
    return rows < 0 ? rows : search.distance <= NEAR;
}

static int index_picture(struct counting *counting, uint64_t hash, const char *digest, struct error *error)
{
    int rows = 0;
    for (int i = 0; i < PARTS && rows >= 0; i++)
        rows =
            STORE_QUEUE(counting->store, "INSERT INTO bulk_parts (part, digest) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                        error, INTEGER(part_of(hash, i)), STRING(digest));
    return rows < 0 ? rows : 0;
}

/* --- counting --- */

static int keep_item(struct counting *counting, const char *kind, const char *digest, struct error *error)
{
    moment now = counting->now;
    return STORE_QUEUE(counting->store,
                       "INSERT INTO bulk (kind, digest, first, seen, count, messages, customers, nodes, told) VALUES "
                       "($1, $2, $3, $3, 0, 1, 0, 0, 0) ON CONFLICT (kind, digest) DO UPDATE SET "
                       "messages = CASE WHEN bulk.seen < $4 THEN 1 ELSE bulk.messages + 1 END, "
                       "told = CASE WHEN bulk.seen < $4 THEN 0 ELSE bulk.told END, seen = excluded.seen",
                       error, STRING(kind), STRING(digest), INTEGER(now), INTEGER(now - counting->settings->window));
}

static int keep_sender(struct counting *counting, const char *kind, const char *digest, struct error *error)
{
    const struct bulk_message *message = counting->message;
    struct text name = message->customer.length ? message->customer : message->sender;
    int64_t recipients = message->recipients < RECIPIENTS_MOST ? message->recipients : RECIPIENTS_MOST;
    char customer[300];
    snprintf(customer, sizeof customer, "%c%.*s", message->customer.length ? '=' : '~',
             (int)(name.length < 256 ? name.length : 256), name.length ? name.bytes : "");
    return STORE_QUEUE(
        counting->store,
        "INSERT INTO bulk_senders (kind, digest, node, customer, period, count, earlier, first, seen) "
        "SELECT $1, $2, $3, CASE WHEN EXISTS (SELECT 1 FROM bulk_senders m WHERE m.kind = $1 AND m.digest = $2 AND "
        "m.node = $3 AND m.customer = $4) OR (SELECT COUNT(*) FROM bulk_senders m WHERE m.kind = $1 AND m.digest = $2 "
        "AND m.node = $3) < " OF_NODE_MOST " THEN $4 ELSE '' END, $5, $6, 0, $7, $7 WHERE 1 = 1 "
        "ON CONFLICT (kind, digest, node, customer) DO UPDATE SET "
        "earlier = CASE WHEN bulk_senders.period >= excluded.period THEN bulk_senders.earlier "
        "WHEN bulk_senders.period = excluded.period - 1 THEN bulk_senders.count ELSE 0 END, "
        "count = CASE WHEN bulk_senders.period >= excluded.period THEN bulk_senders.count + excluded.count ELSE "
        "excluded.count END, "
        "period = CASE WHEN bulk_senders.period >= excluded.period THEN bulk_senders.period ELSE excluded.period END, "
        "seen = excluded.seen",
        error, STRING(kind), STRING(digest), INTEGER(message->node), STRING(customer), INTEGER(counting->period),
        INTEGER(recipients > 0 ? recipients : 1), INTEGER(counting->now));
}

struct sums {
    int64_t nodes, customers, known, recipients, messages, first;
    int64_t told, told_nodes; /* steps and nodes before this message */
};

static bool sums_row(void *context, const struct value *columns, size_t count)
{
    struct sums *sums = context;
    (void)count;
    *sums = (struct sums){columns[0].integer, columns[1].integer, columns[2].integer, columns[3].integer,
                          columns[4].integer, columns[5].integer, columns[6].integer, columns[7].integer};
    return true;
}

static uint32_t steps_reached(const struct bulk_settings *settings, const struct sums *sums)
{
    uint32_t steps = 0;
    if (sums->customers < settings->customers || sums->known * 2 > sums->customers)
        return 0;
    while (steps < settings->steps.count && sums->recipients >= settings->steps.items[steps])
        steps++;
    return steps;
}

/* For the reckoning, which alone writes news. One node's word makes none. */
static int leave_news(struct counting *counting, const struct sums *sums, struct error *error)
{
    const struct bulk_message *message = counting->message;
    if (message->likeness.length != LIKENESS_DIGITS)
        return 0;
    return STORE_QUEUE(counting->store,
                       "INSERT INTO heard (node, life, sequence, kind, name, sender, customer, recipients, messages, "
                       "domains, known, points, score) VALUES ($1, 0, $2, 'bulk', $3, '', '', $4, $5, $6, 0, $7, 0) "
                       "ON CONFLICT DO NOTHING",
                       error, INTEGER(message->node), INTEGER(counting->now), VALUE_TEXT(message->likeness),
                       INTEGER(sums->recipients), INTEGER(sums->customers), INTEGER(sums->nodes), INTEGER(sums->first));
}

static int weigh(struct counting *counting, const char *kind, const char *digest, struct bulk_count *result,
                 struct error *error)
{
    struct sums sums = {0};
    int rows =
        STORE_RUN(counting->store,
                  "SELECT COUNT(DISTINCT s.node), COUNT(DISTINCT CASE WHEN s.customer <> '' THEN s.customer END), "
                  "COUNT(DISTINCT CASE WHEN s.customer <> '' AND s.first < $4 THEN s.customer END), "
                  "CAST(SUM(s.count + CASE WHEN s.period >= $3 THEN s.earlier ELSE 0 END) AS BIGINT), "
                  "MAX(b.messages), MAX(b.first), MAX(b.told), MAX(b.nodes) FROM bulk b "
                  "JOIN bulk_senders s ON s.kind = b.kind AND s.digest = b.digest "
                  "JOIN nodes n ON n.node = s.node AND n.revoked = 0 "
                  "WHERE b.kind = $1 AND b.digest = $2 AND s.period >= $3 - 1",
                  sums_row, &sums, error, STRING(kind), STRING(digest), INTEGER(counting->period),
                  INTEGER(counting->now - KNOWN_FOR));
    *result = (struct bulk_count){.recipients = sums.recipients,
                                  .messages = sums.messages,
                                  .customers = sums.customers,
                                  .nodes = sums.nodes,
                                  .steps = steps_reached(counting->settings, &sums)};
    result->step = result->steps ? counting->settings->steps.items[result->steps - 1] : 0;
    store_copy(text_of(digest), result->digest, sizeof result->digest);
    if (rows >= 0)
        rows = STORE_QUEUE(counting->store,
                           "UPDATE bulk SET count = $3, customers = $4, nodes = $5, told = $6 WHERE kind = $1 AND "
                           "digest = $2",
                           error, STRING(kind), STRING(digest), INTEGER(sums.recipients), INTEGER(sums.customers),
                           INTEGER(sums.nodes), INTEGER(result->steps));
    bool is_news = result->steps > sums.told || (result->steps > 0 && sums.told_nodes < 2);
    if (rows >= 0 && is_news && sums.nodes >= 2 && strcmp(kind, "body") == 0)
        rows = leave_news(counting, &sums, error);
    return rows < 0 ? rows : 0;
}

static int count_item(struct counting *counting, const char *kind, const char *digest, struct bulk_count *result,
                      struct error *error)
{
    int failure = keep_item(counting, kind, digest, error);
    if (failure >= 0)
        failure = keep_sender(counting, kind, digest, error);
    return failure < 0 ? failure : weigh(counting, kind, digest, result, error);
}

static int count_picture(struct counting *counting, uint64_t hash, struct bulk_count *most, struct error *error)
{
    uint64_t known;
    struct bulk_count count = {0};
    char digest[BULK_DIGEST];
    int failure = find_picture(counting, hash, &known, error);
    if (failure < 0)
        return failure;
    snprintf(digest, sizeof digest, "%016llx", (unsigned long long)known);
    failure = failure == 0 ? index_picture(counting, known, digest, error) : 0;
    if (failure == 0)
        failure = count_item(counting, "picture", digest, &count, error);
    if (count.steps > most->steps || (count.steps == most->steps && count.recipients > most->recipients))
        *most = count;
    return failure;
}

int store_bulk_count(struct store *store, const struct bulk_settings *settings, const struct bulk_message *message,
                     moment now, struct bulk_counts *result, struct error *error)
{
    struct counting counting = {
        .store = store, .settings = settings, .message = message, .now = now, .period = now / (settings->window / 2)};
    int failure = 0;
    *result = (struct bulk_counts){0};
    if (!settings->enabled)
        return 0;
    if (message->body[0])
        failure = count_item(&counting, "body", message->body, &result->body, error);
    for (uint32_t i = 0; i < message->picture_count && i < BULK_PICTURES_MOST && failure == 0; i++)
        failure = count_picture(&counting, message->pictures[i], &result->picture, error);
    return failure;
}

/* --- what is known --- */

struct listing {
    void (*each)(void *, const struct bulk_row *);
    void *context;
};

static bool listed_row(void *context, const struct value *columns, size_t count)
{
    const struct listing *listing = context;
    const struct bulk_row row = {.kind = columns[0].text,
                                 .digest = columns[1].text,
                                 .first = columns[2].integer,
                                 .seen = columns[3].integer,
                                 .count = {.recipients = columns[4].integer,
                                           .messages = columns[5].integer,
                                           .customers = columns[6].integer,
                                           .nodes = columns[7].integer,
                                           .steps = (uint32_t)columns[8].integer}};
    (void)count;
    listing->each(listing->context, &row);
    return true;
}

int store_bulk_list(struct store *store, const struct bulk_settings *settings, const char *kind, uint32_t most,
                    moment now, void (*each)(void *, const struct bulk_row *), void *context, struct error *error)
{
    struct listing listing = {each, context};
    int rows = STORE_RUN(
        store,
        "SELECT kind, digest, first, seen, count, messages, customers, nodes, told FROM bulk WHERE "
        "seen > $1 AND ($2 = '' OR kind = $2) ORDER BY told DESC, count DESC, seen DESC, digest LIMIT $3",
        listed_row, &listing, error, INTEGER(now - settings->window), STRING(kind ? kind : ""), INTEGER(most));
    return rows < 0 ? rows : 0;
}

#define OLDEST "(kind, digest) IN (SELECT kind, digest FROM bulk WHERE seen < $1 ORDER BY seen, kind, digest LIMIT $2)"

int store_bulk_tidy(struct store *store, const struct bulk_settings *settings, moment now, struct error *error)
{
    int64_t there = 0;
    int rows = STORE_RUN(store, "SELECT COUNT(*) FROM bulk", store_row_integer, &there, error, INTEGER(0));
    if (rows < 0)
        return rows;
    bool too_many = there > settings->most;
    int64_t most = too_many && there - settings->most < AT_ONCE ? there - settings->most : AT_ONCE;
    const struct value bounds[] = {INTEGER(too_many ? INT64_MAX : now - settings->remembered), INTEGER(most)};
    rows = engine_queue(store->engine, "DELETE FROM bulk_senders WHERE " OLDEST, bounds, 2, error);
    if (rows >= 0)
        rows = engine_queue(store->engine,
                            "DELETE FROM bulk_parts WHERE digest IN (SELECT digest FROM bulk WHERE seen < $1 ORDER BY "
                            "seen, kind, digest LIMIT $2)",
                            bounds, 2, error);
    if (rows >= 0)
        rows = engine_run(store->engine, "DELETE FROM bulk WHERE " OLDEST, bounds, 2, NULL, NULL, error);
    return rows < 0 ? rows : rows >= AT_ONCE;
}
