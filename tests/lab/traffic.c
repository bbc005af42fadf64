/* An agenda of what happens next: a flow connects, a deferred message is tried again, a connection's next frame. */
#include "tests/lab/traffic.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "tests/lab/neighbours.h"

#define BEGIN        (INT64_C(1795392000) * SECOND) /* Monday, 2026-11-23 */
#define TRIES_MOST   8
#define FIRST_NUMBER 10 /* the last byte of the first customer's address */

enum entry_kind { ENTRY_FLOW, ENTRY_AGAIN, ENTRY_WIRE };

struct entry {
    moment time;
    uint64_t order; /* among equal times the earlier made goes first */
    enum entry_kind kind;
    void *what;
};

struct again {
    struct lab_sending *sending;
    struct lab_message message;
};

struct connection {
    struct lab_wire wire;
    uint32_t party;
    size_t next;
    struct connection *over;
};

struct lab_traffic {
    moment begin, end;
    bool by_address, failed;
    struct lab_customer *customers;
    size_t customer_count;
    struct lab_party *parties;
    size_t party_count, first_party[LAB_NODE_SENDERS];
    struct lab_sending *sendings;
    size_t sending_count;
    struct entry *agenda;
    size_t entries, room;
    uint64_t order, connections;
    struct connection *over; /* ended, but the frames may still be borrowed */
};

/* --- the agenda: a heap with the earliest on top --- */

static bool is_before(const struct entry *a, const struct entry *b)
{
    return a->time != b->time ? a->time < b->time : a->order < b->order;
}

static void sink(struct lab_traffic *traffic, size_t at)
{
    struct entry moved = traffic->agenda[at];
    for (size_t child; (child = 2 * at + 1) < traffic->entries; at = child) {
        if (child + 1 < traffic->entries && is_before(&traffic->agenda[child + 1], &traffic->agenda[child]))
            child++;
        if (!is_before(&traffic->agenda[child], &moved))
            break;
        traffic->agenda[at] = traffic->agenda[child];
    }
    traffic->agenda[at] = moved;
}

static bool plan(struct lab_traffic *traffic, moment time, enum entry_kind kind, void *what)
{
    if (traffic->entries == traffic->room) {
        size_t room = traffic->room ? 2 * traffic->room : 256;
        struct entry *agenda = reallocarray(traffic->agenda, room, sizeof *agenda);
        if (agenda == NULL) {
            traffic->failed = true;
            return false;
        }
        traffic->agenda = agenda;
        traffic->room = room;
    }
    struct entry entry = {time, traffic->order++, kind, what};
    size_t at = traffic->entries++;
    for (; at > 0 && is_before(&entry, &traffic->agenda[(at - 1) / 2]); at = (at - 1) / 2)
        traffic->agenda[at] = traffic->agenda[(at - 1) / 2];
    traffic->agenda[at] = entry;
    return true;
}

static void drop_first(struct lab_traffic *traffic)
{
    traffic->agenda[0] = traffic->agenda[--traffic->entries];
    if (traffic->entries > 0)
        sink(traffic, 0);
}

/* --- customers --- */

static void give_addresses(struct lab_customer *customer)
{
    uint8_t number[4] = {203, 0, 113, 0}, long_number[16] = {0x20, 0x01, 0x0d, 0xb8};
    enum lab_address kind = customer->actor->address;
    customer->address_count = kind == LAB_V4X16 ? LAB_ADDRESSES : 1;
    for (unsigned i = 0; i < customer->address_count; i++) {
        number[3] = (uint8_t)(kind == LAB_V4X16 ? 128 + i : FIRST_NUMBER + customer->number);
        long_number[7] = (uint8_t)customer->number;
        long_number[15] = 25;
        customer->addresses[i] =
            kind == LAB_V6 || kind == LAB_V6_64 ? address_from_ipv6(long_number) : address_from_ipv4(number);
    }
}

static bool is_abuser(const struct lab_actor *actor)
{
    for (size_t i = 0; i < actor->flow_count; i++)
        if (actor->flows[i].label == LAB_ABUSER)
            return true;
    return false;
}

/* Whether what it is judged for can be read, at least where servers do not offer TLS. */
static bool is_visible(const struct lab_actor *actor)
{
    bool abuser = is_abuser(actor);
    for (size_t i = 0; i < actor->flow_count; i++) {
        const struct lab_flow *flow = &actor->flows[i];
        bool counts = flow->label == LAB_ABUSER || !abuser;
        if (counts && (flow->tls == LAB_PLAIN || (flow->tls == LAB_STARTTLS && flow->tls_share.most < 1)))
            return true;
    }
    return false;
}

