/* A person orders: it becomes a directive for one node or for all, and wakes those who wait for one. */
#include "collector/api/person.h"

#include <inttypes.h>
#include <string.h>
#include "collector/api/endpoint.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "common/words/order.h"
#include "common/words/sender.h"

#define REASON_MOST 200
#define RATE_MOST   60000

static bool is_deed(const char *word)
{
    for (int deed = 0; word && deed < DEEDS; deed++)
        if (strcmp(word, deed_name((enum deed)deed)) == 0)
            return true;
    return false;
}

/* Fills the directive from the body. NULL: good; else what is wrong. Texts are borrowed from both. */
static const char *read_order(json_t *body, moment now, struct store_directive *directive, char sender[SENDER_TEXT])
{
    const char *deed = json_string_value(json_object_get(body, "order"));
    const char *target = json_string_value(json_object_get(body, "sender"));
    const char *lasts = json_string_value(json_object_get(body, "for"));
    const char *reason = json_string_value(json_object_get(body, "reason"));
    json_t *node = json_object_get(body, "node"), *rate = json_object_get(body, "rate");
    struct sender parsed;
    duration length;
    if (!is_deed(deed))
        return "order: block, throttle, divert, allow or release";
    if (target == NULL || !sender_parse(text_of(target), &parsed))
        return "sender: an address, account:NAME, uid:N, port:NAME or a MAC";
    if (node && !json_is_null(node) &&
        (!json_is_string(node) || !secret_parse_id(text_of(json_string_value(node)), &directive->node) ||
         directive->node == 0))
        return "node: sixteen hexadecimal digits, or null for every node";
    if (lasts && (!duration_parse(text_of(lasts), &length) || length <= 0 || length > ORDER_LONGEST))
        return "for: a time such as 1h, at most 400 days";
    if (rate && (!json_is_integer(rate) || json_integer_value(rate) < 1 || json_integer_value(rate) > RATE_MOST))
        return "rate: connections a minute, 1 to 60000";
    if (reason && strlen(reason) > REASON_MOST)
        return "reason: at most 200 bytes";
    directive->time = now;
    directive->until = lasts ? now + length : 0;
    directive->rate = rate ? json_integer_value(rate) : 0;
    directive->deed = text_of(deed);
    directive->sender = text_of(sender_print(&parsed, sender));
    directive->reason = text_of(reason ? reason : "");
    return NULL;
}

int order_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    CLEANUP(body_drop) json_t *body = body_read(exchange);
    struct store_directive directive = {0};
    char sender[SENDER_TEXT];
    int64_t revision;
    const char *wrong = body ? read_order(body, exchange->arrived, &directive, sender) : "the body is no JSON object";
    if (wrong)
        return exchange_refuse(exchange, 400, "%s", wrong);
    directive.person = text_of(exchange->person.name);
    int status = store_directive_add(store, &directive, &revision, error);
    if (status >= 0)
        status = audit_note(store, exchange, directive.deed.bytes, sender, directive.reason.bytes, error);
    if (status < 0)
        return status;
    struct json json = json_begin(&exchange->answer);
    json_integer(&json, "revision", revision);
    exchange->status = json_end(&json) ? 201 : 503;
    exchange->told = TOLD_NODES;
    return 0;
}

static void list_directive(void *context, const struct store_directive *directive)
{
    struct exchange *exchange = context;
    char id[SECRET_ID];
    struct json json = json_begin(&exchange->answer);
    json_string(&json, "record", "directive");
    json_string(&json, "node", directive->node ? secret_print_id(directive->node, id) : NULL);
    json_integer(&json, "revision", directive->revision);
    json_text(&json, "order", directive->deed);
    json_text(&json, "sender", directive->sender);
    json_moment(&json, "time", directive->time);
    json_moment(&json, "until", directive->until);
    json_integer(&json, "rate", directive->rate);
    json_text(&json, "reason", directive->reason);
    json_text(&json, "by", directive->person);
    json_integer(&json, "done", directive->done);
    json_integer(&json, "failed", directive->failed);
    if (!json_end(&json))
        exchange->status = 503;
}

int told_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    moment since = 0;
    int64_t limit = LIST_MOST;
    const char *given = exchange_parameter(exchange, "since");
    if ((given && !moment_parse(text_of(given), &since)) || !exchange_number(exchange, "limit", &limit))
        return exchange_refuse(exchange, 400, "since: a moment; limit: a number");
    int status = store_directives_list(store, since, (uint32_t)(limit < LIST_MOST ? limit : LIST_MOST), list_directive,
                                       exchange, error);
    return status < 0 ? status : list_end(exchange);
}
