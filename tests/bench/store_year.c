/* A store as a big fleet leaves it, and how long people wait for its answers, and deliveries for one step of tidying.
 *
 *   store_year WHERE NODES DAYS
 *
 * Days for DAYS, hours for a tenth of them, minutes for two hours in which a tenth of the senders does something, and a
 * million records. Prints a line each; the median of five. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "collector/store/customers.h"
#include "collector/store/reckon.h"
#include "collector/store/store_own.h"

#define SENDERS      50
#define RECORDS      1000000
#define TURNS        5
#define NOW          (1800000000 * SECOND)
#define ROWS_AT_ONCE 200000

static struct store *store;
static struct error failed;

static void must(int result)
{
    if (result >= 0)
        return;
    fprintf(stderr, "store_year: %s\n", failed.text);
    exit(1);
}

static duration steady(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND + now.tv_nsec;
}

/* --- filling --- */

static int64_t node_of(int64_t number)
{
    return number * 0x1234567891;
}

static const char *sender_of(int64_t node, int64_t number, char result[32])
{
    snprintf(result, 32, "10.%d.%d.%d", (int)(node / 250), (int)(node % 250), (int)number);
    return result;
}

static const char *customer_of(int64_t node, int64_t number, char result[32])
{
    snprintf(result, 32, "c%d", (int)((node * SENDERS + number) / 3));
    return result;
}

struct bulk {
    const char *table, *columns;
    size_t count;
    uint64_t rows;
};

static void begin(struct bulk *bulk)
{
    must(store_begin(store, &failed));
    must(engine_bulk_begin(store->engine, bulk->table, bulk->columns, bulk->count, &failed));
}

static void end(void)
{
    must(engine_bulk_end(store->engine, &failed));
    must(store_commit(store, &failed));
}

static void add(struct bulk *bulk, const struct value *row)
{
    must(engine_bulk_row(store->engine, row, &failed));
    if (++bulk->rows % ROWS_AT_ONCE == 0) {
        end();
        begin(bulk);
    }
}

static void fill_identities(int64_t nodes)
{
    struct bulk bulk = {"nodes", "node, name, version, key_hash, enrolled, seen, revoked, spooled, acknowledged", 9, 0};
    char name[32], customer[32];
    begin(&bulk);
    for (int64_t node = 0; node < nodes; node++) {
        snprintf(name, sizeof name, "hv%d", (int)node);
        add(&bulk, (const struct value[]){INTEGER(node_of(node)), STRING(name), STRING("0.1.0"), STRING("h"),
                                          INTEGER(NOW), INTEGER(NOW), INTEGER(0), INTEGER(0), INTEGER(0)});
    }
    end();
    bulk = (struct bulk){"senders", "node, sender, customer, verdict, score, changed", 6, 0};
    begin(&bulk);
    for (int64_t node = 0; node < nodes; node++)
        for (int64_t i = 0; i < SENDERS; i++)
            add(&bulk, (const struct value[]){INTEGER(node_of(node)), STRING(sender_of(node, i, name)),
                                              STRING(customer_of(node, i, customer)), STRING("clear"),
                                              INTEGER((node * 7919 + i * 104729) % 10000), INTEGER(NOW - i * HOUR)});
    end();
}

/* Every `stride`th sender of each node, `count` times before now. Each node's rows lie together. */
static uint64_t fill_tier(const char *table, int64_t nodes, moment unit, int64_t count, int64_t stride)
{
    bool minutes = strcmp(table, "minutes") == 0;
    struct bulk bulk = {table,
                        minutes
                            ? "node, time, sender, life, sequence, customer, connections, messages, rejected, "
                              "recipients, bytes"
                            : "node, time, sender, seen, connections, customer, messages, rejected, recipients, bytes",
                        minutes ? 11 : 10, 0};
    char name[32], customer[32];
    begin(&bulk);
    for (int64_t node = 0; node < nodes; node++)
        for (int64_t at = count; at > 0; at--)
            for (int64_t i = at % stride; i < SENDERS; i += stride) {
                const moment time = NOW / unit * unit - at * unit;
                const struct value front[] = {INTEGER(node_of(node)), INTEGER(time), STRING(sender_of(node, i, name)),
                                              INTEGER(minutes ? 1 : time), INTEGER(minutes ? count - at : 1)};
                struct value row[11] = {front[0], front[1], front[2],
                                        front[3], front[4], STRING(customer_of(node, i, customer))};
                for (size_t column = 6; column < bulk.count; column++)
                    row[column] = INTEGER(i + at);
                add(&bulk, row);
            }
    end();
    return bulk.rows;
}

static void fill_records(int64_t nodes)
{
    struct bulk bulk = {"records", "node, life, sequence, received, time, kind, sender, customer, line", 9, 0};
    static const char line[] =
        "{\"record\":\"traffic\",\"time\":\"2027-01-15T08:00:00.000000Z\",\"seconds\":60,\"sender\":"
        "\"10.0.0.1\",\"customer\":\"c1\",\"connections\":3,\"messages\":4,\"bytes\":12345}";
    char name[32], customer[32];
    begin(&bulk);
    for (int64_t i = 0; i < RECORDS; i++) {
        const int64_t node = i / 100 % nodes, sender = i % SENDERS;
        const moment time = NOW - (RECORDS - i) * (30 * DAY / RECORDS);
        add(&bulk,
            (const struct value[]){INTEGER(node_of(node)), INTEGER(1), INTEGER(i), INTEGER(time), INTEGER(time),
                                   STRING(i % 1000 == 0 ? "verdict" : "traffic"), STRING(sender_of(node, sender, name)),
                                   STRING(customer_of(node, sender, customer)), STRING(line)});
    }
    end();
}

