/* See hint.h. */
#include "agent/log/hint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "common/table.h"

#define WORD_MOST 48

struct key {
    uint32_t source, length;
    char word[WORD_MOST];
};

struct hints {
    void *memory;
    struct table *table;
};

struct hints *hints_create(uint32_t places, const struct siphash_key *key, struct error *error)
{
    const struct table_shape shape = {places, sizeof(struct key), sizeof(struct hint), *key};
    CLEANUP(hints_destroy) struct hints *result = calloc(1, sizeof *result);
    size_t size = table_memory(&shape);
    if (result == NULL || size == SIZE_MAX || (result->memory = calloc(1, size)) == NULL) {
        error_set(error, ENOMEM, "no memory for what a log says ahead of a message");
        return NULL;
    }
    result->table = table_place(result->memory, &shape);
    return TAKE(result);
}

void hints_destroy(struct hints **hints)
{
    if (*hints == NULL)
        return;
    free((*hints)->memory);
    free(*hints);
    *hints = NULL;
}

static bool make_key(struct key *key, uint32_t source, struct text word)
{
    if (word.length == 0 || word.length > WORD_MOST)
        return false;
    *key = (struct key){.source = source, .length = (uint32_t)word.length};
    memcpy(key->word, word.bytes, word.length);
    return true;
}

static uint8_t copy_end(char to[HINT_TEXT], struct text from)
{
    size_t length = from.length < HINT_TEXT ? from.length : HINT_TEXT;
    if (length > 0)
        memcpy(to, from.bytes + from.length - length, length);
    return (uint8_t)length;
}

void hints_add(struct hints *hints, uint32_t source, struct text word, moment time, struct text script,
               struct text directory)
{
    struct key key;
    bool added;
    if (!make_key(&key, source, word))
        return;
    struct hint *hint = table_add(hints->table, &key, &added, NULL, NULL);
    hint->time = time;
    hint->script_length = copy_end(hint->script, script);
    hint->directory_length = copy_end(hint->directory, directory);
}

bool hints_take(struct hints *hints, uint32_t source, struct text word, moment time, struct hint *result)
{
    struct key key;
    struct hint *hint = make_key(&key, source, word) ? table_find(hints->table, &key) : NULL;
    if (hint == NULL)
        return false;
    *result = *hint;
    table_remove(hints->table, hint);
    return time >= result->time - HINT_AGE && time - result->time <= HINT_AGE;
}