static void add_customer(struct lab_traffic *traffic, const struct lab_actor *actor, bool neighbour, uint64_t seed)
{
    unsigned number = (unsigned)traffic->customer_count;
    struct lab_customer *customer = &traffic->customers[traffic->customer_count++];
    *customer = (struct lab_customer){.actor = actor,
                                      .neighbour = neighbour,
                                      .number = number,
                                      .key = lab_mix(seed, 1000 + number),
                                      .port = number + 1,
                                      .mac = {0x52, 0x54, 0, 0, 0, (uint8_t)(number + 1)},
                                      .next_port = (uint16_t)(20000 + lab_mix(seed, number) % 20000)};
    lab_domain(customer->key, customer->domain);
    give_addresses(customer);
    traffic->first_party[number] = traffic->party_count;
    unsigned parties = traffic->by_address ? customer->address_count : 1;
    for (unsigned i = 0; i < parties; i++) {
        char interface[16];
        snprintf(interface, sizeof interface, "vnet%u", number + 1);
        traffic->parties[traffic->party_count++] = (struct lab_party){
            .customer = customer,
            .sender = traffic->by_address ? sender_from_address(&customer->addresses[i]) : sender_from_port(interface),
            .abuser = is_abuser(actor),
            .visible = is_visible(actor)};
    }
}

static void begin_flows(struct lab_traffic *traffic, uint64_t seed)
{
    for (size_t i = 0; i < traffic->customer_count; i++) {
        struct lab_customer *customer = &traffic->customers[i];
        for (size_t k = 0; k < customer->actor->flow_count; k++) {
            struct lab_sending *sending = &traffic->sendings[traffic->sending_count++];
            lab_sending_begin(sending, &customer->actor->flows[k], customer, seed, traffic->begin, traffic->end);
            for (size_t v = 0; v < traffic->customer_count && sending->victim == NULL; v++)
                if (traffic->customers[v].neighbour)
                    sending->victim = &traffic->customers[v];
            moment next = lab_sending_next(sending, traffic->begin);
            if (next > 0)
                plan(traffic, next, ENTRY_FLOW, sending);
        }
    }
}

static bool make(struct lab_traffic *traffic, const struct lab_scenario *scenario, uint64_t seed, struct error *error)
{
    struct lab_random random = {lab_mix(seed, 2)};
    uint64_t neighbours = lab_draw_whole(&random, scenario->neighbours), flows = 0, customers = 0;
    uint64_t counts[LAB_NODE_SENDERS];
    for (size_t i = 0; i < scenario->actor_count && i < LAB_NODE_SENDERS; i++) {
        counts[i] = lab_draw_whole(&random, scenario->actors[i].count);
        customers += counts[i];
        flows += counts[i] * scenario->actors[i].flow_count;
    }
    if (customers + neighbours > 100) {
        error_set(error, EINVAL, "%s: more than 100 customers on one node", scenario->name);
        return false;
    }
    traffic->customers = calloc(customers + neighbours + 1, sizeof *traffic->customers);
    traffic->parties = calloc((customers + neighbours) * LAB_ADDRESSES + 1, sizeof *traffic->parties);
    traffic->sendings = calloc(flows + 4 * neighbours + 1, sizeof *traffic->sendings);
    if (traffic->customers == NULL || traffic->parties == NULL || traffic->sendings == NULL) {
        error_set(error, ENOMEM, "no memory for the customers of %s", scenario->name);
        return false;
    }
    for (size_t i = 0; i < scenario->actor_count; i++)
        for (uint64_t k = 0; k < counts[i]; k++)
            add_customer(traffic, &scenario->actors[i], false, seed);
    for (uint64_t i = 0; i < neighbours; i++)
        add_customer(traffic, lab_neighbour(lab_next(&random)), true, seed);
    begin_flows(traffic, seed);
    return true;
}

struct lab_traffic *lab_traffic_create(const struct lab_scenario *scenario, uint64_t seed, struct error *error)
{
    CLEANUP(lab_traffic_destroy) struct lab_traffic *traffic = calloc(1, sizeof *traffic);
    if (traffic == NULL) {
        error_set(error, ENOMEM, "no memory for %s", scenario->name);
        return NULL;
    }
    for (const char *letter = scenario->name; *letter; letter++)
        seed = lab_mix(seed, (uint8_t)*letter);
    traffic->by_address = scenario->by_address;
    traffic->begin =
        BEGIN + (moment)(lab_mix(seed, 3) % 24) * HOUR * (scenario->length < 2 * DAY && scenario->any_hour);
    traffic->end = traffic->begin + scenario->length;
    return make(traffic, scenario, seed, error) ? TAKE(traffic) : NULL;
}

/* --- making frames --- */

static void let_go(struct lab_traffic *traffic)
{
    while (traffic->over != NULL) {
        struct connection *connection = traffic->over;
        traffic->over = connection->over;
        lab_wire_clear(&connection->wire);
        free(connection);
    }
}