/* --- asking --- */

static uint64_t answers;

static void count_sender(void *context, const struct store_sender *sender)
{
    (void)context;
    answers += sender->node != 0 || sender->messages > 0;
}

static void count_customer(void *context, const struct store_customer *customer)
{
    (void)context;
    answers += customer->senders > 0;
}

static void count_event(void *context, const struct store_event *event)
{
    (void)context;
    answers += event->line.length > 0;
}

static int ask_senders(void)
{
    return store_senders(store, 0, NULL, 20, NOW, count_sender, NULL, &failed);
}

static int ask_many_senders(void)
{
    return store_senders(store, 0, NULL, 1000, NOW, count_sender, NULL, &failed);
}

static int ask_senders_of_node(void)
{
    return store_senders(store, node_of(7), NULL, 20, NOW, count_sender, NULL, &failed);
}

static int ask_sender(void)
{
    const struct store_event_filter filter = {.sender = "10.0.7.3", .most = 200, .newest = true};
    int code = store_senders(store, 0, "10.0.7.3", 100, NOW, count_sender, NULL, &failed);
    return code < 0 ? code : store_events(store, &filter, count_event, NULL, &failed);
}

static int ask_customers(void)
{
    return store_customers(store, 100, NOW, count_customer, NULL, &failed);
}

static struct store_reckoner reckoner = {.holder = 1};

static int sum_customers(void)
{
    return store_reckon_shares(store, &reckoner, NOW, &failed);
}

static void count_member(void *context, const struct store_member *member)
{
    (void)context;
    answers += member->sender.node != 0;
}

static int ask_customer(void)
{
    return store_members(store, "c7", 1000, NOW, count_member, NULL, &failed);
}

/* As they stand in a fleet that runs: each node's were summed up, and each has said something since. */
static void sum_up_all(void)
{
    int more = 1;
    while (more == 1) {
        must(store_begin(store, &failed));
        must(more = sum_customers());
        must(store_commit(store, &failed));
    }
    must(store_begin(store, &failed));
    must(engine_script(store->engine, "UPDATE nodes SET seen = seen + 1", &failed));
    must(store_commit(store, &failed));
}

static int ask_events_of(const struct store_event_filter *filter)
{
    return store_events(store, filter, count_event, NULL, &failed);
}

static int ask_events_since(void)
{
    return ask_events_of(&(const struct store_event_filter){.since = NOW - HOUR, .most = 1000});
}

static int ask_events_of_kind(void)
{
    return ask_events_of(&(const struct store_event_filter){.kind = "verdict", .most = 1000});
}

static int ask_events_of_node(void)
{
    return ask_events_of(&(const struct store_event_filter){.node = node_of(7), .most = 1000});
}

static int tidy(void)
{
    static const struct store_retention keep = {
        .records = 29 * DAY, .minutes = HOUR, .hours = 2 * DAY, .days = 20 * DAY, .audit = DAY};
    return store_tidy(store, &keep, NOW, &failed);
}

static int compare(const void *a, const void *b)
{
    const duration left = *(const duration *)a, right = *(const duration *)b;
    return (left > right) - (left < right);
}

static void measure(const char *name, int (*ask)(void))
{
    duration spent[TURNS];
    for (int i = 0; i < TURNS; i++) {
        answers = 0;
        const duration begun = steady();
        must(store_begin(store, &failed));
        must(ask());
        must(store_commit(store, &failed));
        spent[i] = steady() - begun;
    }
    qsort(spent, TURNS, sizeof spent[0], compare);
    const duration median = spent[TURNS / 2];
    printf("    %-42s %8.1f ms%s\n", name, (double)median / (double)MILLISECOND,
           median > SECOND ? "  more than a second" : "");
    fflush(stdout);
}

int main(int count, char **arguments)
{
    static const struct {
        const char *name;
        int (*ask)(void);
    } questions[] = {
        {"senders, the 20 highest", ask_senders},          {"senders, the 1,000 highest", ask_many_senders},
        {"senders of one node", ask_senders_of_node},      {"one sender and its last 200 records", ask_sender},
        {"customers, none summed up yet", ask_customers},  {"a step of summing up, of four nodes", sum_customers},
        {"events of the last hour", ask_events_since},     {"events, 1,000 of a rare kind", ask_events_of_kind},
        {"events, 1,000 of one node", ask_events_of_node}, {"a step of tidying", tidy}};
    const int64_t nodes = count == 4 ? atoll(arguments[2]) : 0, days = count == 4 ? atoll(arguments[3]) : 0;
    if (nodes < 10 || days < 10) {
        fprintf(stderr, "store_year: WHERE NODES DAYS, of both at least 10\n");
        return 2;
    }
    must(store_open(arguments[1], &store, &failed));
    const duration begun = steady();
    fill_identities(nodes);
    const uint64_t rows = fill_tier("days", nodes, DAY, days, 1) + fill_tier("hours", nodes, HOUR, days * 24 / 10, 1) +
                          fill_tier("minutes", nodes, MINUTE, 120, 10);
    fill_records(nodes);
    printf("    %.1f million counts and %d million records, filled in %.0f s\n", (double)rows / 1e6, RECORDS / 1000000,
           (double)(steady() - begun) / (double)SECOND);
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++)
        measure(questions[i].name, questions[i].ask);
    sum_up_all();
    measure("customers", ask_customers);
    measure("one customer", ask_customer);
    store_close(&store);
    return 0;
}
