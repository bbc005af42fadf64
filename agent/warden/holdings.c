/* One table, by sender. An update marks what it finds with the number of its round; what bears an older one is not the
 * customer's any more. */
#include "agent/warden/holdings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "common/table.h"

struct holding {
    struct sender customer;
    uint64_t round;
};

struct holdings {
    void *memory;
    struct table *table; /* of struct holding, by struct sender */
    uint64_t round;
};

int holdings_create(struct holdings **result, struct error *error)
{
    struct table_shape shape = {
        .places = HOLDINGS_MOST, .key_size = sizeof(struct sender), .value_size = sizeof(struct holding)};
    struct holdings *holdings = calloc(1, sizeof(*holdings));
    if (holdings)
        holdings->memory = calloc(1, table_memory(&shape));
    if (!holdings || !holdings->memory || getrandom(&shape.key, sizeof(shape.key), 0) != sizeof(shape.key)) {
        holdings_destroy(&holdings);
        return error_set(error, ENOMEM, "no memory for what customers have");
    }
    holdings->table = table_place(holdings->memory, &shape);
    *result = holdings;
    return 0;
}

void holdings_destroy(struct holdings **owner)
{
    struct holdings *holdings = *owner;
    *owner = NULL;
    if (!holdings)
        return;
    free(holdings->memory);
    free(holdings);
}

/* --- one sender ----------------------------------------------------------------------------------------------------
 */

static struct holding *put(struct holdings *holdings, const struct sender *sender)
{
    bool added;
    struct holding *holding = table_find(holdings->table, sender);
    if (!holding && table_count(holdings->table) < HOLDINGS_MOST) /* a full table would give up another's */
        holding = table_add(holdings->table, sender, &added, NULL, NULL);
    return holding;
}

bool holdings_set(struct holdings *holdings, const struct sender *sender, const struct sender *customer)
{
    struct holding *holding = customer ? put(holdings, sender) : table_find(holdings->table, sender);
    if (!customer && holding)
        table_remove(holdings->table, holding);
    else if (holding)
        *holding = (struct holding){*customer, holdings->round};
    return holding || !customer;
}

const struct sender *holdings_find(struct holdings *holdings, const struct sender *sender)
{
    const struct holding *holding = table_find(holdings->table, sender);
    return holding ? &holding->customer : NULL;
}

void holdings_each(struct holdings *holdings,
                   void (*each)(void *context, const struct sender *, const struct sender *customer), void *context)
{
    for (struct holding *holding = table_oldest(holdings->table); holding;
         holding = table_younger(holdings->table, holding))
        each(context, table_key(holdings->table, holding), &holding->customer);
}

uint32_t holdings_count(const struct holdings *holdings)
{
    return table_count(holdings->table);
}

/* --- whose is it ---------------------------------------------------------------------------------------------------
 */

/* The map's names are written as a sender's are. */
static struct sender customer_named(const char name[CUSTOMER_TEXT])
{
    struct sender customer = {.kind = SENDER_CUSTOMER};
    memcpy(customer.bytes, name, strnlen(name, sizeof(customer.bytes)));
    return customer;
}

struct sender holdings_owner(const struct customers *map, const struct device *device)
{
    struct sender port = sender_from_port(device->name);
    uint8_t mac[6];
    const struct customer_question question = {.sender = &port, .mac = device->mac_known ? mac : NULL};
    char name[CUSTOMER_TEXT], guess[CUSTOMER_TEXT];
    memcpy(mac, device->mac, sizeof(mac));
    enum customer_proof proof = customers_find(map, &question, name);
    bool masked = proof != CUSTOMER_MAPPED && device->mac_known && mac[0] == 0xfe;
    /* QEMU's own begin with 0x52; others may begin with any byte that is no group's. */
    for (int i = 0; masked && i < 256; i += 2) {
        mac[0] = (uint8_t)(0x52 + i);
        if (customers_find(map, &question, guess) != CUSTOMER_MAPPED)
            continue;
        memcpy(name, guess, sizeof(name));
        proof = CUSTOMER_MAPPED;
        break;
    }
    return proof == CUSTOMER_UNKNOWN ? (struct sender){0} : customer_named(name);
}

static bool is_addresss_owner(const struct customers *map, const struct sender *address, const struct sender *customer)
{
    const struct customer_question question = {.sender = address};
    char name[CUSTOMER_TEXT];
    if (customers_find(map, &question, name) == CUSTOMER_UNKNOWN)
        return false;
    struct sender owner = customer_named(name);
    return sender_equals(&owner, customer);
}

/* --- all of a customer's -------------------------------------------------------------------------------------------
 */

struct update {
    struct holdings *holdings;
    const struct sender *customer;
    const struct holdings_sight *sight;
    holdings_news *news;
    void *context;
    struct holdings_sum *sum;
};

static void tell(const struct update *update, const struct sender *sender, enum holding_news news)
{
    if (update->news)
        update->news(update->context, sender, news);
}

