/* See fleet_news.h. */
#include "agent/courier/fleet_news.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "agent/courier/centre_answer.h"
#include "common/cleanup.h"
#include "common/words/account.h"

static struct text text_in(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_string(value) ? (struct text){json_string_value(value), json_string_length(value)} : TEXT("");
}

/* 0: it is no count. */
static uint32_t count_in(const json_t *object, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(object, key));
    return value > 0 && value <= FLEET_COUNT_MOST ? (uint32_t)value : 0;
}

/* Written with two decimals. -1: none that anybody can have. */
static points points_in(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    double number = json_is_number(value) ? json_number_value(value) : -1;
    return number >= 0 && number <= FLEET_POINTS_MOST / 100 ? (points)(number * 100 + 0.5) : -1;
}

static bool end_in(const json_t *object, moment now, moment *result)
{
    if (!moment_parse(text_in(object, "until"), result) || *result < 0)
        return false;
    if (*result > now + FLEET_LONGEST)
        *result = now + FLEET_LONGEST;
    return true;
}

/* Written as we write names, and in no other way. */
static bool customer_in(const json_t *object, char result[CUSTOMER_TEXT])
{
    uint8_t name[ACCOUNT_MOST];
    struct text text = text_in(object, "customer");
    size_t length = account_read(text, name);
    if (length == 0 || length != text.length)
        return false;
    memcpy(result, name, length);
    result[length] = 0;
    return true;
}

static bool read_campaign(const json_t *object, bool counted, moment now, struct fleet_campaign *campaign)
{
    campaign->counted = counted;
    campaign->customers = count_in(object, "customers");
    campaign->senders = count_in(object, "senders");
    campaign->nodes = count_in(object, "nodes");
    if (counted) /* who sent it is not told: as many at least */
        campaign->senders = campaign->customers > campaign->nodes ? campaign->customers : campaign->nodes;
    campaign->recipients = count_in(object, "recipients");
    return likeness_parse(text_in(object, "likeness"), &campaign->likeness) &&
           moment_parse(text_in(object, "first"), &campaign->first) && end_in(object, now, &campaign->until) &&
           fleet_campaign_is_sound(campaign);
}

/* Nodes whose senders have little each say nothing; how much is little is said in fleet.h. */
static void add_node(struct fleet_customer *customer, const json_t *object, const char *own)
{
    points held = points_in(object, "points");
    uint32_t senders = count_in(object, "senders");
    if (text_equals(text_in(object, "node"), text_of(own)) || senders == 0 || held < 0 ||
        held / FLEET_POINTS_LEAST < (int64_t)senders || customer->senders + senders > FLEET_COUNT_MOST)
        return;
    customer->nodes++;
    customer->senders += senders;
    customer->points = customer->points < FLEET_POINTS_MOST - held ? customer->points + held : FLEET_POINTS_MOST;
}

static bool read_customer(const json_t *object, const char *own, moment now, struct fleet_customer *customer)
{
    const json_t *nodes = json_object_get(object, "nodes");
    if (!json_is_array(nodes))
        return false;
    for (size_t i = 0; i < json_array_size(nodes); i++)
        add_node(customer, json_array_get(nodes, i), own);
    return customer_in(object, customer->name) && end_in(object, now, &customer->until) &&
           fleet_customer_is_sound(customer);
}

static bool read_standing(const json_t *object, struct fleet_standing *standing)
{
    struct text order = text_in(object, "order"), until = text_in(object, "until"), owner = text_in(object, "customer");
    enum deed deed = DEED_RELEASE;
    while (deed < DEEDS && !text_equals(order, text_of(deed_name(deed))))
        deed++;
    standing->deed = deed;
    standing->rate = count_in(object, "rate");
    text_copy_printable(text_in(object, "reason"), standing->reason, sizeof standing->reason);
    text_copy_printable(text_in(object, "by"), standing->by, sizeof standing->by);
    text_copy_printable(text_in(object, "node"), standing->node, sizeof standing->node);
    return deed < DEEDS && sender_parse(text_in(object, "sender"), &standing->sender) &&
           (until.length == 0 || moment_parse(until, &standing->until)) &&
           (owner.length == 0 || customer_in(object, standing->customer));
}

/* False: it is left out. */
static bool read_one(const json_t *object, const char *node, moment now, struct fleet_news_list *list)
{
    struct fleet_news *item = &list->items[list->count];
    struct text kind = text_in(object, "kind");
    bool sound;
    if (text_equals(kind, TEXT("campaign"))) {
        item->kind = FLEET_NEWS_CAMPAIGN;
        sound = read_campaign(object, false, now, &item->campaign);
    } else if (text_equals(kind, TEXT("counted"))) {
        item->kind = FLEET_NEWS_CAMPAIGN;
        sound = read_campaign(object, true, now, &item->campaign);
    } else if (text_equals(kind, TEXT("customer"))) {
        item->kind = FLEET_NEWS_CUSTOMER;
        sound = read_customer(object, node, now, &item->customer);
    } else if (text_equals(kind, TEXT("standing"))) {
        item->kind = FLEET_NEWS_STANDING;
        sound = read_standing(object, &item->standing);
    } else {
        return false; /* of a newer centre */
    }
    list->unsound += !sound;
    return sound;
}

static void read_all(const json_t *news, const char *node, moment now, struct fleet_news_list *list)
{
    for (size_t i = 0; i < json_array_size(news) && i < FLEET_NEWS_MOST; i++) {
        const json_t *object = json_array_get(news, i);
        json_int_t number = json_integer_value(json_object_get(object, "news"));
        if (number <= list->number)
            continue;
        list->number = number;
        struct fleet_news *item = &list->items[list->count];
        *item = (struct fleet_news){.number = number};
        if (read_one(object, node, now, list))
            list->count++;
        else
            *item = (struct fleet_news){0};
    }
}

static void drop(json_t **json)
{
    json_decref(*json);
    *json = NULL;
}

int fleet_news_read(struct text answer, int64_t after, const char *node, moment now, struct fleet_news_list *result,
                    struct error *error)
{
    CLEANUP(drop) json_t *object = centre_answer_parse_list(answer, error);
    *result = (struct fleet_news_list){.number = after};
    if (!object)
        return -error->code;
    const json_t *news = json_object_get(object, "news"), *next = json_object_get(object, "news_after");
    size_t count = json_array_size(news);
    result->some = count > 0;
    /* A centre from a backup has told fewer than we asked behind: it begins anew, and so do we. */
    if (count > 0 && json_is_integer(next) && json_integer_value(next) >= 0 && json_integer_value(next) < after)
        result->number = 0;
    if (count > 0) {
        result->items = calloc(count < FLEET_NEWS_MOST ? count : FLEET_NEWS_MOST, sizeof *result->items);
        if (!result->items)
            return error_set(error, ENOMEM, "no memory for news of the fleet");
        read_all(news, node, now, result);
    }
    /* What is beyond the most is asked for again. */
    if (count <= FLEET_NEWS_MOST && json_integer_value(next) > result->number)
        result->number = json_integer_value(next);
    return 0;
}

void fleet_news_clear(struct fleet_news_list *list)
{
    free(list->items);
    *list = (struct fleet_news_list){0};
}
