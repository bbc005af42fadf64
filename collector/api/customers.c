/* Customers over all nodes, and campaigns. */
#include <string.h>
#include "collector/api/endpoint.h"
#include "collector/api/fleet.h"
#include "collector/store/customers.h"

static void add_customer(void *context, const struct store_customer *customer)
{
    struct lines *lines = context;
    struct json json = lines_record(lines, "customer");
    json_text(&json, "customer", customer->customer);
    json_integer(&json, "senders", customer->senders);
    json_integer(&json, "nodes", customer->nodes);
    json_integer(&json, "messages", customer->messages);
    json_integer(&json, "messages_rejected", customer->rejected);
    json_integer(&json, "recipients", customer->recipients);
    json_hundredths(&json, "points", customer->points);
    lines_add(lines, &json);
}

int customers_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    uint32_t most = 100;
    if (!lines_most(exchange, "top", &most))
        return exchange_refuse(exchange, 400, "top: 1 to %d", LINES_MOST);
    struct lines lines = lines_begin(exchange);
    int code = store_customers(store, most, exchange->arrived, add_customer, &lines, error);
    return code < 0 ? code : lines_end(&lines, NULL);
}

/* --- one customer --- */

#define NODES_MOST 1024 /* of which points are told apart; those of more count as elsewhere */

struct telling {
    struct lines lines;
    struct store_customer sums;
    struct {
        int64_t node, points;
    } of[NODES_MOST];
    size_t count;
};

static size_t place_of(const struct telling *telling, int64_t node)
{
    size_t i = 0;
    while (i < telling->count && telling->of[i].node != node)
        i++;
    return i;
}

static void sum_member(void *context, const struct store_member *member)
{
    struct telling *telling = context;
    size_t place = place_of(telling, member->sender.node);
    telling->sums.senders++;
    telling->sums.nodes += place == telling->count;
    telling->sums.messages += member->sender.messages;
    telling->sums.rejected += member->sender.rejected;
    telling->sums.recipients += member->sender.recipients;
    telling->sums.points += member->points;
    if (place == NODES_MOST)
        return;
    telling->of[place].node = member->sender.node;
    telling->of[place].points += member->points;
    telling->count += place == telling->count;
}

static void add_member(void *context, const struct store_member *member)
{
    struct telling *telling = context;
    size_t place = place_of(telling, member->sender.node);
    int64_t here = place < telling->count ? telling->of[place].points : 0;
    struct json json = lines_record(&telling->lines, "sender");
    fleet_put_sender(&json, &member->sender);
    json_text(&json, "address", member->address);
    json_hundredths(&json, "points", member->points);
    json_hundredths(&json, "points_elsewhere", telling->sums.points - here);
    lines_add(&telling->lines, &json);
}

int customer_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    char name[300];
    uint32_t most = 1000;
    text_copy_printable(exchange->target, name, sizeof name);
    if (!lines_most(exchange, "limit", &most))
        return exchange_refuse(exchange, 400, "limit: 1 to %d", LINES_MOST);
    struct telling telling = {.lines = lines_begin(exchange), .sums = {.customer = text_of(name)}};
    int code = store_members(store, name, most, exchange->arrived, sum_member, &telling, error);
    if (code < 0)
        return code;
    add_customer(&telling.lines, &telling.sums);
    code = store_members(store, name, most, exchange->arrived, add_member, &telling, error);
    if (code == 0)
        code = store_orders_of(store, name, most, exchange->arrived, fleet_add_order, &telling.lines, error);
    return code < 0 ? code : lines_end(&telling.lines, NULL);
}

/* --- campaigns --- */

static void add_campaign(void *context, const struct store_campaign *campaign)
{
    struct lines *lines = context;
    struct json json = lines_record(lines, "campaign");
    json_text(&json, "likeness", campaign->likeness);
    json_integer(&json, "customers", campaign->customers);
    json_integer(&json, "senders", campaign->senders);
    json_integer(&json, "nodes", campaign->nodes);
    json_integer(&json, "recipients", campaign->recipients);
    json_moment(&json, "first", campaign->first);
    json_moment(&json, "seen", campaign->seen);
    json_moment(&json, "until", campaign->until);
    json_text(&json, "some", campaign->some);
    lines_add(lines, &json);
}

int campaigns_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    uint32_t most = 100;
    if (!lines_most(exchange, "top", &most))
        return exchange_refuse(exchange, 400, "top: 1 to %d", LINES_MOST);
    struct lines lines = lines_begin(exchange);
    int code = store_campaigns(store, most, exchange->arrived, add_campaign, &lines, error);
    return code < 0 ? code : lines_end(&lines, NULL);
}
