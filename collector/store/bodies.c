/* Near-identical bodies over all nodes. A body is found again by equal parts of its likeness, through an index, and
 * never by comparing all with all. Where senders of two customers and more on two nodes and more sent it, it is a
 * campaign, and nodes are told.
 *
 * A node may lie: of one node three senders count and eight are kept, recipients of one are counted to a bound, and in
 * an hour a node brings up a bounded number of bodies. The three are of different customers where there are such, with
 * most recipients each: so one with many machines does not stand before the others. Who has no customer's name counts
 * as a customer of its own, the same on every node. A text that has a past on its node, such as a shop's letters,
 * counts for nothing there, and where more customers have known it for long than have not, it is no campaign. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include "collector/store/reckon_own.h"
#include "common/words/likeness.h"

#define SAME 45 /* per cent in common: the same body */
#define PARTS_KEPT                                                                                                     \
    8 /* of a body, by which it is found: of two of which half the parts are equal, one in 13,000 is missed */
#define CANDIDATES      "16"
#define OF_NODE_COUNT   3
#define OF_NODE_KEPT    "8"
#define OF_NODE_IN_HOUR 2000
#define RECIPIENTS_MOST 100000
#define RECIPIENTS_TOLD 1000000    /* of all of them: no node believes more */
#define LASTS           (6 * HOUR) /* behind the latest that was heard of it */
#define FEW_NODES       16         /* up to there each more is worth to be told */

struct found {
    int64_t body;
    struct likeness likeness;
};

/* The bodies that began in this round: they are in no index yet. */
struct work {
    struct round *round;
    struct found *begun;
    size_t begun_count;
    int64_t *touched;
    size_t touched_count;
};

/* --- likenesses --- */

static bool likeness_read(const char *text, struct likeness *result)
{
    for (int i = 0; i < LIKENESS_PARTS; i++) {
        char part[5] = {0};
        memcpy(part, text + 4 * i, 4);
        result->parts[i] = (uint16_t)strtoul(part, NULL, 16);
    }
    return likeness_is_known(result);
}

/* A part is known with its place. */
static int64_t part_of(const struct likeness *likeness, int place)
{
    return likeness->parts[place] ? place * 65536 + likeness->parts[place] : -1 - place;
}

struct search {
    const struct likeness *wanted;
    uint32_t share;
    int64_t body;
};

static void consider(struct search *search, int64_t body, const struct likeness *likeness)
{
    uint32_t share = likeness_share(search->wanted, likeness);
    if (share < SAME || share <= search->share)
        return;
    search->share = share;
    search->body = body;
}

static bool candidate_row(void *context, const struct value *columns, size_t count)
{
    struct likeness likeness;
    (void)count;
    if (columns[1].text.length == 64 && likeness_read(columns[1].text.bytes, &likeness))
        consider(context, columns[0].integer, &likeness);
    return true;
}

/* *result 0: there is none like it. */
static int find(struct work *work, const struct likeness *wanted, int64_t *result, struct error *error)
{
    struct search search = {.wanted = wanted};
    struct value parts[LIKENESS_PARTS];
    for (int i = 0; i < LIKENESS_PARTS; i++)
        parts[i] = INTEGER(part_of(wanted, i));
    for (size_t i = 0; i < work->begun_count; i++)
        consider(&search, work->begun[i].body, &work->begun[i].likeness);
    int rows = engine_run(work->round->store->engine,
                          "SELECT b.body, b.likeness FROM (SELECT body, COUNT(*) AS equals FROM body_parts WHERE part "
                          "IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) GROUP BY body "
                          "ORDER BY 2 DESC, 1 LIMIT " CANDIDATES ") AS near JOIN bodies b ON b.body = near.body",
                          parts, LIKENESS_PARTS, candidate_row, &search, error);
    *result = search.body;
    return rows < 0 ? rows : 0;
}

/* --- what was heard --- */

