/* What people say of messages becomes lessons for the filters that learn. The content comes with the request, from
 * files and mailboxes, or is a message's in the quarantine. Lessons are only noted here; the trainer gives them. */
#include <jansson.h> /* before our own writer of JSON */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "collector/api/endpoint.h"
#include "collector/api/lines.h"
#include "collector/api/means.h"
#include "collector/api/person.h"
#include "collector/quarantine/content.h"
#include "collector/sorter/learning.h"
#include "collector/store/lessons.h"
#include "collector/store/messages.h"
#include "common/cleanup.h"
#include "common/json.h"

#define NAMES_MOST 1000
#define GRACE      (2 * SECOND) /* so that most of what comes together is there before the first is taught */

static const char *const words[] = {"spam", "ham", "forget"};
static const char *const deeds[] = {"correct to spam", "correct to ham", "undo lessons"}; /* on record */

struct wishes {
    int64_t fresh, known, otherwise, held_back;
};

/* The same lesson for all filters that learn. */
static int wish_all(struct store *store, const struct exchange *exchange, struct store_lesson_wish *wish, bool whole,
                    struct wishes *wishes, struct error *error)
{
    const struct means *means = exchange->means;
    int64_t counts[] = {0, 0, 0, 0};
    wish->person = exchange->person.name;
    wish->now = exchange->arrived;
    wish->due = exchange->arrived + (whole ? 0 : GRACE);
    wish->held_back = !whole && learning_is_held_back(wish->digest, means->held_back);
    for (size_t i = 0; i < means->filter_count; i++) {
        if (!means->filters[i].learns)
            continue;
        wish->filter = means->filters[i].name;
        int wished = store_lesson_wish(store, wish, error);
        if (wished < 0)
            return wished;
        counts[wished]++;
    }
    /* Of a message, not of its filters: one that is new to any is new. */
    if (counts[WISHED_OTHERWISE])
        wishes->otherwise++;
    else if (counts[WISHED_NEW])
        wishes->fresh++;
    else if (counts[WISHED_HELD_BACK])
        wishes->held_back++;
    else
        wishes->known++;
    return counts[WISHED_KNOWN] == 0 || counts[WISHED_OTHERWISE] + counts[WISHED_NEW] + counts[WISHED_HELD_BACK] > 0;
}

static bool learns(const struct means *means, struct text filter)
{
    bool found = false;
    for (size_t i = 0; i < means->filter_count; i++)
        found |= means->filters[i].learns && text_equals(filter, text_of(means->filters[i].name));
    return found;
}

static bool anybody_learns(const struct means *means)
{
    bool found = false;
    for (size_t i = 0; i < means->filter_count; i++)
        found |= means->filters[i].learns;
    return found;
}

static int refuse_all(struct exchange *exchange)
{
    return exchange_refuse(exchange, 409,
                           "no filter learns: learns = yes in a section [filter NAME] says that one does");
}

static bool read_lesson(struct text word, enum store_taught *result)
{
    for (int i = 0; i <= TAUGHT_FORGET; i++)
        if (text_equals(word, text_of(words[i]))) {
            *result = (enum store_taught)i;
            return true;
        }
    return false;
}

/* --- of messages in the quarantine --- */

/* 1: done; 0: there is no such message. A lesson says what the message is: it is corrected with it. */
static int teach_message(struct store *store, const struct exchange *exchange, const char *name,
                         enum store_taught lesson, bool whole, struct wishes *wishes, struct error *error)
{
    static const enum store_sorted sorted[] = {SORTED_SPAM, SORTED_HAM, SORTED_WAITING};
    CLEANUP(buffer_clear) struct buffer plain;
    char digest[STORE_DIGEST];
    buffer_init(&plain, PACKING_PLAIN_MOST);
    int status = content_open(store, exchange->means->keys, name, &plain, error);
    if (status <= 0)
        return status;
    content_digest(buffer_text(&plain), digest);
    struct store_lesson_wish wish = {.digest = digest, .name = name, .lesson = lesson};
    status = wish_all(store, exchange, &wish, whole, wishes, error);
    return status < 0 ? status : store_message_correct(store, name, sorted[lesson], error);
}

int message_correct_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    CLEANUP(body_drop) json_t *body = body_read(exchange);
    const char *word = json_string_value(json_object_get(body, "verdict"));
    const char *reason = json_string_value(json_object_get(body, "reason"));
    enum store_taught lesson = TAUGHT_FORGET;
    struct wishes wishes = {0};
    struct error why = {0};
    char name[STORE_MESSAGE_NAME];
    if (!store_message_is_name(exchange->target))
        return exchange_refuse(exchange, 400, "a message is named as 0DC5B48D4.A739D");
    if (!word || !read_lesson(text_of(word), &lesson) || lesson == TAUGHT_FORGET)
        return exchange_refuse(exchange, 400, "verdict: spam or ham");
    snprintf(name, sizeof name, "%.*s", (int)exchange->target.length, exchange->target.bytes);
    int status = teach_message(store, exchange, name, lesson, true, &wishes, &why);
    if (status == 0)
        return exchange_refuse(exchange, 404, "there is no such message, any more");
    if (status == -ENOKEY || status == -EBADMSG)
        return exchange_refuse(exchange, 409, "%s", why.text);
    status = status < 0 ? error_set(error, -status, "%s", why.text)
                        : audit_note(store, exchange, deeds[lesson], name, reason, error);
    if (status < 0)
        return status;
    struct json json = json_begin(&exchange->answer);
    json_string(&json, "corrected", word);
    json_bool(&json, "taught", anybody_learns(exchange->means));
    exchange->status = json_end(&json) ? 200 : 503;
    return 0;
}

