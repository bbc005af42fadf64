/* Reading what people send, and noting what they did. */
#include "collector/api/person.h"

json_t *body_read(const struct exchange *exchange)
{
    json_t *body = json_loadb(exchange->body.length ? exchange->body.bytes : "", exchange->body.length,
                              JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(body))
        return body;
    json_decref(body);
    return NULL;
}

void body_drop(json_t **body)
{
    json_decref(*body);
    *body = NULL;
}

int audit_note(struct store *store, const struct exchange *exchange, const char *deed, const char *target,
               const char *reason, struct error *error)
{
    const struct store_deed note = {
        .time = exchange->arrived,
        .person = text_of(exchange->person.name),
        .deed = text_of(deed),
        .target = text_of(target),
        .reason = text_of(reason ? reason : ""),
        .from = text_of(exchange->from),
    };
    return store_audit_add(store, &note, error);
}