/* False: it cannot be held, and was counted as such. */
static bool hold(const struct update *update, const struct sender *sender)
{
    const struct holdings_sight *sight = update->sight;
    if (sight->refused && sight->refused(sight->context, sender)) {
        update->sum->refused++;
        return false;
    }
    const struct sender *before = holdings_find(update->holdings, sender);
    enum holding_news news = !before                                   ? HOLDING_BEGINS
                             : sender_equals(before, update->customer) ? HOLDING_STAYS
                                                                       : HOLDING_MOVES;
    if (!holdings_set(update->holdings, sender, update->customer)) {
        update->sum->beyond++;
        return false;
    }
    tell(update, sender, news);
    return true;
}

static bool has_room(const struct update *update)
{
    return update->sum->addresses < HOLDINGS_ADDRESSES;
}

/* In this very update: lines of a map may overlap. */
static bool is_met(const struct update *update, const struct sender *sender)
{
    const struct holding *holding = table_find(update->holdings->table, sender);
    return holding && holding->round == update->holdings->round && sender_equals(&holding->customer, update->customer);
}

static void hold_address(const struct update *update, const struct sender *sender)
{
    if (is_met(update, sender))
        return;
    if (!has_room(update))
        update->sum->beyond++;
    else if (hold(update, sender))
        update->sum->addresses++;
}

/* The `number`th of a prefix's addresses, or of its /64s. */
static struct sender address_at(const struct address *prefix, uint64_t number)
{
    struct address address = *prefix;
    size_t bytes = prefix->family == 4 ? 4 : 8;
    for (size_t i = bytes; i-- > 0; number >>= 8)
        address.bytes[i] |= (uint8_t)number;
    address.prefix = prefix->family == 4 ? 32 : 128;
    return sender_from_address(&address);
}

/* Less than a /64: the whole of it, where the map has nobody else in it. */
static void hold_narrow(const struct update *update, const struct address *prefix)
{
    struct sender sender = sender_from_address(prefix);
    if (is_addresss_owner(update->sight->map, &sender, update->customer))
        hold_address(update, &sender);
    else
        update->sum->narrow++;
}

/* What lies in a longer prefix of another customer's is not this one's. */
static void hold_prefix(const struct update *update, const struct address *prefix)
{
    uint8_t bits = prefix->family == 4 ? 32 : 64;
    uint64_t count = bits - prefix->prefix < 63 ? UINT64_C(1) << (bits - prefix->prefix) : INT64_MAX, number = 0;
    /* The walk is bounded as well: a prefix may be full of what is others'. */
    for (; number < count && number < 2 * HOLDINGS_ADDRESSES && has_room(update); number++) {
        struct sender sender = address_at(prefix, number);
        if (is_addresss_owner(update->sight->map, &sender, update->customer))
            hold_address(update, &sender);
    }
    uint64_t rest = count - number;
    update->sum->beyond = rest > UINT64_MAX - update->sum->beyond ? UINT64_MAX : update->sum->beyond + rest;
}

static void hold_member(void *context, const struct customer_member *member)
{
    const struct update *update = context;
    struct holdings_sum *sum = update->sum;
    bool host = update->sight->host;
    sum->members++;
    switch (member->sender.kind) {
    case SENDER_NONE:
        if (member->prefix.family == 6 && member->prefix.prefix > 64)
            hold_narrow(update, &member->prefix);
        else if (member->prefix.family)
            hold_prefix(update, &member->prefix);
        else
            sum->accounts++;
        break;
    case SENDER_IPV4:
    case SENDER_IPV6:
        hold_address(update, &member->sender);
        break;
    case SENDER_MAC:
        sum->macs += !host && hold(update, &member->sender);
        break;
    case SENDER_USER:
        sum->users += host && hold(update, &member->sender);
        break;
    case SENDER_ACCOUNT:
        sum->accounts++;
        break;
    default: /* ports: those that are open */
        break;
    }
}

static void hold_ports(const struct update *update)
{
    const struct holdings_sight *sight = update->sight;
    for (size_t i = 0; !sight->host && i < sight->device_count; i++) {
        const struct device *device = &sight->devices[i];
        if (device->uplink || !sender_equals(&device->customer, update->customer))
            continue;
        struct sender port = sender_from_port(device->name);
        update->sum->ports += hold(update, &port);
    }
}

/* Those that no update found since that round began. */
static void let_go(const struct update *update, uint64_t round)
{
    struct table *table = update->holdings->table;
    struct holding *next;
    for (struct holding *holding = table_oldest(table); holding; holding = next) {
        next = table_younger(table, holding);
        if (holding->round >= round || !sender_equals(&holding->customer, update->customer))
            continue;
        struct sender sender = *(const struct sender *)table_key(table, holding);
        table_remove(table, holding);
        tell(update, &sender, HOLDING_ENDS);
    }
}

void holdings_update(struct holdings *holdings, const struct sender *customer, const struct holdings_sight *sight,
                     holdings_news *news, void *context, struct holdings_sum *sum)
{
    char name[SENDER_TEXT];
    *sum = (struct holdings_sum){0};
    const struct update update = {holdings, customer, sight, news, context, sum};
    uint64_t round = ++holdings->round;
    sender_print(customer, name);
    hold_ports(&update);
    customers_members(sight->map, text_of(name + strlen("customer:")), hold_member, (void *)&update);
    let_go(&update, round);
}

void holdings_end(struct holdings *holdings, const struct sender *customer, holdings_news *news, void *context)
{
    const struct update update = {.holdings = holdings, .customer = customer, .news = news, .context = context};
    let_go(&update, ++holdings->round);
}
