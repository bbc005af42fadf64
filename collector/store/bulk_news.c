/* What was counted as bulk, as news for nodes: there a text is known again by its likeness. Rows come from bulk.c, one
 * at each step of the threshold, so they are few. */
#include "collector/store/reckon_own.h"
#include "common/words/likeness.h"

#define LASTS DAY /* behind the last step; a node believes it no longer */

static int tell(struct round *round, const struct heard *row, struct error *error)
{
    struct news_item item = {.until = round->now + LASTS};
    struct json *json = news_begin(&item, "counted", row->name);
    json_string(json, "likeness", row->name);
    json_integer(json, "customers", row->messages);
    json_integer(json, "nodes", row->domains);
    json_integer(json, "recipients", row->recipients);
    json_moment(json, "first", row->points);
    json_moment(json, "until", item.until);
    return news_end(round, &item, error);
}

int reckon_counts(struct round *round, struct error *error)
{
    int failure = 0;
    for (size_t i = 0; i < round->count && failure == 0; i++) {
        const struct heard *row = &round->rows[i];
        struct likeness likeness;
        if (strcmp(row->kind, "bulk") == 0 && likeness_parse(text_of(row->name), &likeness))
            failure = tell(round, row, error);
    }
    return failure;
}
