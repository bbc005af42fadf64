/* Settings of nodes: a text in the agent's own grammar for the whole fleet or for one node. What may stand in it the
 * agent knows, which this program does not include: here its form is looked at, and the node's answer says the rest. */
#include "collector/api/person.h"

#include "collector/api/endpoint.h"
#include "collector/api/lines.h"
#include "collector/api/once.h"
#include "collector/store/settings.h"
#include "common/cleanup.h"
#include "common/option.h"

#define SETTINGS_MOST 65536
#define REASON_MOST   160
#define REFUSED_MOST  100 /* nodes that are named with their reasons */

static bool target_node(const struct exchange *exchange, int64_t *node)
{
    *node = 0;
    return exchange->target.length == 0 || (secret_parse_id(exchange->target, node) && *node != 0);
}

/* What would be shown as something else than it is has no place in a reason. */
static bool is_sentence(const json_t *value)
{
    const char *text = json_string_value(value);
    size_t length = json_string_length(value);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return false;
    return length > 0 && length <= REASON_MOST;
}

int settings_put_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    CLEANUP(body_drop) json_t *body = body_read(exchange);
    const json_t *text = json_object_get(body, "text"), *reason = json_object_get(body, "reason");
    struct store_settings settings = {.time = exchange->arrived, .person = text_of(exchange->person.name)};
    struct error wrong = {0};
    char id[SECRET_ID];
    int64_t revision = 0;
    if (!target_node(exchange, &settings.node))
        return exchange_refuse(exchange, 400, "a node is named by its sixteen hexadecimal digits");
    if (!json_is_string(text) || json_string_length(text) > SETTINGS_MOST)
        return exchange_refuse(exchange, 400, "text: at most %d bytes of settings; empty: none", SETTINGS_MOST);
    if (!is_sentence(reason))
        return exchange_refuse(exchange, 400, "reason: a sentence of up to %d bytes; it is kept on record",
                               REASON_MOST);
    settings.text = (struct text){json_string_value(text), json_string_length(text)};
    settings.reason = text_of(json_string_value(reason));
    if (options_check_form(settings.text, "settings", &wrong) < 0)
        return exchange_refuse(exchange, 400, "%s", wrong.text);
    int code = once_was_done(store, exchange, error);
    if (code != 0)
        return code < 0 ? code : 0;
    code = store_settings_put(store, &settings, &revision, error);
    if (code == 0)
        return exchange_refuse(exchange, 404, "there is no such node");
    if (code > 0)
        code =
            audit_note(store, exchange, "settings", settings.node ? secret_print_id(settings.node, id) : "every node",
                       settings.reason.bytes, error);
    return code < 0 ? code : once_done(store, exchange, revision, error);
}

/* --- what stands there -------------------------------------------------------------------------------------------- */

struct shown {
    struct lines lines;
    int64_t revisions[REFUSED_MOST]; /* that nodes refused */
    size_t count;
    int64_t revision; /* the last */
};

static void show(void *context, const struct store_settings *settings)
{
    struct shown *shown = context;
    struct json json = lines_record(&shown->lines, "settings");
    char id[SECRET_ID];
    json_string(&json, "node", settings->node ? secret_print_id(settings->node, id) : NULL);
    json_integer(&json, "revision", settings->revision);
    json_moment(&json, "time", settings->time);
    json_text(&json, "by", settings->person);
    json_text(&json, "reason", settings->reason);
    json_text(&json, "text", settings->text);
    if (shown->lines.exchange->target.length == 0) {
        json_integer(&json, "done", settings->done);
        json_integer(&json, "failed", settings->failed);
    }
    lines_add(&shown->lines, &json);
    shown->revision = settings->revision;
    if (settings->failed > 0 && shown->count < REFUSED_MOST)
        shown->revisions[shown->count++] = settings->revision;
}

static void show_told(void *context, const struct store_told *told)
{
    struct shown *shown = context;
    struct json json = lines_record(&shown->lines, "acknowledgement");
    char id[SECRET_ID];
    json_string(&json, "node", secret_print_id(told->node, id));
    json_text(&json, "node_name", told->node_name);
    json_integer(&json, "revision", told->revision);
    json_moment(&json, "time", told->time);
    json_bool(&json, "done", told->done);
    json_text(&json, "text", told->text);
    lines_add(&shown->lines, &json);
}

int settings_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    struct shown shown = {.lines = lines_begin(exchange)};
    int code = store_settings_list(store, show, &shown, error);
    for (size_t i = 0; i < shown.count && code == 0; i++)
        code = store_settings_refused(store, shown.revisions[i], REFUSED_MOST, show_told, &shown, error);
    return code < 0 ? code : lines_end(&shown.lines, NULL);
}

int node_settings_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    int64_t node;
    if (!target_node(exchange, &node))
        return exchange_refuse(exchange, 400, "a node is named by its sixteen hexadecimal digits");
    struct shown shown = {.lines = lines_begin(exchange)};
    int code = store_settings_for(store, node, show, &shown, error);
    if (code > 0)
        code = store_settings_told(store, node, shown.revision, show_told, &shown, error);
    return code < 0 ? code : lines_end(&shown.lines, NULL);
}
