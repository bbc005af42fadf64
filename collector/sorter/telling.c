/* What a node is told of one of its messages: whose it was, what one filter says, as numbers and words that its
 * evidence is made of. */
#include <errno.h>
#include "collector/sorter/sorter_own.h"
#include "common/json.h"

struct telling {
    struct round *round;
    const char *filter;
    const struct opinion *opinion;
    bool whole;
};

static void tell(void *context, const struct store_message *message)
{
    struct telling *telling = context;
    const struct opinion *opinion = telling->opinion;
    struct round *round = telling->round;
    size_t start = round->texts.length;
    struct json json = json_begin(&round->texts);
    json_string(&json, "message", message->name);
    json_moment(&json, "time", message->time);
    json_text(&json, "sender", message->sender);
    json_text(&json, "address", message->address);
    json_string(&json, "filter", telling->filter);
    json_hundredths(&json, "score", opinion->score);
    json_hundredths(&json, "threshold", opinion->threshold);
    json_string(&json, "action", opinion->action);
    json_string(&json, "symbols", opinion->symbols);
    json_bool(&json, "certain", opinion->certain);
    telling->whole = json_end(&json);
    /* What stands between the braces: whoever tells it puts its number before it. */
    struct told_row row = {message->node, start + 1, round->texts.length - start - 3};
    if (telling->whole)
        round->told[round->told_count++] = row;
}

int round_add_told(struct round *round, const char *name, const char *filter, const struct opinion *opinion,
                   struct error *error)
{
    struct telling telling = {round, filter, opinion, true};
    if (round->told_count == TOLD_MOST)
        return error_set(error, ENOSPC, "too much is to be told at once");
    int found = store_message_find(round->store, name, tell, &telling, error);
    return found < 0 ? found : telling.whole ? 0 : error_set(error, ENOMEM, "no memory for what nodes are told");
}

int round_tell(struct round *round, struct error *error)
{
    int64_t first = 0;
    if (round->told_count == 0)
        return 0;
    int status = store_filtered_next(round->store, round->told_count, round->now, &first, error);
    for (uint32_t i = 0; i < round->told_count && status == 0; i++) {
        const struct told_row *row = &round->told[i];
        status = store_filtered_add(round->store, row->node, first + i, round->now,
                                    (struct text){round->texts.bytes + row->start, row->length}, error);
    }
    return status;
}
