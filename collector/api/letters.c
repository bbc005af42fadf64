/* A letter to a customer, as a person wants it. */
#include <jansson.h>
#include <string.h>
#include "collector/api/endpoint.h"
#include "collector/api/means.h"
#include "collector/api/person.h"
#include "collector/post/letters.h"
#include "common/cleanup.h"
#include "common/json.h"

#define REASON_MOST 500
#define CUSTOMER    300

/* Absent and null are the same: NULL. False: it is something else. */
static bool take_text(const json_t *body, const char *name, const char **result)
{
    const json_t *value = json_object_get(body, name);
    *result = json_string_value(value);
    return value == NULL || json_is_null(value) || json_is_string(value);
}

static bool take_flag(const json_t *body, const char *name, bool *result)
{
    const json_t *value = json_object_get(body, name);
    *result = json_is_true(value);
    return value == NULL || json_is_boolean(value);
}

static bool read_wish(const json_t *body, struct letter_wish *wish, const char **reason)
{
    return take_text(body, "language", &wish->language) && take_text(body, "to", &wish->to) &&
           take_text(body, "note", &wish->note) && take_text(body, "reason", reason) &&
           take_flag(body, "again", &wish->again) && take_flag(body, "preview", &wish->preview) &&
           (*reason == NULL || strlen(*reason) <= REASON_MOST);
}

static int answer_letter(struct exchange *exchange, const struct letter_wish *wish, const struct letter_result *result)
{
    struct json json = json_begin(&exchange->answer);
    json_string(&json, "record", "letter");
    json_text(&json, "customer", wish->customer);
    json_string(&json, "cause", result->cause);
    json_string(&json, "language", result->language);
    json_string(&json, "to", result->recipients);
    json_string(&json, "sending", result->id[0] ? result->id : NULL);
    json_text(&json, "subject", buffer_text(&result->subject));
    json_text(&json, "text", buffer_text(&result->text));
    if (result->trouble[0])
        json_string(&json, "trouble", result->trouble);
    exchange->status = result->outcome == LETTER_MADE ? 201 : 200;
    return json_end(&json) ? 0 : exchange_refuse(exchange, 503, "there is no room for that now");
}

static int handle(struct store *store, struct exchange *exchange, const struct letter_wish *wish, const char *reason,
                  struct error *error)
{
    CLEANUP(letter_result_clear) struct letter_result result;
    letter_result_init(&result);
    int status = letters_write(exchange->means->letters, store, wish, exchange->arrived, &result, error);
    if (status < 0)
        return status;
    if (result.outcome != LETTER_MADE && result.outcome != LETTER_SHOWN)
        return exchange_refuse(exchange, result.outcome == LETTER_WRONG ? 400 : 409, "%s", result.sentence);
    if (result.outcome == LETTER_MADE) {
        char target[CUSTOMER];
        text_copy_printable(wish->customer, target, sizeof target);
        status = audit_note(store, exchange, "letter", target, reason ? reason : "", error);
        if (status < 0)
            return status;
        exchange->told = TOLD_PEOPLE;
    }
    return answer_letter(exchange, wish, &result);
}

int letter_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    CLEANUP(body_drop) json_t *body = body_read(exchange);
    struct letter_wish wish = {.customer = exchange->target, .person = exchange->person.name, .name = exchange->name};
    const char *reason = NULL;
    if (exchange->means->letters == NULL)
        return exchange_refuse(exchange, 409, "letters are not written here");
    if ((exchange->body.length > 0 && body == NULL) || !read_wish(body, &wish, &reason))
        return exchange_refuse(exchange, 400,
                               "an object with \"language\", \"to\", \"note\" and \"reason\" (texts; the last of up to "
                               "%d bytes), \"again\" and \"preview\" (true or false); all may be left out",
                               REASON_MOST);
    return handle(store, exchange, &wish, reason, error);
}
