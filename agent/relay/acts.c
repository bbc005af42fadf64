/* See acts.h. */
#include "agent/relay/acts.h"

#include <errno.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "common/table.h"

struct acts {
    struct table *table; /* of struct act, by struct sender */
    void *memory;
};

int acts_create(uint32_t most, const struct siphash_key *key, struct acts **result, struct error *error)
{
    const struct table_shape shape = {
        .places = most, .key_size = sizeof(struct sender), .value_size = sizeof(struct act), .key = *key};
    CLEANUP(acts_destroy) struct acts *acts = calloc(1, sizeof *acts);
    if (acts)
        acts->memory = calloc(1, table_memory(&shape));
    if (!acts || !acts->memory)
        return error_set(error, ENOMEM, "no memory for what relays are told");
    acts->table = table_place(acts->memory, &shape);
    *result = TAKE(acts);
    return 0;
}

void acts_destroy(struct acts **owner)
{
    if (*owner)
        free((*owner)->memory);
    free(*owner);
    *owner = NULL;
}

struct act *acts_add(struct acts *acts, const struct sender *sender, moment now)
{
    bool added;
    struct act *act = table_add(acts->table, sender, &added, NULL, NULL);
    if (added)
        act->since = now;
    return act;
}

struct act *acts_find(struct acts *acts, const struct sender *sender)
{
    return table_find(acts->table, sender);
}