static int begin(struct work *work, const struct likeness *likeness, const char *text, int64_t *result,
                 struct error *error)
{
    moment now = work->round->now;
    do
        randombytes_buf(result, sizeof *result);
    while (*result == 0);
    work->begun[work->begun_count++] = (struct found){*result, *likeness};
    return STORE_QUEUE(work->round->store,
                       "INSERT INTO bodies (body, likeness, first, seen, until, customers, senders, nodes, recipients) "
                       "VALUES ($1, $2, $3, $3, 0, 0, 0, 0, 0)",
                       error, INTEGER(*result), STRING(text), INTEGER(now));
}

static int keep_sender(struct work *work, int64_t body, const struct heard *row, struct error *error)
{
    struct store *store = work->round->store;
    int rows = STORE_QUEUE(
        store,
        "INSERT INTO body_senders (body, node, sender, customer, recipients, messages, domains, known, first, seen) "
        "SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $9 WHERE (SELECT COUNT(*) FROM body_senders m WHERE m.body = $1 "
        "AND m.node = $2) < " OF_NODE_KEPT " OR EXISTS (SELECT 1 FROM body_senders m WHERE m.body = $1 AND m.node = $2 "
        "AND m.sender = $3) ON CONFLICT (body, node, sender) DO UPDATE SET customer = excluded.customer, "
        "recipients = CASE WHEN excluded.recipients > body_senders.recipients THEN excluded.recipients ELSE "
        "body_senders.recipients END, messages = excluded.messages, domains = excluded.domains, "
        "known = CASE WHEN body_senders.known = 0 THEN 0 ELSE excluded.known END, seen = excluded.seen",
        error, INTEGER(body), INTEGER(row->node), STRING(row->sender), STRING(row->customer), INTEGER(row->recipients),
        INTEGER(row->messages), INTEGER(row->domains), INTEGER(row->known), INTEGER(work->round->now));
    if (rows >= 0)
        rows = STORE_QUEUE(store, "UPDATE bodies SET seen = $2 WHERE body = $1", error, INTEGER(body),
                           INTEGER(work->round->now));
    return rows < 0 ? rows : 0;
}

static int of_last_hour(struct work *work, int64_t node, int64_t *result, struct error *error)
{
    *result = 0;
    int rows = STORE_RUN(work->round->store, "SELECT COUNT(*) FROM body_senders WHERE node = $1 AND seen > $2",
                         store_row_integer, result, error, INTEGER(node), INTEGER(work->round->now - HOUR));
    return rows < 0 ? rows : 0;
}

static int hear(struct work *work, const struct heard *row, struct error *error)
{
    struct likeness likeness;
    int64_t body;
    if (strlen(row->name) != 64 || !likeness_read(row->name, &likeness))
        return 0;
    int failure = find(work, &likeness, &body, error);
    if (failure == 0 && body == 0)
        failure = begin(work, &likeness, row->name, &body, error);
    if (failure >= 0)
        failure = keep_sender(work, body, row, error);
    if (failure == 0)
        work->touched[work->touched_count++] = body;
    return failure;
}

static int hear_all(struct work *work, struct error *error)
{
    const struct round *round = work->round;
    int64_t of_node = 0;
    int failure = 0;
    for (size_t i = 0; i < round->count && failure == 0; i++) {
        const struct heard *row = &round->rows[i];
        if (i == 0 || row[-1].node != row->node)
            of_node = -1;
        if (strcmp(row->kind, "body") != 0)
            continue;
        if (of_node < 0)
            failure = of_last_hour(work, row->node, &of_node, error);
        if (failure == 0 && of_node++ < OF_NODE_IN_HOUR)
            failure = hear(work, row, error);
    }
    return failure;
}

