/* See filtered.h. */
#include "agent/courier/filtered.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "agent/courier/centre_answer.h"
#include "common/cleanup.h"
#include "common/siphash.h"
#include "common/words/observation.h"

#define HUNDREDTHS_MOST 1000000 /* what a filter says beyond is cut to it */

static struct text text_in(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_string(value) ? (struct text){json_string_value(value), json_string_length(value)} : TEXT("");
}

/* Written with two decimals. */
static bool hundredths_in(const json_t *object, const char *key, int32_t *result)
{
    const json_t *value = json_object_get(object, key);
    double number = json_number_value(value) * 100;
    if (!json_is_number(value) || number != number)
        return false;
    number = number > HUNDREDTHS_MOST ? HUNDREDTHS_MOST : number < -HUNDREDTHS_MOST ? -HUNDREDTHS_MOST : number;
    *result = (int32_t)(number + (number < 0 ? -0.5 : 0.5));
    return true;
}

/* Symbols are names with spaces between them: cut to whole ones. */
static void copy_symbols(struct text symbols, char *result, size_t size)
{
    size_t length = text_copy_printable(symbols, result, size);
    if (symbols.length < size)
        return;
    while (length > 0 && result[length - 1] != ' ')
        length--;
    if (length > 0)
        result[length - 1] = 0;
}

/* By which what is told again is known. */
static uint64_t mark_of(struct text what, struct text which)
{
    static const struct siphash_key what_key = {{1, 2}}, which_key = {{3, 4}};
    return siphash(&what_key, what.bytes, what.length) ^ siphash(&which_key, which.bytes, which.length);
}

static bool sender_in(const json_t *object, struct sender *result)
{
    return sender_parse(text_in(object, "sender"), result) && result->kind != SENDER_CUSTOMER;
}

/* None is well. */
static bool address_in(const json_t *object, const char *key, struct address *result)
{
    struct text address = text_in(object, key);
    return address.length == 0 || address_parse(address, result);
}

static bool read_opinion(const json_t *object, struct message_filtered *said)
{
    struct text message = text_in(object, "message"), filter = text_in(object, "filter");
    said->mark = mark_of(message, filter);
    said->certain = json_is_true(json_object_get(object, "certain"));
    text_copy_printable(filter, said->filter, sizeof said->filter);
    text_copy_printable(text_in(object, "action"), said->action, sizeof said->action);
    copy_symbols(text_in(object, "symbols"), said->symbols, sizeof said->symbols);
    return message.length > 0 && filter.length > 0 && filter.length < sizeof said->filter &&
           moment_parse(text_in(object, "time"), &said->time) && said->time > 0 && sender_in(object, &said->sender) &&
           address_in(object, "address", &said->address) && hundredths_in(object, "score", &said->score) &&
           hundredths_in(object, "threshold", &said->threshold) && said->threshold >= 0;
}

static bool weight_in(const json_t *object, uint8_t *result)
{
    struct text word = text_in(object, "weight");
    for (enum listing_weight weight = LISTING_INFORMATIONAL; weight <= LISTING_CRITICAL; weight++) {
        *result = (uint8_t)weight;
        if (text_equals(word, text_of(listing_weight_name(weight))))
            return true;
    }
    return false;
}

static bool type_in(const json_t *object, uint8_t *result)
{
    struct text word = text_in(object, "type");
    for (enum complaint_type type = COMPLAINT_ABUSE; type <= COMPLAINT_OTHER; type++) {
        *result = (uint8_t)type;
        if (text_equals(word, text_of(complaint_type_name(type))))
            return true;
    }
    return false;
}

