/* The quarantine, for people: what is there, what filters say of it, its content for who may see that, and what is done
 * with it. Whoever looks at content is in the audit with the same transaction that gives it to him. */
#include <jansson.h> /* before our own writer of JSON */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "collector/api/endpoint.h"
#include "collector/api/lines.h"
#include "collector/api/means.h"
#include "collector/api/person.h"
#include "collector/quarantine/content.h"
#include "collector/quarantine/display.h"
#include "collector/quarantine/export.h"
#include "collector/store/lessons.h"
#include "collector/store/messages.h"
#include "collector/store/releases.h"
#include "common/cleanup.h"
#include "common/json.h"

#define SHOWN_MOST ((size_t)512 * 1024) /* bytes of a message as it is shown */

/* "20261123/spam/0DC5B48D4.A739D" or the name alone. False: neither. */
static bool read_name(const struct exchange *exchange, char result[STORE_MESSAGE_NAME])
{
    struct text target = exchange->target;
    for (const char *at; (at = target.length ? memrchr(target.bytes, '/', target.length) : NULL);)
        target = (struct text){at + 1, target.length - (size_t)(at + 1 - target.bytes)};
    if (!store_message_is_name(target))
        return false;
    snprintf(result, STORE_MESSAGE_NAME, "%.*s", (int)target.length, target.bytes);
    return true;
}

static int refuse_name(struct exchange *exchange)
{
    return exchange_refuse(exchange, 400,
                           "a message is named as 0DC5B48D4.A739D, with 20261123/spam/ before it or without");
}

static int say_gone(struct exchange *exchange)
{
    return exchange_refuse(exchange, 404, "there is no such message, any more");
}

/* --- lists --- */

struct listing {
    struct lines lines;
    bool content; /* who asks may see it */
    struct buffer envelope;
};

static void add_id(struct json *json, const struct store_message *message)
{
    char time[MOMENT_TEXT], id[64];
    enum store_sorted sorted = message->corrected != SORTED_WAITING ? message->corrected : message->verdict;
    moment_print(message->received, time);
    snprintf(id, sizeof id, "%.4s%.2s%.2s/%s/%s", time, time + 5, time + 8, store_sorted_name(sorted), message->name);
    json_string(json, "id", id);
}

static void add_message(void *context, const struct store_message *message)
{
    struct listing *listing = context;
    struct json json = lines_record(&listing->lines, "message");
    add_id(&json, message);
    json_string(&json, "name", message->name);
    json_moment(&json, "received", message->received);
    json_moment(&json, "time", message->time);
    lines_node_of(&json, message->node, message->node_name);
    json_text(&json, "sender", message->sender);
    json_text(&json, "customer", message->customer);
    json_text(&json, "address", message->address);
    json_text(&json, "from", message->from);
    if (listing->content)
        json_text(&json, "subject", message->subject);
    else
        json_string(&json, "subject", NULL);
    json_integer(&json, "size", message->size);
    json_integer(&json, "kept", message->kept);
    json_string(&json, "verdict", store_sorted_name(message->verdict));
    json_string(&json, "corrected",
                message->corrected != SORTED_WAITING ? store_sorted_name(message->corrected) : NULL);
    json_hundredths(&json, "score", message->score);
    lines_add(&listing->lines, &json);
    if (message->envelope.length > 0 && !buffer_append(&listing->envelope, message->envelope))
        listing->lines.failed = true;
}

static bool read_sorted(const struct exchange *exchange, int *result)
{
    const char *word = exchange_parameter(exchange, "verdict");
    *result = -1;
    for (int i = 0; word && *word && i < SORTED_WORDS; i++)
        if (strcmp(word, store_sorted_name((enum store_sorted)i)) == 0)
            *result = i;
    return !word || !*word || *result >= 0;
}

static const char *given(const struct exchange *exchange, const char *name)
{
    const char *value = exchange_parameter(exchange, name);
    return value && *value ? value : NULL;
}

int messages_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    struct store_message_query query = {
        .most = 100, .sender = given(exchange, "sender"), .customer = given(exchange, "customer")};
    const char *before = given(exchange, "before");
    if (!lines_most(exchange, "limit", &query.most) || !lines_since(exchange, &query.since) ||
        !lines_node(exchange, &query.node) || !read_sorted(exchange, &query.sorted) ||
        (before && !moment_parse(text_of(before), &query.before)))
        return exchange_refuse(
            exchange, 400,
            "limit: 1 to %d; since, before: a time as in RFC 3339; node: sixteen hexadecimal digits; "
            "verdict: waiting, ham, spam, virus or unknown",
            LINES_MOST);
    struct listing listing = {.lines = lines_begin(exchange),
                              .content = (exchange->person.may & STORE_MAY_CONTENT) != 0};
    int status = store_message_list(store, &query, add_message, &listing, error);
    return status < 0 ? status : lines_end(&listing.lines, NULL);
}