/* --- what comes with the request --- */

struct lesson_body {
    json_t *names; /* a list of names; NULL: it is a message */
    char digest[STORE_DIGEST];
    struct buffer plain, packed;
    enum store_packing packing;
};

/* {"messages":[...]}: no message begins so, for a header field has no bracket in its name. */
static int read_names(struct lesson_body *body, struct exchange *exchange)
{
    CLEANUP(body_drop) json_t *object = json_loadb(body->plain.bytes, body->plain.length, JSON_REJECT_DUPLICATES, NULL);
    json_t *names = json_object_get(object, "messages"), *one;
    size_t index;
    bool good = json_is_array(names) && json_array_size(names) > 0 && json_array_size(names) <= NAMES_MOST;
    json_array_foreach(names, index, one) good &=
        json_is_string(one) && store_message_is_name(text_of(json_string_value(one)));
    if (!good)
        return exchange_refuse(exchange, 400, "messages: a list of 1 to %d names such as 0DC5B48D4.A739D", NAMES_MOST);
    body->names = json_incref(names);
    return 0;
}

int lesson_prepare(struct exchange *exchange, struct error *error)
{
    struct lesson_body *body = calloc(1, sizeof *body);
    struct error why = {0};
    if (body == NULL)
        return error_set(error, ENOMEM, "no memory for a lesson");
    exchange->prepared = body;
    buffer_init(&body->packed, PACKING_MOST);
    int status = exchange_take_body(exchange, INTAKE_PLAIN_MOST, &body->plain, &why);
    if (status == 0 && body->plain.length > 0 && body->plain.bytes[0] == '{')
        return read_names(body, exchange);
    if (status == 0 && text_trim(buffer_text(&body->plain)).length == 0)
        return exchange_refuse(exchange, 400, "there is no message in it");
    if (status == 0) {
        content_digest(buffer_text(&body->plain), body->digest);
        status = packing_pack(exchange->means->keys, body->digest, buffer_text(&body->plain), &body->packed,
                              &body->packing, &why);
    }
    buffer_clear(&body->plain);
    exchange->prepared_size = sizeof *body + body->packed.room;
    if (status == -EBADMSG)
        return exchange_refuse(exchange, 400, "%s", why.text);
    if (status == -EMSGSIZE)
        return exchange_refuse(exchange, 413, "%s", why.text);
    return status < 0 ? error_set(error, -status, "%s", why.text) : 0;
}

void lesson_forget(struct exchange *exchange)
{
    struct lesson_body *body = TAKE(exchange->prepared);
    if (body == NULL)
        return;
    json_decref(body->names);
    buffer_clear(&body->plain);
    buffer_clear(&body->packed);
    free(body);
}

static int teach_body(struct store *store, const struct exchange *exchange, enum store_taught lesson, bool whole,
                      struct wishes *wishes, struct error *error)
{
    const struct lesson_body *body = exchange->prepared;
    struct store_lesson_wish wish = {.digest = body->digest, .name = "", .lesson = lesson};
    int status = lesson == TAUGHT_FORGET ? store_lesson_uncorrect(store, body->digest, error) : 0;
    if (status >= 0)
        status = wish_all(store, exchange, &wish, whole, wishes, error);
    if (status > 0 && lesson == TAUGHT_FORGET &&
        audit_note(store, exchange, deeds[lesson], body->digest, NULL, error) < 0)
        return -error->code;
    return status <= 0 ? status
                       : store_lesson_keep(store, body->digest, exchange->arrived, body->packing,
                                           buffer_text(&body->packed), error);
}

static int teach_names(struct store *store, const struct exchange *exchange, enum store_taught lesson, bool whole,
                       struct wishes *wishes, int64_t *gone, struct error *error)
{
    const struct lesson_body *body = exchange->prepared;
    size_t index;
    json_t *one;
    json_array_foreach(body->names, index, one)
    {
        int status = teach_message(store, exchange, json_string_value(one), lesson, whole, wishes, error);
        if (status > 0 && audit_note(store, exchange, deeds[lesson], json_string_value(one), NULL, error) < 0)
            return -error->code;
        if (status < 0 && status != -ENOKEY && status != -EBADMSG)
            return status;
        *gone += status <= 0;
    }
    return 0;
}

