/* What they have in common stands in one macro: an own name, own addresses, lists in which few are dead, retries. */
#include "tests/lab/neighbours.h"

#define USUAL                                                                                                          \
    .label = LAB_HONEST, .port = 25, .tls = LAB_STARTTLS, .tls_share = {0.3, 0.95}, .weekdays = {1, 7},                \
    .volley = {1, 1}, .helo = LAB_HELO_OWN, .per_connection = {1, 1}, .quit = {0.99, 0.99}, .greylist = {0.02, 0.06},  \
    .full = {0, 0.01}, .retry = {(double)(6 * MINUTE), (double)(20 * MINUTE)},                                         \
    .greylisted = {(double)(5 * MINUTE), (double)(9 * MINUTE)}

#define PER_HOUR / 3600.0

static const struct lab_flow flows[] = {
    {USUAL, .name = "letters", .rate = {0.2 PER_HOUR, 1 PER_HOUR}, .hours = {7, 23}, .recipients = {1, 3},
     .from_count = {1, 3}, .list = {10, 60}, .domains = {5, 30}, .big = {0.3, 0.6}, .unknown = {0, 0.01},
     .body = LAB_PERSONAL, .size = {300, 3000}},
    {USUAL, .name = "orders", .rate = {1 PER_HOUR, 10 PER_HOUR}, .hours = {6, 24}, .recipients = {1, 1},
     .from_count = {1, 2}, .list = {5000, 20000}, .domains = {500, 2000}, .big = {0.5, 0.7}, .unknown = {0.002, 0.01},
     .body = LAB_TEMPLATE, .size = {1500, 4000}},
    {USUAL, .name = "notices", .rate = {2 PER_HOUR, 15 PER_HOUR}, .recipients = {1, 1}, .from_count = {1, 1},
     .list = {300, 3000}, .domains = {50, 400}, .big = {0.5, 0.7}, .unknown = {0.005, 0.02}, .body = LAB_TEMPLATE,
     .size = {600, 2000}},
    {USUAL, .name = "tickets", .rate = {2 PER_HOUR, 8 PER_HOUR}, .hours = {7, 19}, .recipients = {1, 2},
     .from_count = {1, 3}, .list = {200, 2000}, .domains = {80, 600}, .big = {0.2, 0.5}, .unknown = {0, 0.01},
     .body = LAB_PERSONAL, .size = {800, 5000}},
    {USUAL, .name = "cron", .rate = {0.5 PER_HOUR, 4 PER_HOUR}, .recipients = {1, 1}, .from_count = {1, 1},
     .list = {1, 2}, .domains = {1, 1}, .body = LAB_TEMPLATE, .size = {300, 1500}},
};

static struct lab_flow shared[sizeof flows / sizeof flows[0]];
static struct lab_actor actors[sizeof flows / sizeof flows[0]];

const struct lab_actor *lab_neighbour(uint64_t key)
{
    static const char *const names[] = {"personal server", "shop", "forum", "ticket system", "cron"};
    size_t which = key % (sizeof flows / sizeof flows[0]);
    shared[which] = flows[which];
    actors[which] = (struct lab_actor){.count = {1, 1}, .flows = &shared[which], .flow_count = 1};
    for (size_t i = 0; i + 1 < sizeof actors[which].name && names[which][i]; i++)
        actors[which].name[i] = names[which][i];
    return &actors[which];
}
