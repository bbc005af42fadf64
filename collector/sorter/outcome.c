/* See outcome.h. */
#include "collector/sorter/outcome.h"

#include <stdio.h>
#include <stdlib.h>
#include "common/cleanup.h"

struct outcome *outcome_create(enum outcome_kind kind, const char *name, const char *filter)
{
    struct outcome *outcome = calloc(1, sizeof *outcome);
    if (outcome == NULL)
        return NULL;
    outcome->kind = kind;
    snprintf(outcome->name, sizeof outcome->name, "%s", name);
    snprintf(outcome->filter, sizeof outcome->filter, "%s", filter);
    return outcome;
}

void outcome_free(struct outcome **pointer)
{
    struct outcome *outcome = TAKE(*pointer);
    if (outcome == NULL)
        return;
    letter_release(&outcome->letter);
    free(outcome);
}
