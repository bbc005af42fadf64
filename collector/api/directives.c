/* What a node is to do. Where there is nothing yet the server asks again when something was ordered. */
#include <inttypes.h>
#include "collector/api/endpoint.h"
#include "common/json.h"

#define DIRECTIVES_MOST 500
#define WAIT_MOST       60

struct telling {
    struct json json;
    int64_t revision;
    size_t count;
};

static void tell(void *context, const struct store_directive *directive)
{
    struct telling *telling = context;
    struct json *json = &telling->json;
    json_object_open(json, NULL);
    json_integer(json, "revision", directive->revision);
    json_text(json, "directive", directive->deed);
    json_text(json, "sender", directive->sender);
    json_moment(json, "until", directive->until);
    json_integer(json, "rate", directive->rate);
    json_text(json, "reason", directive->reason);
    json_text(json, "by", directive->person);
    json_moment(json, "time", directive->time);
    json_object_close(json);
    telling->revision = directive->revision;
    telling->count++;
}

int directives_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    int64_t after = 0, wait = 0;
    if (!exchange_number(exchange, "after", &after) || !exchange_number(exchange, "wait", &wait) || wait > WAIT_MOST)
        return exchange_refuse(exchange, 400, "after: a revision; wait: up to %d seconds", WAIT_MOST);
    struct telling telling = {.json = json_begin(&exchange->answer), .revision = after};
    json_integer(&telling.json, "after", after);
    json_array_open(&telling.json, "directives");
    int status = store_directives(store, exchange->node.id, after, DIRECTIVES_MOST, tell, &telling, error);
    if (status < 0)
        return status;
    json_array_close(&telling.json);
    json_integer(&telling.json, "revision", telling.revision);
    exchange->status = json_end(&telling.json) ? 200 : 500;
    if (telling.count == 0) {
        buffer_clear(&exchange->answer);
        exchange->status = 204;
        exchange->nothing = true;
        exchange->patience = wait * SECOND;
    }
    return 0;
}