/* Each telling is a fact of its own: a listing that stands is told again, for what it says fades. */
static bool read_listing(const json_t *object, int64_t number, struct message_listed *listed)
{
    struct text zone = text_in(object, "zone"), since = text_in(object, "since");
    const json_t *is_listed = json_object_get(object, "listed");
    listed->mark = mark_of((struct text){(const char *)&number, sizeof number}, zone);
    listed->listed = json_is_true(is_listed);
    text_copy_printable(zone, listed->zone, sizeof listed->zone);
    return zone.length > 0 && zone.length < sizeof listed->zone && json_is_boolean(is_listed) &&
           weight_in(object, &listed->weight) && sender_in(object, &listed->sender) &&
           address_in(object, "address", &listed->address) && address_in(object, "code", &listed->code) &&
           (since.length == 0 || (moment_parse(since, &listed->since) && listed->since > 0));
}

static bool read_complaint(const json_t *object, struct message_complained *complained)
{
    struct text id = text_in(object, "id");
    json_int_t count = json_integer_value(json_object_get(object, "count"));
    complained->withdrawn = json_is_true(json_object_get(object, "withdrawn"));
    complained->mark = mark_of(id, complained->withdrawn ? TEXT("complaint withdrawn") : TEXT("complaint"));
    complained->confirmed = json_is_true(json_object_get(object, "confirmed"));
    complained->known = json_is_true(json_object_get(object, "known"));
    complained->count = count > 0 && count <= UINT32_MAX ? (uint32_t)count : 1;
    text_copy_printable(text_in(object, "reporter"), complained->reporter, sizeof complained->reporter);
    return id.length > 0 && type_in(object, &complained->type) && sender_in(object, &complained->sender) &&
           address_in(object, "address", &complained->address);
}

static bool read_one(const json_t *object, struct filtered *item)
{
    struct text kind = text_in(object, "kind");
    item->kind = kind.length == 0                       ? MESSAGE_FILTERED
                 : text_equals(kind, TEXT("listing"))   ? MESSAGE_LISTED
                 : text_equals(kind, TEXT("complaint")) ? MESSAGE_COMPLAINED
                                                        : MESSAGE_NONE;
    switch (item->kind) {
    case MESSAGE_FILTERED:
        return read_opinion(object, &item->said);
    case MESSAGE_LISTED:
        return read_listing(object, item->number, &item->listed);
    case MESSAGE_COMPLAINED:
        return read_complaint(object, &item->complained);
    default: /* of a later centre */
        return false;
    }
}

static void read_all(const json_t *filtered, struct filtered_list *list)
{
    for (size_t i = 0; i < json_array_size(filtered) && i < FILTERED_MOST; i++) {
        const json_t *object = json_array_get(filtered, i);
        json_int_t number = json_integer_value(json_object_get(object, "number"));
        if (number <= list->number)
            continue;
        list->number = number;
        struct filtered *item = &list->items[list->count];
        *item = (struct filtered){.number = number};
        if (read_one(object, item))
            list->count++;
        else
            list->unsound++;
    }
}

static void drop(json_t **json)
{
    json_decref(*json);
    *json = NULL;
}

int filtered_read(struct text answer, int64_t after, struct filtered_list *result, struct error *error)
{
    CLEANUP(drop) json_t *object = centre_answer_parse_list(answer, error);
    *result = (struct filtered_list){.number = after};
    if (!object)
        return -error->code;
    const json_t *filtered = json_object_get(object, "filtered"), *next = json_object_get(object, "filtered_after");
    size_t count = json_array_size(filtered);
    json_int_t highest = json_is_integer(next) ? json_integer_value(next) : -1;
    result->some = count > 0 || (highest >= 0 && highest != after);
    /* A centre from a backup has given fewer than we asked behind: it begins anew, and so do we. */
    if (highest >= 0 && highest < after)
        result->number = 0;
    if (count > 0) {
        result->items = calloc(count < FILTERED_MOST ? count : FILTERED_MOST, sizeof *result->items);
        if (!result->items)
            return error_set(error, ENOMEM, "no memory for what the centre tells");
        read_all(filtered, result);
    }
    /* What is beyond the most is asked for again. */
    if (count <= FILTERED_MOST && highest > result->number)
        result->number = highest;
    return 0;
}

void filtered_clear(struct filtered_list *list)
{
    free(list->items);
    *list = (struct filtered_list){0};
}
