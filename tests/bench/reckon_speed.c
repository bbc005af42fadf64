/* What the reckoning costs, where many nodes tell of bodies and points for an hour.
 *
 *   reckon_speed WHERE NODES BODIES
 *
 * A fifth of the bodies are of fifty campaigns, the others of their senders alone; each comes with the points of its
 * sender. A round a second, as in a collector. Prints how much of the hour the reckoning took, how long a round, and
 * how often nodes that wait would be woken. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "collector/store/reckon.h"
#include "collector/store/store_own.h"

#define CAMPAIGNS 50
#define ROUNDS    3600
#define BEGIN     (1800000000 * SECOND)

static struct store *store;
static struct error failed;
static uint64_t drawn = 88172645463325252;

static void must(int result)
{
    if (result >= 0)
        return;
    fprintf(stderr, "reckon_speed: %s\n", failed.text);
    exit(1);
}

static duration read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * SECOND + now.tv_nsec;
}

static uint64_t draw(void)
{
    drawn ^= drawn << 13;
    drawn ^= drawn >> 7;
    drawn ^= drawn << 17;
    return drawn;
}

/* A guest in ten has points, and one of those in twenty times that it is told has others than before. */
static int64_t points_of(int64_t node, int64_t guest)
{
    if (guest % 10 != 0)
        return (int64_t)(draw() % 90);
    return draw() % 20 == 0 ? (int64_t)(draw() % 2000) : 100 + (node * 50 + guest) * 7919 % 1200;
}

static void add_nodes(int64_t nodes)
{
    must(store_begin(store, &failed));
    for (int64_t i = 1; i <= nodes; i++)
        must(STORE_QUEUE(store,
                         "INSERT INTO nodes (node, name, version, key_hash, enrolled, seen, revoked, spooled, "
                         "acknowledged) VALUES ($1, 'hv', '0.1.0', 'k', 1, 1, 0, 0, 0)",
                         &failed, INTEGER(i)));
    must(store_commit(store, &failed));
}

/* Of a campaign a part in ten is changed each time. */
static void write_likeness(char result[65])
{
    uint64_t campaign = draw() % 5 == 0 ? 1 + draw() % CAMPAIGNS : 0;
    for (unsigned part = 0; part < 16; part++) {
        bool own = !campaign || draw() % 10 == 0;
        uint64_t value = own ? draw() : campaign * 1000 + part + 1;
        snprintf(result + (size_t)4 * part, 5, "%04x", (unsigned)(value & 0xffff));
    }
}

static void deliver(int64_t node, int64_t sequence, moment now)
{
    char sender[32], customer[32], likeness[65];
    int64_t guest = (int64_t)(draw() % 50);
    snprintf(sender, sizeof sender, "tap%d", (int)guest);
    snprintf(customer, sizeof customer, "c%d", (int)((node * 50 + guest) / 3 % 10000));
    write_likeness(likeness);
    const struct store_record records[] = {
        {.sequence = sequence,
         .time = now,
         .kind = TEXT("body"),
         .sender = text_of(sender),
         .customer = text_of(customer),
         .line = TEXT("{}"),
         .said = STORE_BODY,
         .body = {now, text_of(likeness), 9, (int64_t)(40 + draw() % 500), 40, false}},
        {.sequence = sequence + 1,
         .time = now,
         .kind = TEXT("points"),
         .sender = text_of(sender),
         .customer = text_of(customer),
         .line = TEXT("{}"),
         .said = STORE_POINTS,
         .points = {now, points_of(node, guest), 0}}};
    must(store_deliver(store, node, 1, sequence + 1, records, 2, now, &failed));
}

static int compare(const void *a, const void *b)
{
    const duration left = *(const duration *)a, right = *(const duration *)b;
    return (left > right) - (left < right);
}

static duration cpu;

static duration reckon(struct store_reckoner *reckoner, moment now, uint64_t *woken)
{
    const duration begun = read_clock(CLOCK_MONOTONIC), worked = read_clock(CLOCK_PROCESS_CPUTIME_ID);
    bool told = false;
    do {
        must(store_begin(store, &failed));
        int news = store_reckon(store, reckoner, now, &failed);
        must(news);
        must(store_commit(store, &failed));
        told |= news == 1;
    } while (reckoner->more);
    *woken += told;
    cpu += read_clock(CLOCK_PROCESS_CPUTIME_ID) - worked;
    return read_clock(CLOCK_MONOTONIC) - begun;
}

static int64_t ask(const char *sql)
{
    int64_t number = 0;
    must(engine_run(store->engine, sql, NULL, 0, store_row_integer, &number, &failed));
    return number;
}

int main(int count, char **arguments)
{
    static duration spent[ROUNDS];
    const int64_t nodes = count == 4 ? atoll(arguments[2]) : 0, bodies = count == 4 ? atoll(arguments[3]) : 0;
    struct store_reckoner reckoner = {.holder = 1, .node = INT64_MIN};
    uint64_t woken = 0;
    duration all = 0;
    int64_t sequence = 1;
    if (nodes < 2 || bodies < 1) {
        fprintf(stderr, "reckon_speed: WHERE NODES BODIES\n");
        return 2;
    }
    must(store_open(arguments[1], &store, &failed));
    add_nodes(nodes);
    for (int64_t round = 0, told = 0; round < ROUNDS; round++) {
        const moment now = BEGIN + round * SECOND;
        must(store_begin(store, &failed));
        for (; told < bodies * (round + 1) / ROUNDS; told++, sequence += 2)
            deliver(1 + (int64_t)(draw() % (uint64_t)nodes), sequence, now);
        must(store_commit(store, &failed));
        spent[round] = reckon(&reckoner, now, &woken);
        all += spent[round];
    }
    qsort(spent, ROUNDS, sizeof spent[0], compare);
    must(store_begin(store, &failed));
    printf("    %lld nodes, %lld bodies and as many points in an hour: %.1f s of reckoning, of them %.1f s of this "
           "process; a round %.1f ms, at most %.1f ms; %lld bodies, %lld campaigns, %lld customers; news in %llu "
           "rounds\n",
           (long long)nodes, (long long)bodies, (double)all / (double)SECOND, (double)cpu / (double)SECOND,
           (double)spent[ROUNDS / 2] / (double)MILLISECOND, (double)spent[ROUNDS - 1] / (double)MILLISECOND,
           (long long)ask("SELECT COUNT(*) FROM bodies"),
           (long long)ask("SELECT COUNT(*) FROM news WHERE kind = 'campaign'"),
           (long long)ask("SELECT COUNT(*) FROM news WHERE kind = 'customer'"), (unsigned long long)woken);
    store_rollback(store);
    store_close(&store);
    return 0;
}
