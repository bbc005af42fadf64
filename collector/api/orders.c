/* People's orders: kept as directives that nodes fetch, with who gave them and why; what nodes said of them; and what
 * stands on nodes, whoever ordered it. */
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include "collector/api/endpoint.h"
#include "collector/api/fleet.h"
#include "collector/api/lines.h"
#include "collector/api/once.h"
#include "common/cleanup.h"
#include "common/words/sender.h"

#define REASON_MOST 160
#define RATE_MOST   60000
#define LONGEST     (366 * DAY)

static void drop(json_t **json)
{
    json_decref(*json);
    *json = NULL;
}

static bool is_deed(const char *word)
{
    static const char *const deeds[] = {"block", "throttle", "divert", "allow", "release"};
    for (size_t i = 0; word && i < sizeof deeds / sizeof deeds[0]; i++)
        if (strcmp(word, deeds[i]) == 0)
            return true;
    return false;
}

/* What would be shown as something else than it is has no place in an order. */
static bool is_plain(const char *word, size_t most)
{
    size_t length = word ? strlen(word) : 0;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)word[i] < ' ' || word[i] == 0x7f)
            return false;
    return length > 0 && length <= most;
}

static int read_order(struct exchange *exchange, const json_t *asked, struct store_directive *result,
                      char target[SENDER_TEXT])
{
    const char *deed = json_string_value(json_object_get(asked, "order"));
    const char *sender = json_string_value(json_object_get(asked, "sender"));
    const char *reason = json_string_value(json_object_get(asked, "reason"));
    const char *node = json_string_value(json_object_get(asked, "node"));
    const char *length = json_string_value(json_object_get(asked, "for"));
    struct sender parsed;
    duration time = 0;
    if (!is_deed(deed))
        return exchange_refuse(exchange, 400, "order: block, throttle, divert, allow or release");
    if (!sender || !sender_parse(text_of(sender), &parsed))
        return exchange_refuse(exchange, 400,
                               "sender: an address, account:NAME, uid:N, port:NAME, a MAC or customer:NAME");
    if (!is_plain(reason, REASON_MOST))
        return exchange_refuse(exchange, 400, "reason: a sentence of up to %d bytes; it is kept on record",
                               REASON_MOST);
    json_t *place = json_object_get(asked, "node");
    if (place && !json_is_null(place) && (!node || !secret_parse_id(text_of(node), &result->node) || !result->node))
        return exchange_refuse(exchange, 400, "node: sixteen hexadecimal digits, or null for every node");
    if (length && (!duration_parse(text_of(length), &time) || time <= 0 || time > LONGEST))
        return exchange_refuse(exchange, 400, "for: 30m, 12h, 7d; up to a year");
    json_int_t rate = json_integer_value(json_object_get(asked, "rate"));
    if (rate < 0 || rate > RATE_MOST)
        return exchange_refuse(exchange, 400, "rate: connections a minute, up to %d", RATE_MOST);
    result->time = exchange->arrived;
    result->until = time ? exchange->arrived + time : 0;
    result->rate = rate;
    result->deed = text_of(deed);
    result->sender = text_of(sender_print(&parsed, target));
    result->reason = text_of(reason);
    result->person = text_of(exchange->person.name);
    return 1;
}

int order_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    CLEANUP(drop)
    json_t *asked = json_loadb(exchange->body.length ? exchange->body.bytes : "", exchange->body.length,
                               JSON_REJECT_DUPLICATES, NULL);
    struct store_directive directive = {0};
    int64_t revision;
    char target[SENDER_TEXT];
    int code = read_order(exchange, asked, &directive, target);
    if (code <= 0)
        return code;
    code = once_was_done(store, exchange, error);
    if (code != 0)
        return code < 0 ? code : 0;
    code = directive.node ? store_node_is_known(store, directive.node, error) : 1;
    if (code == 0)
        return exchange_refuse(exchange, 404, "there is no such node");
    if (code > 0)
        code = store_directive_add(store, &directive, &revision, error);
    const struct store_deed deed = {.time = exchange->arrived,
                                    .person = directive.person,
                                    .deed = directive.deed,
                                    .target = directive.sender,
                                    .reason = directive.reason,
                                    .from = text_of(exchange->from)};
    if (code == 0)
        code = store_audit_add(store, &deed, error);
    return code < 0 ? code : once_done(store, exchange, revision, error);
}

void fleet_add_order(void *context, const struct store_order *order)
{
    struct lines *lines = context;
    struct json json = lines_record(lines, "order");
    lines_node_of(&json, order->node, order->node_name);
    json_text(&json, "sender", order->sender);
    json_text(&json, "customer", order->customer);
    json_text(&json, "deed", order->deed);
    json_moment(&json, "since", order->since);
    json_moment(&json, "until", order->until);
    json_text(&json, "by", order->by);
    json_integer(&json, "rate", order->rate);
    json_text(&json, "address", order->address);
    lines_add(lines, &json);
}

static void add_directive(void *context, const struct store_directive *directive)
{
    struct lines *lines = context;
    struct json json = lines_record(lines, "directive");
    char id[SECRET_ID];
    json_integer(&json, "revision", directive->revision);
    json_string(&json, "node", directive->node ? secret_print_id(directive->node, id) : NULL);
    json_text(&json, "deed", directive->deed);
    json_text(&json, "sender", directive->sender);
    json_moment(&json, "time", directive->time);
    json_moment(&json, "until", directive->until);
    json_integer(&json, "rate", directive->rate);
    json_text(&json, "by", directive->person);
    json_text(&json, "reason", directive->reason);
    json_integer(&json, "done", directive->done);
    json_integer(&json, "failed", directive->failed);
    lines_add(lines, &json);
}

int orders_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    uint32_t most = 1000;
    moment since;
    int64_t node;
    if (!lines_most(exchange, "limit", &most) || !lines_since(exchange, &since) || !lines_node(exchange, &node))
        return exchange_refuse(exchange, 400,
                               "limit: 1 to %d; since: a time as in RFC 3339; node: sixteen hexadecimal digits",
                               LINES_MOST);
    struct lines lines = lines_begin(exchange);
    int code = store_orders(store, node, most, exchange->arrived, fleet_add_order, &lines, error);
    if (code == 0)
        code = store_directives_list(store, since, most, add_directive, &lines, error);
    return code < 0 ? code : lines_end(&lines, NULL);
}
