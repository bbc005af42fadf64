/* Complaints and alerts, for people: what stands, one with all that was read of it, the letter itself for who may see
 * content, and that somebody was done with it. Whoever looks at a letter is in the audit. */
#include <jansson.h> /* before our own writer of JSON */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "collector/api/endpoint.h"
#include "collector/api/lines.h"
#include "collector/api/means.h"
#include "collector/api/person.h"
#include "collector/quarantine/display.h"
#include "collector/quarantine/packing.h"
#include "collector/store/arrivals.h"
#include "collector/store/complaints.h"
#include "common/cleanup.h"
#include "common/json.h"

#define SHOWN_MOST ((size_t)512 * 1024) /* bytes of a letter as it is shown */

static const char *given(const struct exchange *exchange, const char *name)
{
    const char *value = exchange_parameter(exchange, name);
    return value && *value ? value : NULL;
}

static bool read_id(const struct exchange *exchange, char result[STORE_COMPLAINT_ID])
{
    struct text target = exchange->target;
    if (target.length != STORE_COMPLAINT_ID - 1)
        return false;
    for (size_t i = 0; i < target.length; i++)
        if (target.bytes[i] == '\0' || !strchr("0123456789abcdef", target.bytes[i]))
            return false;
    snprintf(result, STORE_COMPLAINT_ID, "%.*s", (int)target.length, target.bytes);
    return true;
}

static int refuse_id(struct exchange *exchange)
{
    return exchange_refuse(exchange, 400, "a complaint is named by sixteen hexadecimal digits");
}

static int say_gone(struct exchange *exchange)
{
    return exchange_refuse(exchange, 404, "there is no such complaint");
}

/* --- lists --- */

struct listing {
    struct lines lines;
    bool content; /* who asks may see it */
};

/* All that was read. Subject and recipient are content, as they are in the quarantine. */
static void add_fields(const struct listing *listing, struct json *json, struct text fields)
{
    static const char *const content[] = {"subject", "recipient", "links"};
    CLEANUP(body_drop) json_t *read = json_loadb(fields.bytes, fields.length, JSON_ALLOW_NUL, NULL);
    for (size_t i = 0; i < sizeof content / sizeof content[0] && !listing->content; i++)
        json_object_del(read, content[i]);
    char *text = read ? json_dumps(read, JSON_COMPACT) : NULL;
    json_key(json, "fields");
    json_put(json, text_of(text ? text : "{}"));
    free(text);
}

static void add_tie(struct json *json, const struct store_complaint_row *row)
{
    json_text(json, "tied", row->tied);
    json_text(json, "sender", row->sender);
    json_text(json, "customer", row->customer);
    if (row->node != 0)
        lines_node_of(json, row->node, row->node_name);
    json_text(json, "message", row->message);
}

static void add_complaint(void *context, const struct store_complaint_row *row)
{
    struct listing *listing = context;
    struct json json = lines_record(&listing->lines, "complaint");
    json_text(&json, "id", row->id);
    json_text(&json, "arrival", row->arrival);
    json_moment(&json, "received", row->received);
    json_moment(&json, "time", row->time);
    json_text(&json, "source", row->source);
    json_text(&json, "format", row->format);
    json_text(&json, "type", row->type);
    json_text(&json, "reporter", row->reporter);
    json_text(&json, "address", row->address);
    add_tie(&json, row);
    json_text(&json, "message_id", row->message_id);
    if (listing->content)
        json_text(&json, "subject", row->subject);
    else
        json_string(&json, "subject", NULL);
    json_text(&json, "state", row->state);
    json_text(&json, "note", row->note);
    json_integer(&json, "times", row->times);
    json_integer(&json, "incidents", row->incidents);
    json_moment(&json, "closed", row->closed);
    json_text(&json, "person", row->person);
    json_text(&json, "reason", row->reason);
    json_bool(&json, "not_abuse", row->is_not_abuse);
    json_string(&json, "told", store_complaint_told_name(row->told));
    if (row->fields.length > 0)
        add_fields(listing, &json, row->fields);
    lines_add(&listing->lines, &json);
}

static bool is_state(const char *word)
{
    static const char *const states[] = {"open", "unread", "done", "double", "arrived", "all"};
    bool is_one = word == NULL;
    for (size_t i = 0; i < sizeof states / sizeof states[0] && !is_one; i++)
        is_one = strcmp(word, states[i]) == 0;
    return is_one;
}