/* --- one --- */

/* What the node said with it. Whom it was for is content: it may be long, and is nobody else's business. */
static void add_envelope(struct listing *listing)
{
    static const char *const texts[] = {"helo", "user", "queue", "server", "why"};
    struct text line = buffer_text(&listing->envelope);
    CLEANUP(body_drop) json_t *envelope = json_loadb(line.bytes, line.length, JSON_ALLOW_NUL, NULL);
    const json_t *recipients = json_object_get(envelope, "recipients");
    struct json json = lines_record(&listing->lines, "envelope");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const json_t *value = json_object_get(envelope, texts[i]);
        json_text(&json, texts[i],
                  json_is_string(value) ? (struct text){json_string_value(value), json_string_length(value)}
                                        : TEXT(""));
    }
    json_bool(&json, "complete", !json_is_false(json_object_get(envelope, "complete")));
    json_integer(&json, "code", (int64_t)json_integer_value(json_object_get(envelope, "code")));
    json_integer(&json, "recipient_count",
                 (int64_t)json_array_size(recipients) +
                     (int64_t)json_integer_value(json_object_get(envelope, "recipients_left_out")));
    if (listing->content) {
        size_t index;
        const json_t *one;
        json_array_open(&json, "recipients");
        json_array_foreach(recipients, index, one)
            json_text(&json, NULL, (struct text){json_string_value(one), json_string_length(one)});
        json_array_close(&json);
    }
    lines_add(&listing->lines, &json);
}

static void add_opinion(void *context, const struct store_opinion *opinion)
{
    static const char *const states[] = {
        [OPINION_WAITING] = "waiting", [OPINION_OUT] = "out", [OPINION_GIVEN] = "given", [OPINION_NONE] = "none"};
    struct listing *listing = context;
    struct json json = lines_record(&listing->lines, "opinion");
    json_text(&json, "filter", opinion->filter);
    json_string(&json, "state", states[opinion->state <= OPINION_NONE ? opinion->state : OPINION_NONE]);
    json_hundredths(&json, "score", opinion->score);
    json_hundredths(&json, "threshold", opinion->threshold);
    json_text(&json, "action", opinion->action);
    json_text(&json, "symbols", opinion->symbols);
    json_bool(&json, "certain", opinion->certain);
    json_bool(&json, "virus", opinion->virus);
    json_moment(&json, "answered", opinion->answered);
    json_text(&json, "trouble", opinion->trouble);
    lines_add(&listing->lines, &json);
}

static void add_lesson(void *context, const struct store_lesson *lesson)
{
    static const char *const words[] = {"spam", "ham", "forget"};
    struct listing *listing = context;
    struct json json = lines_record(&listing->lines, "lesson");
    json_text(&json, "filter", lesson->filter);
    json_string(&json, "lesson", words[lesson->lesson <= TAUGHT_FORGET ? lesson->lesson : TAUGHT_FORGET]);
    json_string(&json, "taught", lesson->taught >= 0 && lesson->taught <= TAUGHT_FORGET ? words[lesson->taught] : NULL);
    json_text(&json, "person", lesson->person);
    json_moment(&json, "asked", lesson->asked);
    json_moment(&json, "done", lesson->done);
    json_bool(&json, "waits", lesson->due > 0);
    json_bool(&json, "held_back", lesson->held_back);
    json_text(&json, "trouble", lesson->trouble);
    lines_add(&listing->lines, &json);
}

static void add_release(void *context, const struct store_release *release)
{
    struct listing *listing = context;
    struct json json = lines_record(&listing->lines, "release");
    json_string(&json, "state", store_release_name(release->state));
    json_text(&json, "person", release->person);
    json_moment(&json, "asked", release->asked);
    json_moment(&json, "done", release->done);
    json_integer(&json, "tries", release->tries);
    json_text(&json, "answer", release->answer);
    lines_add(&listing->lines, &json);
}

static int show(struct store *store, const char *name, struct listing *listing, struct error *error)
{
    int status = store_message_find(store, name, add_message, listing, error);
    if (status <= 0)
        return status;
    add_envelope(listing);
    status = store_opinions(store, name, add_opinion, listing, error);
    if (status >= 0)
        status = store_lessons_of(store, name, add_lesson, listing, error);
    if (status >= 0)
        status = store_release_find(store, name, add_release, listing, error);
    return status < 0 ? status : 1;
}

int message_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    char name[STORE_MESSAGE_NAME];
    struct listing listing = {.content = (exchange->person.may & STORE_MAY_CONTENT) != 0};
    if (!read_name(exchange, name))
        return refuse_name(exchange);
    listing.lines = lines_begin(exchange);
    buffer_init(&listing.envelope, MESSAGE_ENVELOPE_MOST);
    int status = show(store, name, &listing, error);
    buffer_clear(&listing.envelope);
    if (status < 0)
        return status;
    if (status == 0) {
        exchange->lines = false;
        return say_gone(exchange);
    }
    return lines_end(&listing.lines, NULL);
}

