/* Deliveries under way, in a table of fixed size. */
#include "agent/log/attempt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "common/table.h"

#define NUMBER_MOST 24

struct key {
    uint32_t source, length;
    char number[NUMBER_MOST];
};

struct attempts {
    void *memory;
    struct table *table;
};

struct attempts *attempts_create(uint32_t places, const struct siphash_key *key, struct error *error)
{
    const struct table_shape shape = {places, sizeof(struct key), sizeof(struct attempt), *key};
    CLEANUP(attempts_destroy) struct attempts *result = calloc(1, sizeof *result);
    size_t size = table_memory(&shape);
    if (result == NULL || size == SIZE_MAX || (result->memory = calloc(1, size)) == NULL) {
        error_set(error, ENOMEM, "no memory for %u deliveries under way", places);
        return NULL;
    }
    result->table = table_place(result->memory, &shape);
    return TAKE(result);
}

void attempts_destroy(struct attempts **attempts)
{
    if (*attempts == NULL)
        return;
    free((*attempts)->memory);
    free(*attempts);
    *attempts = NULL;
}

static bool make_key(struct key *key, uint32_t source, struct text number)
{
    if (number.length == 0 || number.length > NUMBER_MOST)
        return false;
    *key = (struct key){.source = source, .length = (uint32_t)number.length};
    memcpy(key->number, number.bytes, number.length);
    return true;
}

static uint16_t copy(char *to, size_t room, struct text from)
{
    size_t length = from.length < room ? from.length : room;
    if (length > 0)
        memcpy(to, from.bytes, length);
    return (uint16_t)length;
}

void attempts_start(struct attempts *attempts, uint32_t source, struct text number, struct text queue, struct text to,
                    bool here)
{
    struct key key;
    bool added;
    if (!make_key(&key, source, number))
        return;
    struct attempt *attempt = table_add(attempts->table, &key, &added, NULL, NULL);
    attempt->queue_length = copy(attempt->queue, sizeof attempt->queue, queue);
    attempt->to_length = copy(attempt->to, sizeof attempt->to, to);
    attempt->here = here;
}

bool attempts_end(struct attempts *attempts, uint32_t source, struct text number, struct attempt *result)
{
    struct key key;
    struct attempt *attempt = make_key(&key, source, number) ? table_find(attempts->table, &key) : NULL;
    if (attempt == NULL)
        return false;
    *result = *attempt;
    table_remove(attempts->table, attempt);
    return true;
}
