/* See places.h. */
#include "agent/relay/places.h"

#include <errno.h>
#include <stdlib.h>

int places_create(struct places *places, uint32_t most, uint32_t value_size, const struct siphash_key *key,
                  struct error *error)
{
    const struct table_shape shape = {
        .places = most, .key_size = sizeof(uint64_t), .value_size = value_size, .key = *key};
    void *memory = calloc(1, table_memory(&shape));
    if (!memory)
        return error_set(error, ENOMEM, "no memory for %u places of the relay's", most);
    *places = (struct places){.memory = memory, .table = table_place(memory, &shape), .most = most};
    return 0;
}

void places_clear(struct places *places)
{
    free(places->memory);
    *places = (struct places){0};
}

void *places_find(struct places *places, uint64_t mark)
{
    return table_find(places->table, &mark);
}

void *places_add(struct places *places, uint64_t mark, bool *added)
{
    return table_add(places->table, &mark, added, NULL, NULL);
}

void places_sweep(struct places *places, uint32_t count, bool (*is_over)(const void *context, const void *value),
                  const void *context)
{
    if (table_count(places->table) == 0)
        return;
    for (uint32_t i = 0; i < count && i < places->most; i++) {
        void *value = table_at(places->table, places->swept);
        places->swept = places->swept + 1 < places->most ? places->swept + 1 : 0;
        if (value && is_over(context, value))
            table_remove(places->table, value);
    }
}
