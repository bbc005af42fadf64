/* What went out, or is to, for people: each with what became of it. One that failed can be sent again. */
#include <jansson.h> /* before our own writer of JSON */

#include <stdio.h>
#include <string.h>
#include "collector/api/endpoint.h"
#include "collector/api/lines.h"
#include "collector/api/person.h"
#include "collector/store/sendings.h"

static void add_sending(void *context, const struct store_sending_row *row)
{
    struct lines *lines = context;
    struct json json = lines_record(lines, "sending");
    json_text(&json, "id", row->id);
    json_text(&json, "channel", row->channel);
    json_text(&json, "purpose", row->purpose);
    json_string(&json, "state", store_sending_state_name(row->state));
    json_moment(&json, "made", row->made);
    json_moment(&json, "due", row->due);
    json_moment(&json, "done", row->done);
    json_integer(&json, "tries", row->tries);
    json_text(&json, "recipients", row->recipients);
    json_text(&json, "subject", row->subject);
    json_text(&json, "customer", row->customer);
    json_text(&json, "trouble", row->trouble);
    lines_add(lines, &json);
}

static bool is_state(const char *word)
{
    bool is_one = word == NULL || *word == '\0';
    for (enum store_sending_state state = 0; state < SENDING_STATES && !is_one; state++)
        is_one = strcmp(word, store_sending_state_name(state)) == 0;
    return is_one;
}

int sendings_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    struct store_sending_query query = {.id = exchange_parameter(exchange, "id"),
                                        .channel = exchange_parameter(exchange, "channel"),
                                        .purpose = exchange_parameter(exchange, "purpose"),
                                        .customer = exchange_parameter(exchange, "customer"),
                                        .state = exchange_parameter(exchange, "state"),
                                        .most = 100};
    if (!lines_most(exchange, "top", &query.most) || !lines_since(exchange, &query.since) || !is_state(query.state))
        return exchange_refuse(exchange, 400,
                               "top: 1 to %d; since: a time as in RFC 3339; state: waiting, handed, sent, failed or in "
                               "doubt",
                               LINES_MOST);
    struct lines lines = lines_begin(exchange);
    int status = store_sendings(store, &query, add_sending, &lines, error);
    return status < 0 ? status : lines_end(&lines, NULL);
}

int sending_again_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    const char *reason = exchange_parameter(exchange, "reason");
    char id[STORE_SENDING_ID];
    if (exchange->target.length != STORE_SENDING_ID - 1)
        return exchange_refuse(exchange, 400, "what went out is named by thirty-two hexadecimal digits");
    snprintf(id, sizeof id, "%.*s", (int)exchange->target.length, exchange->target.bytes);
    int status = store_sending_again(store, id, exchange->arrived, error);
    if (status == 0)
        return exchange_refuse(exchange, 404, "there is nothing of that id that failed or is in doubt");
    if (status > 0)
        status = audit_note(store, exchange, "send again", id, reason ? reason : "", error);
    if (status < 0)
        return status;
    exchange->status = 202;
    return 0;
}
