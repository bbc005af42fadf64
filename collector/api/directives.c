/* What a node is to do, and what the reckoning tells it. Where there is nothing yet the server asks again when
 * something was ordered or reckoned. */
#include <inttypes.h>
#include <string.h>
#include "collector/api/endpoint.h"
#include "collector/store/settings.h"
#include "collector/store/sorting.h"
#include "common/cleanup.h"
#include "common/json.h"

#define DIRECTIVES_MOST 500
#define NEWS_MOST       500
#define FILTERED_MOST   200
#define WAIT_MOST       60
#define SETTINGS_MOST   (1U << 20) /* as JSON */

struct telling {
    struct json json;
    int64_t revision, after;
    size_t count;
    int64_t settings;   /* the revision of those that are still to be told; 0: none */
    struct buffer told; /* and they as JSON */
    int64_t news;       /* the number of the latest that was told */
    size_t news_count;
    int64_t filtered; /* the number of the latest opinion that was told */
    size_t filtered_count;
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

/* What a node asks by: where no such parameter stands, it does not know news, or what filters say. */
struct question {
    int64_t after, wait, news, filtered;
    bool wants_news, standings, wants_filtered;
};

static bool read_question(const struct exchange *exchange, struct question *question)
{
    const char *standings = exchange_parameter(exchange, "standings");
    question->wants_news = exchange_parameter(exchange, "news") != NULL;
    question->wants_filtered = exchange_parameter(exchange, "filtered") != NULL;
    question->standings = standings && strcmp(standings, "yes") == 0;
    return exchange_number(exchange, "after", &question->after) && exchange_number(exchange, "wait", &question->wait) &&
           question->wait <= WAIT_MOST && exchange_number(exchange, "news", &question->news) &&
           exchange_number(exchange, "filtered", &question->filtered) &&
           (standings == NULL || question->standings || strcmp(standings, "no") == 0);
}

static void tell_one(void *context, const struct store_news *news)
{
    struct telling *telling = context;
    struct json *json = &telling->json;
    if (telling->news_count == 0)
        json_array_open(json, "news");
    json_object_open(json, NULL);
    json_integer(json, "news", news->number);
    json_put(json, TEXT(","));
    json_put(json, news->text);
    json_object_close(json);
    telling->news = news->number;
    telling->news_count++;
}

/* A node that has a higher number than there is has it from this centre before it was put back from a backup: what is
 * news from then on has a higher one. */
static int tell_news(struct store *store, const struct question *question, struct telling *telling, struct error *error)
{
    int64_t highest;
    int status = store_news_highest(store, &highest, error);
    if (status == 0 && question->news < highest)
        status = store_news(store, question->news, question->standings, NEWS_MOST, tell_one, telling, error);
    if (status < 0 || telling->news_count == 0)
        return status;
    json_array_close(&telling->json);
    /* All was told: what stands between, of a kind that it does not ask for, need not be looked at again. */
    json_integer(&telling->json, "news_after", telling->news_count < NEWS_MOST ? highest : telling->news);
    return 0;
}

static void tell_filtered(void *context, const struct store_filtered *filtered)
{
    struct telling *telling = context;
    struct json *json = &telling->json;
    if (telling->filtered_count == 0)
        json_array_open(json, "filtered");
    json_object_open(json, NULL);
    json_integer(json, "number", filtered->number);
    json_put(json, TEXT(","));
    json_put(json, filtered->text);
    json_object_close(json);
    telling->filtered = filtered->number;
    telling->filtered_count++;
}

/* What filters say of the node's messages. A node that has a higher number than there is has it from this store before
 * that was put back from a backup: it goes on behind what is there now. */
static int tell_opinions(struct store *store, const struct exchange *exchange, const struct question *question,
                         struct telling *telling, struct error *error)
{
    int64_t highest = 0;
    int status = store_filtered_highest(store, &highest, error);
    if (status == 0 && question->filtered < highest)
        status =
            store_filtered(store, exchange->node.id, question->filtered, FILTERED_MOST, tell_filtered, telling, error);
    if (status < 0)
        return status;
    if (telling->filtered_count > 0)
        json_array_close(&telling->json);
    if (telling->filtered_count > 0 || question->filtered > highest) {
        json_integer(&telling->json, "filtered_after", telling->filtered_count > 0 ? telling->filtered : highest);
        telling->filtered_count++;
    }
    return 0;
}

int directives_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    struct question question = {0};
    if (!read_question(exchange, &question))
        return exchange_refuse(exchange, 400,
                               "after: a revision; wait: up to %d seconds; news, filtered: numbers; standings: yes or "
                               "no",
                               WAIT_MOST);
    int64_t after = question.after;
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
    if (question.wants_news && (status = tell_news(store, &question, &telling, error)) < 0)
        return status;
    if (question.wants_filtered && (status = tell_opinions(store, exchange, &question, &telling, error)) < 0)
        return status;
    exchange->status = json_end(&telling.json) ? 200 : 500;
    if (telling.count == 0 && telling.news_count == 0 && telling.filtered_count == 0) {
        buffer_clear(&exchange->answer);
        exchange->status = 204;
        exchange->nothing = true;
        exchange->patience = question.wait * SECOND;
    }
    return 0;
}
