/* See bulk.h. */
#include "collector/sorter/bulk.h"

#include <stdio.h>
#include <string.h>

#define THRESHOLD  100
#define A_STEP     25
#define SCORE_MOST 195 /* what has twice the threshold counts double at a node: this is no such certainty */

static void add(struct opinion *opinion, const char *name, const char *kind, const struct bulk_count *count)
{
    char symbol[64];
    if (count->steps == 0)
        return;
    snprintf(symbol, sizeof symbol, "%s(%u)", name, count->step);
    opinion_add_symbol(opinion, text_of(symbol));
    snprintf(symbol, sizeof symbol, "%s:%.8s", kind, count->digest);
    opinion_add_symbol(opinion, text_of(symbol));
}

bool bulk_opinion(const struct bulk_counts *counts, struct opinion *result)
{
    uint32_t steps = counts->body.steps > counts->picture.steps ? counts->body.steps : counts->picture.steps;
    if (steps == 0)
        return false;
    int32_t score = THRESHOLD + A_STEP * (int32_t)(steps - 1);
    *result = (struct opinion){.score = score < SCORE_MOST ? score : SCORE_MOST, .threshold = THRESHOLD};
    opinion_set_action(result, TEXT("bulk"));
    add(result, "BODY_BULK", "body", &counts->body);
    add(result, "PICTURE_BULK", "picture", &counts->picture);
    return true;
}
