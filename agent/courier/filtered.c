/* See filtered.h. */
#include "agent/courier/filtered.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "agent/courier/centre_answer.h"
#include "common/cleanup.h"
#include "common/siphash.h"

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

/* By which an opinion that is told again is known. */
static uint64_t mark_of(struct text message, struct text filter)
{
    static const struct siphash_key message_key = {{1, 2}}, filter_key = {{3, 4}};
    return siphash(&message_key, message.bytes, message.length) ^ siphash(&filter_key, filter.bytes, filter.length);
}

static bool read_one(const json_t *object, struct message_filtered *said)
{
    struct text message = text_in(object, "message"), filter = text_in(object, "filter");
    struct text address = text_in(object, "address");
    said->mark = mark_of(message, filter);
    said->certain = json_is_true(json_object_get(object, "certain"));
    text_copy_printable(filter, said->filter, sizeof said->filter);
    text_copy_printable(text_in(object, "action"), said->action, sizeof said->action);
    copy_symbols(text_in(object, "symbols"), said->symbols, sizeof said->symbols);
    return message.length > 0 && filter.length > 0 && filter.length < sizeof said->filter &&
           moment_parse(text_in(object, "time"), &said->time) && said->time > 0 &&
           sender_parse(text_in(object, "sender"), &said->sender) && said->sender.kind != SENDER_CUSTOMER &&
           (address.length == 0 || address_parse(address, &said->address)) &&
           hundredths_in(object, "score", &said->score) && hundredths_in(object, "threshold", &said->threshold) &&
           said->threshold >= 0;
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
        if (read_one(object, &item->said))
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
            return error_set(error, ENOMEM, "no memory for filters' opinions");
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
