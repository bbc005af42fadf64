/* What people see of the fleet: nodes, senders, and who did what. */
#include "collector/api/endpoint.h"
#include "collector/api/fleet.h"
#include "collector/api/lines.h"

static void add_node(void *context, const struct store_node *node)
{
    struct lines *lines = context;
    struct json json = lines_record(lines, "node");
    lines_node_of(&json, node->id, text_of(node->name));
    json_string(&json, "version", node->version);
    json_moment(&json, "enrolled", node->enrolled);
    json_moment(&json, "seen", node->seen);
    json_moment(&json, "revoked", node->revoked);
    json_integer(&json, "spooled", node->spooled);
    json_integer(&json, "acknowledged", node->acknowledged);
    lines_add(lines, &json);
}

int nodes_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    struct lines lines = lines_begin(exchange);
    int code = store_nodes(store, add_node, &lines, error);
    return code < 0 ? code : lines_end(&lines, NULL);
}

int node_revoke_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    int64_t id;
    char text[SECRET_ID];
    if (!secret_parse_id(exchange->target, &id))
        return exchange_refuse(exchange, 400, "a node is named by its sixteen hexadecimal digits");
    int found = store_node_revoke(store, id, exchange->arrived, error);
    if (found == 0)
        return exchange_refuse(exchange, 404, "there is no such node");
    const struct store_deed deed = {.time = exchange->arrived,
                                    .person = text_of(exchange->person.name),
                                    .deed = TEXT("revoke"),
                                    .target = text_of(secret_print_id(id, text)),
                                    .from = text_of(exchange->from)};
    int code = found < 0 ? found : store_audit_add(store, &deed, error);
    if (code < 0)
        return code;
    exchange->status = 204;
    exchange->told = TOLD_NODES; /* it may wait for directives: it is to hear it now */
    return 0;
}

void fleet_put_sender(struct json *json, const struct store_sender *sender)
{
    lines_node_of(json, sender->node, sender->node_name);
    json_text(json, "sender", sender->sender);
    json_text(json, "customer", sender->customer);
    json_text(json, "verdict", sender->verdict);
    json_hundredths(json, "score", sender->score);
    json_moment(json, "verdict_since", sender->changed);
    json_moment(json, "last_seen", sender->seen);
    json_integer(json, "connections", sender->connections);
    json_integer(json, "messages", sender->messages);
    json_integer(json, "messages_rejected", sender->rejected);
    json_integer(json, "recipients", sender->recipients);
    json_integer(json, "bytes", sender->bytes);
}

static void add_sender(void *context, const struct store_sender *sender)
{
    struct lines *lines = context;
    struct json json = lines_record(lines, "sender");
    fleet_put_sender(&json, sender);
    lines_add(lines, &json);
}

int senders_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    uint32_t most = 20;
    int64_t node;
    if (!lines_most(exchange, "top", &most) || !lines_node(exchange, &node))
        return exchange_refuse(exchange, 400, "top: 1 to %d; node: sixteen hexadecimal digits", LINES_MOST);
    struct lines lines = lines_begin(exchange);
    int code = store_senders(store, node, NULL, most, exchange->arrived, add_sender, &lines, error);
    return code < 0 ? code : lines_end(&lines, NULL);
}

static void add_history(void *context, const struct store_event *event)
{
    struct lines *lines = context;
    /* The line was checked to be an object when it came. */
    struct text rest = {event->line.bytes + 1, event->line.length - 1};
    char id[SECRET_ID];
    struct buffer *out = &lines->exchange->answer;
    lines->failed |= !buffer_printf(out, "{\"node\":\"%s\",", secret_print_id(event->node, id)) ||
                     !buffer_append(out, rest) || !buffer_append_byte(out, '\n');
}

int sender_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    char name[300];
    text_copy_printable(exchange->target, name, sizeof name);
    const struct store_event_filter filter = {.sender = name, .most = 200, .newest = true};
    struct lines lines = lines_begin(exchange);
    int code = store_senders(store, 0, name, LINES_MOST, exchange->arrived, add_sender, &lines, error);
    if (code == 0)
        code = store_events(store, &filter, add_history, &lines, error);
    return code < 0 ? code : lines_end(&lines, NULL);
}

static void add_deed(void *context, const struct store_deed *deed)
{
    struct lines *lines = context;
    struct json json = lines_record(lines, "deed");
    json_moment(&json, "time", deed->time);
    json_text(&json, "person", deed->person);
    json_text(&json, "deed", deed->deed);
    json_text(&json, "target", deed->target);
    json_text(&json, "reason", deed->reason);
    json_text(&json, "from", deed->from);
    lines_add(lines, &json);
}

int audit_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    uint32_t most = 1000;
    moment since;
    if (!lines_most(exchange, "limit", &most) || !lines_since(exchange, &since))
        return exchange_refuse(exchange, 400, "limit: 1 to %d; since: a time as in RFC 3339", LINES_MOST);
    struct lines lines = lines_begin(exchange);
    int code = store_audit(store, since, most, add_deed, &lines, error);
    return code < 0 ? code : lines_end(&lines, NULL);
}
