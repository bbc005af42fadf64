/* See bulk.h. */
#include "collector/sorter/bulk.h"

#include <stdio.h>
#include <string.h>

static void add(struct opinion *opinion, const char *name, const struct bulk_count *count)
{
    char symbol[64];
    if (count->steps == 0)
        return;
    snprintf(symbol, sizeof symbol, "%s(%lld)", name, (long long)count->recipients);
    opinion_add_symbol(opinion, text_of(symbol));
}

bool bulk_opinion(const struct bulk_counts *counts, struct opinion *result)
{
    uint32_t steps = counts->body.steps > counts->picture.steps ? counts->body.steps : counts->picture.steps;
    if (steps == 0)
        return false;
    *result = (struct opinion){.score = (int32_t)(100 * steps), .threshold = 100};
    opinion_set_action(result, TEXT("bulk"));
    add(result, "BODY_BULK", &counts->body);
    add(result, "PICTURE_BULK", &counts->picture);
    return true;
}
