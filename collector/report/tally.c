/* See tally.h. Open addressing over rows that lie in the order in which they came. */
#include "collector/report/tally.h"

#include <stdlib.h>
#include "common/cleanup.h"

struct row {
    size_t name, length; /* in `names` */
    uint64_t hash;
    int64_t sums[TALLY_COLUMNS];
};

struct tally {
    struct siphash_key key;
    struct row *rows;
    size_t count, room, most;
    uint32_t *slots; /* a row's place and one; 0: free */
    size_t slot_count;
    char *names;
    size_t names_length, names_room;
    bool is_full;
};

struct tally *tally_create(const struct siphash_key *key, size_t names_most)
{
    CLEANUP(tally_destroy) struct tally *tally = calloc(1, sizeof *tally);
    if (tally == NULL || (tally->slots = calloc(64, sizeof *tally->slots)) == NULL)
        return NULL;
    tally->key = *key;
    tally->slot_count = 64;
    tally->most = names_most < UINT32_MAX - 1 ? names_most : UINT32_MAX - 1;
    return TAKE(tally);
}

void tally_destroy(struct tally **tally)
{
    if (*tally == NULL)
        return;
    free((*tally)->rows);
    free((*tally)->slots);
    free((*tally)->names);
    free(*tally);
    *tally = NULL;
}

/* Where it is, or the free slot where it would be. */
static size_t slot_of(const struct tally *tally, uint64_t hash, struct text name)
{
    size_t slot = hash & (tally->slot_count - 1);
    while (tally->slots[slot] != 0) {
        const struct row *row = &tally->rows[tally->slots[slot] - 1];
        if (row->hash == hash && text_equals((struct text){tally->names + row->name, row->length}, name))
            break;
        slot = (slot + 1) & (tally->slot_count - 1);
    }
    return slot;
}

static bool widen(struct tally *tally)
{
    size_t count = tally->slot_count * 2;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (slots == NULL)
        return false;
    for (size_t i = 0; i < tally->count; i++) {
        size_t slot = tally->rows[i].hash & (count - 1);
        while (slots[slot] != 0)
            slot = (slot + 1) & (count - 1);
        slots[slot] = (uint32_t)i + 1;
    }
    free(tally->slots);
    tally->slots = slots;
    tally->slot_count = count;
    return true;
}

static bool make_room(struct tally *tally, size_t length)
{
    if (tally->count == tally->room) {
        size_t room = tally->room ? tally->room * 2 : 64;
        struct row *rows = reallocarray(tally->rows, room, sizeof *rows);
        if (rows == NULL)
            return false;
        tally->rows = rows;
        tally->room = room;
    }
    while (tally->names_room - tally->names_length < length + 1) {
        size_t room = tally->names_room ? tally->names_room * 2 : 4096;
        char *names = realloc(tally->names, room);
        if (names == NULL)
            return false;
        tally->names = names;
        tally->names_room = room;
    }
    return tally->count * 2 < tally->slot_count || widen(tally);
}

size_t tally_find(const struct tally *tally, struct text name)
{
    size_t slot = slot_of(tally, siphash(&tally->key, name.bytes, name.length), name);
    return tally->slots[slot] ? tally->slots[slot] - 1 : TALLY_NONE;
}

size_t tally_place(struct tally *tally, struct text name)
{
    uint64_t hash = siphash(&tally->key, name.bytes, name.length);
    size_t slot = slot_of(tally, hash, name);
    if (tally->slots[slot])
        return tally->slots[slot] - 1;
    if (tally->count >= tally->most || !make_room(tally, name.length)) {
        tally->is_full = true;
        return TALLY_NONE;
    }
    if (name.length)
        memcpy(tally->names + tally->names_length, name.bytes, name.length);
    tally->rows[tally->count] = (struct row){.name = tally->names_length, .length = name.length, .hash = hash};
    tally->names_length += name.length;
    tally->slots[slot_of(tally, hash, name)] = (uint32_t)tally->count + 1;
    return tally->count++;
}

int64_t *tally_sums(struct tally *tally, size_t place)
{
    return tally->rows[place].sums;
}

struct text tally_name(const struct tally *tally, size_t place)
{
    return (struct text){tally->names + tally->rows[place].name, tally->rows[place].length};
}

size_t tally_count(const struct tally *tally)
{
    return tally->count;
}

bool tally_is_full(const struct tally *tally)
{
    return tally->is_full;
}

void tally_add(struct tally *tally, struct text name, size_t column, int64_t amount)
{
    size_t place = tally_place(tally, name);
    if (place != TALLY_NONE &&
        __builtin_add_overflow(tally->rows[place].sums[column], amount, &tally->rows[place].sums[column]))
        tally->rows[place].sums[column] = INT64_MAX;
}

static bool comes_before(const struct tally *tally, size_t column, size_t second, size_t a, size_t b)
{
    const int64_t *left = tally->rows[a].sums, *right = tally->rows[b].sums;
    if (left[column] != right[column])
        return left[column] > right[column];
    if (left[second] != right[second])
        return left[second] > right[second];
    struct text first = tally_name(tally, a), other = tally_name(tally, b);
    size_t length = first.length < other.length ? first.length : other.length;
    int order = length ? memcmp(first.bytes, other.bytes, length) : 0;
    return order < 0 || (order == 0 && first.length < other.length);
}

size_t tally_top(const struct tally *tally, size_t column, size_t second, size_t *places, size_t most)
{
    size_t count = 0;
    for (size_t i = 0; i < tally->count && most > 0; i++) {
        if (tally->rows[i].sums[column] == 0 ||
            (count == most && !comes_before(tally, column, second, i, places[count - 1])))
            continue;
        size_t at = count < most ? count++ : count - 1;
        for (; at > 0 && comes_before(tally, column, second, i, places[at - 1]); at--)
            places[at] = places[at - 1];
        places[at] = i;
    }
    return count;
}