int lesson_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    const struct lesson_body *body = exchange->prepared;
    const char *all = exchange_parameter(exchange, "all");
    bool whole = all && strcmp(all, "yes") == 0;
    enum store_taught lesson;
    struct wishes wishes = {0};
    int64_t gone = 0;
    if (!read_lesson(exchange->target, &lesson))
        return exchange_refuse(exchange, 404, "a lesson is spam, ham or forget");
    if (!anybody_learns(exchange->means))
        return refuse_all(exchange);
    int status = body->names ? teach_names(store, exchange, lesson, whole, &wishes, &gone, error)
                             : teach_body(store, exchange, lesson, whole, &wishes, error);
    if (status < 0)
        return status;
    struct json json = json_begin(&exchange->answer);
    json_string(&json, "lesson", words[lesson]);
    json_string(&json, "digest", body->names ? NULL : body->digest);
    json_integer(&json, "new", wishes.fresh);
    json_integer(&json, "known", wishes.known);
    json_integer(&json, "otherwise", wishes.otherwise);
    json_integer(&json, "held_back", wishes.held_back);
    json_integer(&json, "gone", gone);
    exchange->status = json_end(&json) ? 200 : 503;
    return 0;
}

/* --- how it goes --- */

struct going {
    struct lines lines;
    const struct means *means;
};

static void add_learned(void *context, const struct store_learned *learned)
{
    struct going *going = context;
    struct lines *lines = &going->lines;
    struct json json = lines_record(lines, "learned");
    bool is_pupil = learns(going->means, learned->filter);
    json_text(&json, "filter", learned->filter);
    json_integer(&json, "spam", learned->spam);
    json_integer(&json, "ham", learned->ham);
    json_integer(&json, "forgotten", learned->forgotten);
    json_integer(&json, "waiting", learned->waiting);
    json_integer(&json, "given_up", learned->given_up);
    json_moment(&json, "latest", learned->latest);
    json_bool(&json, "learns", is_pupil);
    json_text(&json, "trouble", is_pupil ? learned->trouble : TEXT("it is no filter here that learns, any more"));
    lines_add(lines, &json);
}

static void add_side(struct json *json, const char *key, int64_t count, int64_t spam, int64_t score, int64_t bayes_spam,
                     int64_t bayes_ham)
{
    json_object_open(json, key);
    json_integer(json, "spam", spam);
    json_hundredths(json, "score", count ? score / count : 0);
    json_integer(json, "bayes_spam", bayes_spam);
    json_integer(json, "bayes_ham", bayes_ham);
    json_object_close(json);
}

static void add_shown(void *context, const struct store_shown *shown)
{
    struct lines *lines = &((struct going *)context)->lines;
    struct json json = lines_record(lines, "held_back");
    json_text(&json, "filter", shown->filter);
    json_string(&json, "lesson", words[shown->lesson == TAUGHT_HAM]);
    json_integer(&json, "count", shown->count);
    json_integer(&json, "asked_before", shown->before);
    json_integer(&json, "asked_after", shown->after);
    add_side(&json, "before", shown->after, shown->then.spam, shown->then.score, shown->then.bayes_spam,
             shown->then.bayes_ham);
    add_side(&json, "after", shown->after, shown->now.spam, shown->now.score, shown->now.bayes_spam,
             shown->now.bayes_ham);
    lines_add(lines, &json);
}

int lessons_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    struct going going = {lines_begin(exchange), exchange->means};
    int status = store_learned(store, add_learned, &going, error);
    if (status >= 0)
        status = store_shown(store, add_shown, &going, error);
    return status < 0 ? status : lines_end(&going.lines, NULL);
}

/* --- back again --- */

static int undo_since(struct store *store, struct exchange *exchange, const char *since, struct error *error)
{
    moment when;
    if (!moment_parse(text_of(since), &when) || when <= 0)
        return exchange_refuse(exchange, 400, "since: a time as in RFC 3339");
    return store_lesson_undo_since(store, when, exchange->person.name, exchange->arrived, exchange->arrived, error);
}

int lesson_undo_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    const char *since = exchange_parameter(exchange, "since"), *reason = exchange_parameter(exchange, "reason");
    char which[STORE_DIGEST] = "";
    bool one = exchange->target.length > 0;
    if (one && !store_message_is_name(exchange->target) && exchange->target.length != STORE_DIGEST - 1)
        return exchange_refuse(exchange, 400, "which: a message's name, or the 64 digits of a digest");
    if (!one && (!since || !*since))
        return exchange_refuse(exchange, 400, "since: a time from which on all lessons are taken back");
    snprintf(which, sizeof which, "%.*s", (int)exchange->target.length, one ? exchange->target.bytes : "");
    int undone =
        one ? store_lesson_undo(store, which, exchange->person.name, exchange->arrived, exchange->arrived, error)
            : undo_since(store, exchange, since, error);
    if (undone < 0 || exchange->status != 0)
        return undone < 0 ? undone : 0;
    if (one && undone == 0)
        return exchange_refuse(exchange, 404, "no filter was taught that, or it was taken back already");
    int status = audit_note(store, exchange, "undo lessons", one ? which : since, reason, error);
    if (status < 0)
        return status;
    struct json json = json_begin(&exchange->answer);
    json_integer(&json, "undone", undone);
    exchange->status = json_end(&json) ? 200 : 503;
    return 0;
}