/* The first that are there: a text of few words has few. Who looks for one like it asks for all sixteen. */
static int index_begun(struct work *work, struct error *error)
{
    struct engine *engine = work->round->store->engine;
    if (work->begun_count == 0)
        return 0;
    int failure = engine_bulk_begin(engine, "body_parts", "part, body", 2, error);
    for (size_t i = 0; i < work->begun_count && failure == 0; i++)
        for (int place = 0, kept = 0; place < LIKENESS_PARTS && kept < PARTS_KEPT && failure == 0; place++) {
            if (work->begun[i].likeness.parts[place] == 0)
                continue;
            const struct value row[] = {INTEGER(part_of(&work->begun[i].likeness, place)),
                                        INTEGER(work->begun[i].body)};
            failure = engine_bulk_row(engine, row, error);
            kept++;
        }
    return failure < 0 ? failure : engine_bulk_end(engine, error);
}

/* --- what it comes to --- */

struct crowd {
    uint64_t *hashes;
    size_t count, room;
    bool failed;
};

static void crowd_add(struct crowd *crowd, uint64_t hash)
{
    if (crowd->count == crowd->room) {
        size_t room = crowd->room ? crowd->room * 2 : 64;
        uint64_t *more = reallocarray(crowd->hashes, room, sizeof *more);
        crowd->failed |= more == NULL;
        if (more == NULL)
            return;
        crowd->hashes = more;
        crowd->room = room;
    }
    crowd->hashes[crowd->count++] = hash;
}

