/* What a node is to do. Where there is nothing yet the server asks again when something was ordered. */
#include <inttypes.h>
#include "collector/api/endpoint.h"
#include "common/cleanup.h"
#include "common/json.h"

#define DIRECTIVES_MOST 500
#define WAIT_MOST       60
#define SETTINGS_MOST   (1U << 20) /* as JSON */

struct telling {
    struct json json;
    int64_t revision, after;
    size_t count;
    int64_t settings;   /* the revision of those that are still to be told; 0: none */
    struct buffer told; /* and they as JSON */
};

/* Of the settings only the last ones matter, however many there were. They are told in their place among the others. */
static void write_settings(void *context, const struct store_settings *settings)
{
    struct telling *telling = context;
    if (settings->revision <= telling->after)
        return;
    struct json json = json_begin(&telling->told);
    json_integer(&json, "revision", settings->revision);
    json_string(&json, "directive", "settings");
    json_text(&json, "text", settings->text);
    json_text(&json, "reason", settings->reason);
    json_text(&json, "by", settings->person);
    json_moment(&json, "time", settings->time);
    telling->settings = json_end(&json) ? settings->revision : 0;
}

static void tell_settings(struct telling *telling)
{
    json_key(&telling->json, NULL);
    json_put(&telling->json, text_trim(buffer_text(&telling->told)));
    telling->json.comma = true;
    telling->revision = telling->settings;
    telling->settings = 0;
    telling->count++;
}

static void tell(void *context, const struct store_directive *directive)
{
    struct telling *telling = context;
    struct json *json = &telling->json;
    if (telling->settings && telling->settings < directive->revision)
        tell_settings(telling);
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

static void drop_buffer(struct buffer **buffer)
{
    buffer_clear(*buffer);
}

/* A node that has a revision higher than any was told by this centre before it was put back from a backup. It would
 * pass over all that is ordered up to there, so it learns where this centre stands. 1: it was answered so. */
static int highest(struct store *store, struct exchange *exchange, int64_t after, struct error *error)
{
    int64_t revision = 0;
    int status = store_revision(store, &revision, error);
    if (status < 0 || after <= revision)
        return status < 0 ? status : 0;
    buffer_clear(&exchange->answer);
    struct json json = json_begin(&exchange->answer);
    json_string(&json, "error", "no revision is as high as that");
    json_integer(&json, "after", after);
    json_integer(&json, "revision", revision);
    exchange->status = json_end(&json) ? 416 : 500;
    return 1;
}

int directives_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    int64_t after = 0, wait = 0;
    if (!exchange_number(exchange, "after", &after) || !exchange_number(exchange, "wait", &wait) || wait > WAIT_MOST)
        return exchange_refuse(exchange, 400, "after: a revision; wait: up to %d seconds", WAIT_MOST);
    struct telling telling = {.json = json_begin(&exchange->answer), .revision = after, .after = after};
    json_integer(&telling.json, "after", after);
    CLEANUP(drop_buffer) struct buffer *told = &telling.told;
    buffer_init(told, SETTINGS_MOST);
    int status = store_settings_behind(store, exchange->node.id, after, write_settings, &telling, error);
    json_array_open(&telling.json, "directives");
    if (status >= 0)
        status = store_directives(store, exchange->node.id, after, DIRECTIVES_MOST, tell, &telling, error);
    if (status < 0)
        return status;
    if (telling.settings && telling.count < DIRECTIVES_MOST) /* else they come behind what is left of the others */
        tell_settings(&telling);
    json_array_close(&telling.json);
    if (telling.count == 0 && after > 0) {
        int failure = highest(store, exchange, after, error);
        if (failure != 0)
            return failure < 0 ? failure : 0;
    }
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
