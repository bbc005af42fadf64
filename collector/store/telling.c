/* See telling.h. Rows of `filtered`, told from opinions by their "kind". */
#include "collector/store/telling.h"

#include <errno.h>
#include "collector/store/sorting.h"
#include "collector/store/store_own.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "common/words/observation.h"

#define ROW_MOST ((size_t)4096)

/* One that was left out of a struct is empty. */
static void put(struct json *json, const char *key, struct text text)
{
    json_text(json, key, text.length > 0 ? text : TEXT(""));
}

static int add(struct store *store, int64_t node, struct json *json, moment now, struct error *error)
{
    int64_t number = 0;
    if (!json_end(json))
        return error_set(error, ENOMEM, "no memory for what a node is told");
    /* What stands between the braces: whoever tells it puts its number before it. */
    struct text text = text_trim(buffer_text(json->out));
    text = (struct text){text.bytes + 1, text.length - 2};
    int status = store_filtered_next(store, 1, now, &number, error);
    if (status == 0)
        status = store_filtered_add(store, node, number, now, text, error);
    return status < 0 ? status : 1;
}

int store_tell_listing(struct store *store, int64_t node, const struct store_told_listing *told, moment now,
                       struct error *error)
{
    CLEANUP(buffer_clear) struct buffer row;
    buffer_init(&row, ROW_MOST);
    if (node == 0 || told->sender.length == 0)
        return 0;
    struct json json = json_begin(&row);
    json_string(&json, "kind", "listing");
    put(&json, "sender", told->sender);
    put(&json, "address", told->address);
    put(&json, "zone", told->zone);
    put(&json, "code", told->code);
    json_string(&json, "weight", listing_weight_name((enum listing_weight)told->weight));
    json_bool(&json, "listed", told->is_listed);
    json_moment(&json, "since", told->since);
    return add(store, node, &json, now, error);
}

int store_tell_complaint(struct store *store, int64_t node, const struct store_told_complaint *told, moment now,
                         struct error *error)
{
    CLEANUP(buffer_clear) struct buffer row;
    buffer_init(&row, ROW_MOST);
    if (node == 0 || told->sender.length == 0)
        return 0;
    struct json json = json_begin(&row);
    json_string(&json, "kind", "complaint");
    put(&json, "id", told->id);
    put(&json, "sender", told->sender);
    put(&json, "address", told->address);
    put(&json, "reporter", told->reporter);
    json_string(&json, "type", complaint_type_name((enum complaint_type)told->type));
    json_integer(&json, "count", told->count > 0 ? told->count : 1);
    json_bool(&json, "confirmed", told->is_confirmed);
    json_bool(&json, "known", told->is_known);
    json_bool(&json, "withdrawn", told->is_withdrawn);
    return add(store, node, &json, now, error);
}