static int by_number(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* How many different ones there are. */
static int64_t crowd_count(struct crowd *crowd)
{
    int64_t different = 0;
    if (crowd->count > 0)
        qsort(crowd->hashes, crowd->count, sizeof *crowd->hashes, by_number);
    for (size_t i = 0; i < crowd->count; i++)
        different += i == 0 || crowd->hashes[i] != crowd->hashes[i - 1];
    return different;
}

struct sums {
    int64_t node, of_node, known_of_node; /* whose rows these are */
    int64_t senders, nodes, recipients;
    struct crowd customers, known;
};

static bool sender_row(void *context, const struct value *columns, size_t count)
{
    struct sums *sums = context;
    struct text name = columns[2].text.length ? columns[2].text : columns[1].text;
    bool known = columns[4].integer != 0;
    (void)count;
    if (columns[0].integer != sums->node || (sums->of_node == 0 && sums->known_of_node == 0)) {
        sums->node = columns[0].integer;
        sums->of_node = sums->known_of_node = 0;
    }
    int64_t *of_node = known ? &sums->known_of_node : &sums->of_node;
    if ((*of_node)++ >= OF_NODE_COUNT)
        return true;
    /* A customer may be called as another's sender is. */
    uint64_t hash = XXH3_64bits_withSeed(name.bytes, name.length, columns[2].text.length > 0);
    crowd_add(known ? &sums->known : &sums->customers, hash);
    if (known)
        return true;
    sums->senders++;
    sums->nodes += sums->of_node == 1;
    sums->recipients += columns[3].integer < RECIPIENTS_MOST ? columns[3].integer : RECIPIENTS_MOST;
    return true;
}

struct campaign {
    char likeness[65];
    int64_t first, until, customers, senders, nodes, recipients;
};

static bool body_row(void *context, const struct value *columns, size_t count)
{
    struct campaign *told = context;
    (void)count;
    store_copy(columns[0].text, told->likeness, sizeof told->likeness);
    told->first = columns[1].integer;
    told->until = columns[2].integer;
    told->customers = columns[3].integer;
    told->senders = columns[4].integer;
    told->nodes = columns[5].integer;
    told->recipients = columns[6].integer;
    return true;
}

static bool grew(int64_t now, int64_t before)
{
    return now > before && now * 3 >= before * 4;
}

/* Whoever waits for news is woken by it: so it is told at steps that tell something. */
static bool is_worth_telling(const struct campaign *now, const struct campaign *told, moment time)
{
    return told->until <= time + LASTS / 2 || (now->nodes > told->nodes && told->nodes < FEW_NODES) ||
           grew(now->nodes, told->nodes) || grew(now->customers, told->customers) ||
           grew(now->senders, told->senders) || grew(now->recipients, told->recipients);
}

static int tell(struct round *round, int64_t body, const struct campaign *campaign, struct error *error)
{
    struct news_item item = {.until = campaign->until};
    struct json *json = news_begin(&item, "campaign", campaign->likeness);
    json_string(json, "likeness", campaign->likeness);
    json_integer(json, "customers", campaign->customers);
    json_integer(json, "senders", campaign->senders);
    json_integer(json, "nodes", campaign->nodes);
    json_integer(json, "recipients", campaign->recipients);
    json_moment(json, "first", campaign->first);
    json_moment(json, "until", campaign->until);
    int failure = news_end(round, &item, error);
    if (failure < 0)
        return failure;
    int rows = STORE_QUEUE(round->store,
                           "UPDATE bodies SET until = $2, customers = $3, senders = $4, nodes = $5, recipients = $6 "
                           "WHERE body = $1",
                           error, INTEGER(body), INTEGER(campaign->until), INTEGER(campaign->customers),
                           INTEGER(campaign->senders), INTEGER(campaign->nodes), INTEGER(campaign->recipients));
    return rows < 0 ? rows : 0;
}

static int weigh(struct round *round, int64_t body, struct error *error)
{
    struct sums sums = {0};
    struct campaign told = {0};
    int rows = STORE_RUN(round->store,
                         "SELECT node, sender, customer, recipients, known FROM (SELECT s.node, s.sender, s.customer, "
                         "s.recipients, s.known, ROW_NUMBER() OVER (PARTITION BY s.node, s.known, CASE WHEN s.customer "
                         "= '' THEN s.sender ELSE s.customer END ORDER BY s.recipients DESC, s.sender) AS place FROM "
                         "body_senders s JOIN nodes n ON n.node = s.node AND n.revoked = 0 WHERE s.body = $1 AND "
                         "s.seen > $2) AS counted ORDER BY node, place, recipients DESC, sender",
                         sender_row, &sums, error, INTEGER(body), INTEGER(round->now - LASTS));
    struct campaign campaign = {.until = round->now + LASTS,
                                .customers = crowd_count(&sums.customers),
                                .senders = sums.senders,
                                .nodes = sums.nodes,
                                .recipients = sums.recipients < RECIPIENTS_TOLD ? sums.recipients : RECIPIENTS_TOLD};
    bool is_campaign = campaign.nodes >= 2 && campaign.customers >= 2 && campaign.customers > crowd_count(&sums.known);
    if (rows >= 0 && (sums.customers.failed || sums.known.failed))
        rows = error_set(error, ENOMEM, "no memory for a campaign");
    free(sums.customers.hashes);
    free(sums.known.hashes);
    if (rows < 0 || !is_campaign)
        return rows < 0 ? rows : 0;
    rows = STORE_RUN(round->store,
                     "SELECT likeness, first, until, customers, senders, nodes, recipients FROM bodies WHERE body = $1",
                     body_row, &told, error, INTEGER(body));
    if (rows <= 0 || !is_worth_telling(&campaign, &told, round->now))
        return rows < 0 ? rows : 0;
    memcpy(campaign.likeness, told.likeness, sizeof campaign.likeness);
    campaign.first = told.first;
    return tell(round, body, &campaign, error);
}

static int by_body(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

int reckon_bodies(struct round *round, struct error *error)
{
    struct work work = {.round = round,
                        .begun = calloc(round->count + 1, sizeof *work.begun),
                        .touched = calloc(round->count + 1, sizeof *work.touched)};
    int failure = work.begun && work.touched ? 0 : error_set(error, ENOMEM, "no memory for a round");
    if (failure == 0)
        failure = hear_all(&work, error);
    if (failure == 0)
        failure = index_begun(&work, error);
    if (failure == 0)
        qsort(work.touched, work.touched_count, sizeof *work.touched, by_body);
    for (size_t i = 0; i < work.touched_count && failure == 0; i++)
        if (i == 0 || work.touched[i] != work.touched[i - 1])
            failure = weigh(round, work.touched[i], error);
    free(work.begun);
    free(work.touched);
    return failure;
}
