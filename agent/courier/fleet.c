/* See fleet.h. Three tables in each of which the piece gives way that was told longest ago by the centre. What is to be
 * told is looked for place by place, in a round that goes on where the last one stopped. */
#include "agent/courier/fleet.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include "common/table.h"

struct piece {
    union {
        struct fleet_campaign campaign;
        struct fleet_customer customer;
    };
    bool told;
};

struct shelf {
    struct table *table;
    uint32_t places, next, untold; /* next: place to look at */
};

struct fleet {
    struct shelf campaigns, counted, customers; /* counted: campaigns as the centre counts them */
    struct shelf *telling; /* of the message that was given out last, which stands in `telling->next`; NULL: none */
};

static bool make(struct shelf *shelf, uint32_t places, size_t key_size)
{
    struct table_shape shape = {places, (uint32_t)key_size, sizeof(struct piece), {{0}}};
    randombytes_buf(&shape.key, sizeof shape.key);
    void *memory = calloc(1, table_memory(&shape));
    shelf->table = memory ? table_place(memory, &shape) : NULL;
    shelf->places = places;
    return memory != NULL;
}

struct fleet *fleet_create(void)
{
    struct fleet *fleet = calloc(1, sizeof *fleet);
    if (fleet && make(&fleet->campaigns, FLEET_CAMPAIGNS_MOST, sizeof(struct likeness)) &&
        make(&fleet->counted, FLEET_CAMPAIGNS_MOST, sizeof(struct likeness)) &&
        make(&fleet->customers, FLEET_CUSTOMERS_MOST, sizeof(((struct fleet_customer *)0)->name)))
        return fleet;
    fleet_destroy(&fleet);
    return NULL;
}

void fleet_destroy(struct fleet **owner)
{
    struct fleet *fleet = *owner;
    *owner = NULL;
    if (!fleet)
        return;
    free(fleet->campaigns.table);
    free(fleet->counted.table);
    free(fleet->customers.table);
    free(fleet);
}

static void on_leaving(void *context, const void *key, void *value)
{
    struct shelf *shelf = context;
    const struct piece *piece = value;
    (void)key;
    shelf->untold -= !piece->told;
}

static moment end_of(const struct fleet *fleet, const struct shelf *shelf, const struct piece *piece)
{
    return shelf == &fleet->customers ? piece->customer.until : piece->campaign.until;
}

static void put(struct shelf *shelf, const void *key, const struct piece *piece, bool over)
{
    bool added = false;
    struct piece *kept = table_find(shelf->table, key);
    if (!kept && over)
        return;
    kept = table_add(shelf->table, key, &added, on_leaving, shelf);
    shelf->untold += added || kept->told;
    *kept = *piece;
}

void fleet_take(struct fleet *fleet, const struct fleet_news *news, moment now)
{
    struct piece piece = {.told = false};
    if (news->kind == FLEET_NEWS_CAMPAIGN) {
        piece.campaign = news->campaign;
        put(news->campaign.counted ? &fleet->counted : &fleet->campaigns, &news->campaign.likeness, &piece,
            news->campaign.until <= now);
    } else if (news->kind == FLEET_NEWS_CUSTOMER) {
        piece.customer = news->customer;
        if (news->customer.senders == 0 && news->customer.until > now)
            piece.customer.until = now;
        put(&fleet->customers, news->customer.name, &piece, piece.customer.until <= now);
    }
}

static void begin(struct shelf *shelf)
{
    shelf->untold = table_count(shelf->table);
    for (struct piece *piece = table_oldest(shelf->table); piece; piece = table_younger(shelf->table, piece))
        piece->told = false;
}

void fleet_begin(struct fleet *fleet)
{
    begin(&fleet->campaigns);
    begin(&fleet->counted);
    begin(&fleet->customers);
    fleet->telling = NULL;
}

/* The next that is to be told, in `next`; NULL: none. */
static struct piece *find(struct shelf *shelf)
{
    for (uint32_t n = 0; n < shelf->places && shelf->untold > 0; n++) {
        struct piece *piece = table_at(shelf->table, shelf->next);
        if (piece && !piece->told)
            return piece;
        shelf->next = (shelf->next + 1) % shelf->places;
    }
    return NULL;
}

bool fleet_next(struct fleet *fleet, union message *message)
{
    struct shelf *shelf = &fleet->campaigns;
    struct piece *piece = find(shelf);
    if (!piece) {
        shelf = &fleet->counted;
        piece = find(shelf);
    }
    fleet->telling = piece ? shelf : &fleet->customers;
    if (piece) {
        message_prepare(message, MESSAGE_CAMPAIGN, 0);
        message->campaign.campaign = piece->campaign;
        return true;
    }
    piece = find(&fleet->customers);
    if (piece) {
        message_prepare(message, MESSAGE_CUSTOMER, 0);
        message->customer.customer = piece->customer;
        return true;
    }
    fleet->telling = NULL;
    return false;
}

void fleet_told(struct fleet *fleet, moment now)
{
    struct shelf *shelf = fleet->telling;
    struct piece *piece = shelf ? table_at(shelf->table, shelf->next) : NULL;
    fleet->telling = NULL;
    if (!piece || piece->told)
        return;
    piece->told = true;
    shelf->untold--;
    if (end_of(fleet, shelf, piece) <= now)
        table_remove(shelf->table, piece);
}

static uint32_t count(const struct fleet *fleet, const struct shelf *shelf, moment now)
{
    uint32_t count = 0;
    for (struct piece *piece = table_oldest(shelf->table); piece; piece = table_younger(shelf->table, piece))
        count += end_of(fleet, shelf, piece) > now;
    return count;
}

struct fleet_counters fleet_counters(const struct fleet *fleet, moment now)
{
    return (struct fleet_counters){count(fleet, &fleet->campaigns, now) + count(fleet, &fleet->counted, now),
                                   count(fleet, &fleet->customers, now)};
}