void lab_traffic_destroy(struct lab_traffic **pointer)
{
    struct lab_traffic *traffic = *pointer;
    if (traffic == NULL)
        return;
    for (size_t i = 0; i < traffic->entries; i++) {
        struct entry *entry = &traffic->agenda[i];
        if (entry->kind == ENTRY_WIRE)
            lab_wire_clear(&((struct connection *)entry->what)->wire);
        else if (entry->kind == ENTRY_AGAIN)
            lab_message_clear(&((struct again *)entry->what)->message);
        if (entry->kind != ENTRY_FLOW)
            free(entry->what);
    }
    let_go(traffic);
    for (size_t i = 0; i < traffic->sending_count; i++)
        lab_sending_clear(&traffic->sendings[i]);
    free(traffic->agenda);
    free(traffic->customers);
    free(traffic->parties);
    free(traffic->sendings);
    free(traffic);
    *pointer = NULL;
}

/* What servers asked to be tried again: the wait doubles with each try. */
static void plan_again(struct lab_traffic *traffic, struct lab_sending *sending)
{
    for (size_t i = 0; i < sending->deferred_count; i++) {
        struct again *again = calloc(1, sizeof *again);
        struct lab_message *message = &sending->deferred[i];
        moment wait = (moment)(lab_draw(&sending->random, sending->flow->retry) * (1 << (message->tries - 1) / 2));
        moment due = sending->deferred_at + wait;
        if (again == NULL || message->tries >= TRIES_MOST || due >= traffic->end) {
            traffic->failed = traffic->failed || again == NULL;
            free(again);
            lab_message_clear(message);
            continue;
        }
        *again = (struct again){sending, *message};
        if (!plan(traffic, due, ENTRY_AGAIN, again)) {
            lab_message_clear(&again->message);
            free(again);
        }
    }
    sending->deferred_count = 0;
}

static void connect_now(struct lab_traffic *traffic, struct lab_sending *sending, moment time,
                        struct lab_message *again)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        traffic->failed = true;
        if (again != NULL)
            lab_message_clear(again);
        return;
    }
    unsigned address = lab_converse(sending, time, again, &connection->wire);
    size_t first = traffic->first_party[sending->customer->number];
    connection->party = (uint32_t)(first + (traffic->by_address ? address : 0));
    struct lab_party *party = &traffic->parties[connection->party];
    party->seen = party->seen ? party->seen : time;
    if (sending->flow->label == LAB_ABUSER && party->begun == 0)
        party->begun = time;
    traffic->connections++;
    sending->deferred_at = connection->wire.time;
    plan_again(traffic, sending);
    if (connection->wire.count == 0 || !plan(traffic, connection->wire.packets[0].time, ENTRY_WIRE, connection)) {
        lab_wire_clear(&connection->wire);
        free(connection);
    }
    traffic->failed = traffic->failed || sending->failed;
}

/* Do what stands first; true: it has given a frame. */
static bool step(struct lab_traffic *traffic, struct lab_traffic_frame *result)
{
    struct entry first = traffic->agenda[0];
    if (first.kind == ENTRY_WIRE) {
        struct connection *connection = first.what;
        const struct lab_packet *packet = &connection->wire.packets[connection->next++];
        *result = (struct lab_traffic_frame){packet, connection->wire.bytes + packet->offset, connection->party};
        if (connection->next < connection->wire.count) {
            traffic->agenda[0].time = packet[1].time;
            traffic->agenda[0].order = traffic->order++;
            sink(traffic, 0);
        } else {
            drop_first(traffic);
            connection->over = traffic->over;
            traffic->over = connection;
        }
        return true;
    }
    drop_first(traffic);
    if (first.kind == ENTRY_AGAIN) {
        struct again *again = first.what;
        connect_now(traffic, again->sending, first.time, &again->message);
        free(again);
        return false;
    }
    struct lab_sending *sending = first.what;
    connect_now(traffic, sending, first.time, NULL);
    moment next = lab_sending_next(sending, first.time);
    if (next > 0)
        plan(traffic, next, ENTRY_FLOW, sending);
    return false;
}

size_t lab_traffic_next(struct lab_traffic *traffic, struct lab_traffic_frame *result, size_t most)
{
    size_t count = 0;
    let_go(traffic);
    while (count < most && traffic->entries > 0 && !traffic->failed)
        count += step(traffic, &result[count]);
    return count;
}

bool lab_traffic_failed(const struct lab_traffic *traffic)
{
    return traffic->failed;
}

struct lab_party *lab_traffic_parties(struct lab_traffic *traffic, size_t *count)
{
    *count = traffic->party_count;
    return traffic->parties;
}

struct lab_customer *lab_traffic_customers(struct lab_traffic *traffic, size_t *count)
{
    *count = traffic->customer_count;
    return traffic->customers;
}

moment lab_traffic_begin(const struct lab_traffic *traffic)
{
    return traffic->begin;
}

moment lab_traffic_end(const struct lab_traffic *traffic)
{
    return traffic->end;
}

uint64_t lab_traffic_connections(const struct lab_traffic *traffic)
{
    return traffic->connections;
}