int complaints_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    struct store_complaint_query query = {
        .most = 100, .customer = given(exchange, "customer"), .state = given(exchange, "state")};
    if (!lines_most(exchange, "top", &query.most) || !lines_since(exchange, &query.since) || !is_state(query.state))
        return exchange_refuse(exchange, 400,
                               "top: 1 to %d; since: a time as in RFC 3339; state: open, unread, done, double, "
                               "arrived or all",
                               LINES_MOST);
    struct listing listing = {.lines = lines_begin(exchange),
                              .content = (exchange->person.may & STORE_MAY_CONTENT) != 0};
    int status = store_complaint_list(store, &query, add_complaint, &listing, error);
    return status < 0 ? status : lines_end(&listing.lines, NULL);
}

int complaint_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    char id[STORE_COMPLAINT_ID];
    if (!read_id(exchange, id))
        return refuse_id(exchange);
    struct listing listing = {.lines = lines_begin(exchange),
                              .content = (exchange->person.may & STORE_MAY_CONTENT) != 0};
    int status = store_complaint_find(store, id, add_complaint, &listing, error);
    if (status < 0)
        return status;
    if (status == 0) {
        exchange->lines = false;
        return say_gone(exchange);
    }
    return lines_end(&listing.lines, NULL);
}

/* --- the letter --- */

struct opening {
    const struct packing_keys *keys;
    struct buffer *plain;
    struct error *error;
    int status;
};

static void open_letter(void *context, const char *arrival, enum store_packing packing, struct text packed)
{
    struct opening *opening = context;
    opening->status = packing_unpack(opening->keys, arrival, packing, packed, opening->plain, opening->error);
}

static bool write_letter(struct text content, struct buffer *answer)
{
    CLEANUP(buffer_clear) struct buffer shown;
    buffer_init(&shown, SHOWN_MOST);
    bool whole = display_message(content, &shown);
    return buffer_append(answer, buffer_text(&shown)) &&
           (whole || buffer_append(answer, TEXT("[there is more, which is not shown]\n")));
}

int complaint_content_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    CLEANUP(buffer_clear) struct buffer plain;
    char id[STORE_COMPLAINT_ID];
    struct error why = {0};
    struct opening opening = {.keys = exchange->means->keys, .plain = &plain, .error = &why};
    buffer_init(&plain, PACKING_PLAIN_MOST);
    if (!read_id(exchange, id))
        return refuse_id(exchange);
    int status = store_complaint_content(store, id, open_letter, &opening, error);
    if (status <= 0)
        return status < 0 ? status : say_gone(exchange);
    if (opening.status == -ENOKEY || opening.status == -EBADMSG)
        return exchange_refuse(exchange, 409, "%s", why.text);
    if (opening.status < 0)
        return error_set(error, -opening.status, "%s", why.text);
    status = audit_note(store, exchange, "view complaint", id, given(exchange, "reason"), error);
    if (status < 0)
        return status;
    exchange->type = "text/plain; charset=utf-8";
    if (!write_letter(buffer_text(&plain), &exchange->answer))
        return exchange_refuse(exchange, 503, "there is no room for that now");
    exchange->status = 200;
    return 0;
}

/* --- what is done with it --- */

static void take_state(void *context, const struct store_complaint_row *row)
{
    snprintf(context, EXCHANGE_NAME, "%.*s", (int)(row->state.length < 20 ? row->state.length : 20), row->state.bytes);
}

int complaint_done_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    CLEANUP(body_drop) json_t *body = body_read(exchange);
    const char *reason = json_string_value(json_object_get(body, "reason"));
    const json_t *not_abuse = json_object_get(body, "not_abuse");
    char id[STORE_COMPLAINT_ID], state[EXCHANGE_NAME] = "";
    if (!read_id(exchange, id))
        return refuse_id(exchange);
    if (reason == NULL || *reason == '\0' || (not_abuse && !json_is_boolean(not_abuse)))
        return exchange_refuse(exchange, 400, "a reason is needed: {\"reason\":\"...\"}; not_abuse: true or false");
    int status = store_complaint_done(store, id, exchange->person.name, reason, json_is_true(not_abuse),
                                      exchange->arrived, error);
    if (status == 0) {
        status = store_complaint_find(store, id, take_state, state, error);
        return status < 0    ? status
               : status == 0 ? say_gone(exchange)
                             : exchange_refuse(exchange, 409, "it is not open, but %s", state);
    }
    if (status > 0)
        status = audit_note(store, exchange, json_is_true(not_abuse) ? "complaint was none" : "complaint done", id,
                            reason, error);
    if (status < 0)
        return status;
    exchange->status = 204;
    return 0;
}