/* --- content --- */

enum form { FORM_EML, FORM_MBOX, FORM_TEXT, FORMS };

static bool read_form(const struct exchange *exchange, enum form *result)
{
    static const char *const words[FORMS] = {"eml", "mbox", "text"};
    const char *word = given(exchange, "form");
    *result = FORM_EML;
    for (int i = 0; word && i < FORMS; i++)
        if (strcmp(word, words[i]) == 0)
            *result = (enum form)i;
    return !word || strcmp(word, words[*result]) == 0;
}

struct writing {
    struct exchange *exchange;
    enum form form;
    struct text content;
    bool fits;
};

static void write_content(void *context, const struct store_message *message)
{
    static const char *const types[FORMS] = {"message/rfc822", "application/mbox", "text/plain; charset=utf-8"};
    struct writing *writing = context;
    struct exchange *exchange = writing->exchange;
    struct buffer shown CLEANUP(buffer_clear);
    buffer_init(&shown, SHOWN_MOST);
    exchange->type = types[writing->form];
    if (writing->form == FORM_MBOX) {
        writing->fits = export_mbox(message->from, message->time, writing->content, &exchange->answer);
    } else if (writing->form == FORM_EML) {
        writing->fits = buffer_append(&exchange->answer, writing->content);
    } else {
        bool whole = display_message(writing->content, &shown);
        writing->fits = buffer_append(&exchange->answer, buffer_text(&shown)) &&
                        (whole || buffer_append(&exchange->answer, TEXT("[there is more, which is not shown]\n")));
    }
}

int message_content_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    static const char *const deeds[FORMS] = {"export", "export", "view"};
    CLEANUP(buffer_clear) struct buffer plain;
    char name[STORE_MESSAGE_NAME];
    struct error why = {0};
    struct writing writing = {.exchange = exchange};
    buffer_init(&plain, PACKING_PLAIN_MOST);
    if (!read_name(exchange, name))
        return refuse_name(exchange);
    if (!read_form(exchange, &writing.form))
        return exchange_refuse(exchange, 400, "form: eml, mbox or text");
    int status = content_open(store, exchange->means->keys, name, &plain, &why);
    if (status == 0)
        return say_gone(exchange);
    if (status == -ENOKEY || status == -EBADMSG)
        return exchange_refuse(exchange, 409, "%s", why.text);
    if (status < 0)
        return error_set(error, -status, "%s", why.text);
    writing.content = buffer_text(&plain);
    status = audit_note(store, exchange, deeds[writing.form], name, given(exchange, "reason"), error);
    if (status >= 0)
        status = store_message_find(store, name, write_content, &writing, error);
    if (status <= 0)
        return status < 0 ? status : say_gone(exchange);
    if (!writing.fits)
        return exchange_refuse(exchange, 503, "there is no room for that now");
    exchange->status = 200;
    return 0;
}

/* --- what is done with it --- */

static int answer_word(struct exchange *exchange, int status, const char *key, const char *word)
{
    struct json json = json_begin(&exchange->answer);
    json_string(&json, key, word);
    exchange->status = json_end(&json) ? status : 503;
    return 0;
}

static void note_there(void *context, const struct store_message *message)
{
    (void)message;
    *(bool *)context = true;
}

int message_release_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    CLEANUP(body_drop) json_t *body = body_read(exchange);
    const char *reason = json_string_value(json_object_get(body, "reason"));
    bool again = json_is_true(json_object_get(body, "again")), there = false;
    char name[STORE_MESSAGE_NAME];
    if (!read_name(exchange, name))
        return refuse_name(exchange);
    if (exchange->means->quarantine->relay[0] == '\0')
        return exchange_refuse(exchange, 409, "nothing can be released: [quarantine] relay names no mail server");
    int status = store_message_find(store, name, note_there, &there, error);
    if (status <= 0)
        return status < 0 ? status : say_gone(exchange);
    status = store_release_add(store, name, exchange->person.name, again, exchange->arrived, error);
    if (status == 0)
        return answer_word(exchange, 200, "release", "known");
    if (status > 0)
        status = audit_note(store, exchange, "release message", name, reason, error);
    return status < 0 ? status : answer_word(exchange, 202, "release", "waiting");
}

int message_forget_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    char name[STORE_MESSAGE_NAME];
    if (!read_name(exchange, name))
        return refuse_name(exchange);
    int status = store_message_forget(store, name, error);
    if (status == 0)
        return say_gone(exchange);
    if (status > 0)
        status = audit_note(store, exchange, "forget message", name, given(exchange, "reason"), error);
    if (status < 0)
        return status;
    exchange->status = 204;
    return 0;
}
