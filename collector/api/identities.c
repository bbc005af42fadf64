/* Who is let in: tokens for nodes, and persons. */
#include "collector/api/person.h"

#include <string.h>
#include "collector/api/endpoint.h"
#include "collector/api/lines.h"
#include "common/cleanup.h"
#include "common/json.h"

#define TOKEN_LONGEST (30 * DAY)

/* Once: a commit that may have happened is run again, and what it made is the same then. */
static void make_secret(struct exchange *exchange)
{
    if (exchange->made.word[0] == '\0')
        secret_make(exchange->made.word, exchange->made.hash);
}

int token_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    CLEANUP(body_drop) json_t *body = body_read(exchange);
    const char *name = json_string_value(json_object_get(body, "name"));
    const char *lasts = json_string_value(json_object_get(body, "for"));
    char secret[SECRET_TEXT];
    duration good_for = HOUR;
    if (body == NULL || (name && strlen(name) >= STORE_NAME))
        return exchange_refuse(exchange, 400, "name: at most %d bytes", STORE_NAME - 1);
    if (lasts && (!duration_parse(text_of(lasts), &good_for) || good_for > TOKEN_LONGEST))
        return exchange_refuse(exchange, 400, "for: a time such as 1h, at most 30 days");
    make_secret(exchange);
    int status = store_token_add(store, exchange->made.hash, name ? name : "", exchange->arrived + good_for, error);
    if (status > 0)
        status = audit_note(store, exchange, "token", name ? name : "", "", error);
    if (status < 0)
        return status;
    snprintf(secret, sizeof secret, "token.%s", exchange->made.word);
    struct json json = json_begin(&exchange->answer);
    json_string(&json, "token", secret);
    json_moment(&json, "until", exchange->arrived + good_for);
    exchange->status = json_end(&json) ? 201 : 503;
    return 0;
}

static bool read_rights(json_t *list, unsigned *result)
{
    size_t index;
    json_t *right;
    json_array_foreach(list, index, right)
    {
        const char *word = json_string_value(right);
        if (word && strcmp(word, "read") == 0)
            *result |= STORE_MAY_READ;
        else if (word && strcmp(word, "order") == 0)
            *result |= STORE_MAY_ORDER;
        else if (word && strcmp(word, "admin") == 0)
            *result |= STORE_MAY_ADMIN;
        else if (word && strcmp(word, "content") == 0)
            *result |= STORE_MAY_CONTENT;
        else
            return false;
    }
    return *result != 0;
}

int person_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    CLEANUP(body_drop) json_t *body = body_read(exchange);
    const char *name = json_string_value(json_object_get(body, "name"));
    char secret[SECRET_TEXT], id[SECRET_ID];
    unsigned may = 0;
    struct store_person person = {.id = exchange->made.id};
    if (name == NULL || name[0] == '\0' || strlen(name) >= STORE_NAME)
        return exchange_refuse(exchange, 400, "name: a text of 1 to %d bytes", STORE_NAME - 1);
    if (!read_rights(json_object_get(body, "may"), &may))
        return exchange_refuse(exchange, 400, "may: a list of read, order, admin, content");
    make_secret(exchange);
    int status = store_person_add(store, exchange->made.hash, name, may, exchange->arrived, &person, error);
    exchange->made.id = person.id;
    if (status > 0)
        status = audit_note(store, exchange, "person", name, "", error);
    if (status < 0)
        return status;
    snprintf(secret, sizeof secret, "person.%s.%s", secret_print_id(person.id, id), exchange->made.word);
    struct json json = json_begin(&exchange->answer);
    json_string(&json, "person", secret);
    exchange->status = json_end(&json) ? 201 : 503;
    return 0;
}

static void add_person(void *context, const struct store_person *person)
{
    static const struct {
        unsigned may;
        const char *word;
    } rights[] = {{STORE_MAY_READ, "read"}, {STORE_MAY_ORDER, "order"}, {STORE_MAY_ADMIN, "admin"}, {STORE_MAY_CONTENT, "content"}};
    struct lines *lines = context;
    struct json json = lines_record(lines, "person");
    char id[SECRET_ID];
    json_string(&json, "person", secret_print_id(person->id, id));
    json_string(&json, "name", person->name);
    json_array_open(&json, "may");
    for (size_t i = 0; i < sizeof rights / sizeof rights[0]; i++)
        if (person->may & rights[i].may)
            json_string(&json, NULL, rights[i].word);
    json_array_close(&json);
    lines_add(lines, &json);
}

int persons_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    struct lines lines = lines_begin(exchange);
    int code = store_persons(store, add_person, &lines, error);
    return code < 0 ? code : lines_end(&lines, NULL);
}

int person_revoke_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    int64_t id;
    char text[SECRET_ID];
    if (!secret_parse_id(exchange->target, &id))
        return exchange_refuse(exchange, 400,
                               "a person is named by sixteen hexadecimal digits, as /v1/persons has them");
    int found = store_person_revoke(store, id, error);
    if (found == 0)
        return exchange_refuse(exchange, 404, "there is no such person");
    int code = found < 0 ? found : audit_note(store, exchange, "revoke", secret_print_id(id, text), "", error);
    if (code < 0)
        return code;
    exchange->status = 204;
    exchange->told = TOLD_PEOPLE; /* who waits for events with that secret is to hear it now */
    return 0;
}
