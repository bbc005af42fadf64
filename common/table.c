/* A hash table with a fixed number of places, in one piece of memory that holds no pointers.
 *
 *     header | buckets: uint32 each, a power of two of them | places: links, key, value
 *
 * Links are the number of a place, counted from 1, so that zeroed memory is an empty table. A place in use is in the
 * chain of its bucket and in the list by age. Places are given out in order up to a high-water mark, then from the
 * chain of those that were given back: what was never used is never touched. */
#include <string.h>
#include "common/table.h"

#define MAGIC      UINT64_C(0x506f7374726e5431)
#define MOST       (UINT32_C(1) << 31) /* places */
#define SIZE_MOST  (UINT32_C(1) << 31) /* bytes of a key */
#define FREE_PLACE UINT32_MAX          /* in `older`: not in use, `chain` leads to the next free one */

struct table {
    uint64_t magic;
    struct siphash_key key;
    uint32_t places, key_size, value_size;
    uint32_t mask;     /* buckets less one */
    uint32_t value_at; /* where in a place its value begins */
    uint32_t count, high_water, free;
    uint32_t oldest, youngest;
    uint64_t stride; /* from place to place */
    uint64_t first;  /* where in memory the places begin */
};

/* Zeros at a key's end are not hashed: a short key in a wide place costs what it weighs. Two keys of one size that
 * differ differ without them as well. */
static inline size_t weight_of(const void *key, size_t size)
{
    const unsigned char *bytes = key;
    uint64_t word = 0;
    for (; size >= sizeof word; size -= sizeof word) {
        memcpy(&word, bytes + size - sizeof word, sizeof word);
        if (word != 0)
            break;
    }
    return size;
}

/* Links beside the key: a look-up that meets the right place reads one line of the cache. */
struct place {
    uint32_t chain, older, younger;
    uint32_t hash; /* the low half; the bucket is its low bits */
    unsigned char key[];
};

static size_t round_up(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

/* At least half as many buckets again as places: a chain's second place is a second wait for memory. */
static uint64_t bucket_number(uint32_t places)
{
    uint64_t buckets = 2;
    while (buckets < places + (uint64_t)places / 2)
        buckets *= 2;
    return buckets;
}

/* What follows from the shape. Sums stay far below 64 bits: sizes have 32, and buckets are at most 2^32. */
static struct table lay_out(const struct table_shape *shape)
{
    size_t value_at = sizeof(struct place) + round_up(shape->key_size);
    uint64_t buckets = bucket_number(shape->places);
    return (struct table){
        .magic = MAGIC,
        .key = shape->key,
        .places = shape->places,
        .key_size = shape->key_size,
        .value_size = shape->value_size,
        .mask = (uint32_t)(buckets - 1),
        .value_at = (uint32_t)value_at,
        .stride = value_at + round_up(shape->value_size),
        .first = sizeof(struct table) + buckets * sizeof(uint32_t),
    };
}

static inline uint32_t *bucket_of(struct table *table, uint32_t hash)
{
    return (uint32_t *)(table + 1) + (hash & table->mask);
}

static inline struct place *place_of(const struct table *table, uint32_t link)
{
    return (struct place *)(void *)((char *)table + table->first + (link - 1) * table->stride);
}

static inline void *value_of(const struct table *table, struct place *place)
{
    return (char *)place + table->value_at;
}

static inline struct place *place_of_value(const struct table *table, const void *value)
{
    return (struct place *)(void *)((char *)value - table->value_at);
}

/* The link of a place in use stands in its neighbour, which whoever asks is about to change: no division. */
static inline uint32_t link_of(const struct table *table, const struct place *place)
{
    return place->older ? place_of(table, place->older)->younger : table->oldest;
}

size_t table_memory(const struct table_shape *shape)
{
    if (shape->places == 0 || shape->places > MOST || shape->key_size > SIZE_MOST)
        return SIZE_MAX; /* no mapping is that large */
    struct table table = lay_out(shape);
    size_t size;
    if (__builtin_mul_overflow(table.stride, (size_t)shape->places, &size) ||
        __builtin_add_overflow(size, table.first, &size))
        return SIZE_MAX;
    return size;
}

struct table *table_place(void *memory, const struct table_shape *shape)
{
    struct table *table = memory;
    *table = lay_out(shape);
    return table;
}

static inline uint32_t hash_of(const struct table *table, const void *key)
{
    return (uint32_t)siphash(&table->key, key, weight_of(key, table->key_size));
}

static struct place *search(struct table *table, const void *key, uint32_t hash)
{
    for (uint32_t link = *bucket_of(table, hash); link;) {
        struct place *place = place_of(table, link);
        if (place->hash == hash && memcmp(place->key, key, table->key_size) == 0)
            return place;
        link = place->chain;
    }
    return NULL;
}

void *table_find(struct table *table, const void *key)
{
    struct place *place = search(table, key, hash_of(table, key));
    return place ? value_of(table, place) : NULL;
}

static void leave_ages(struct table *table, struct place *place)
{
    if (place->older)
        place_of(table, place->older)->younger = place->younger;
    else
        table->oldest = place->younger;
    if (place->younger)
        place_of(table, place->younger)->older = place->older;
    else
        table->youngest = place->older;
}

static void become_youngest(struct table *table, struct place *place, uint32_t link)
{
    place->older = table->youngest;
    place->younger = 0;
    if (table->youngest)
        place_of(table, table->youngest)->younger = link;
    else
        table->oldest = link;
    table->youngest = link;
}

static void touch(struct table *table, struct place *place)
{
    if (!place->younger)
        return; /* it is the youngest */
    uint32_t link = link_of(table, place);
    leave_ages(table, place);
    become_youngest(table, place, link);
}

void table_touch(struct table *table, void *value)
{
    touch(table, place_of_value(table, value));
}

static void remove_place(struct table *table, struct place *place)
{
    uint32_t link = link_of(table, place);
    uint32_t *from = bucket_of(table, place->hash);
    while (*from != link)
        from = &place_of(table, *from)->chain;
    *from = place->chain;
    leave_ages(table, place);
    place->older = FREE_PLACE;
    place->chain = table->free;
    table->free = link;
    table->count--;
}

void table_remove(struct table *table, void *value)
{
    remove_place(table, place_of_value(table, value));
}

void *table_add(struct table *table, const void *key, bool *added,
                void (*leaving)(void *context, const void *key, void *value), void *context)
{
    uint32_t hash = hash_of(table, key);
    struct place *place = search(table, key, hash);
    *added = !place;
    if (place) {
        touch(table, place);
        return value_of(table, place);
    }
    if (!table->free && table->high_water == table->places) {
        struct place *oldest = place_of(table, table->oldest);
        if (leaving)
            leaving(context, oldest->key, value_of(table, oldest));
        remove_place(table, oldest);
    }
    uint32_t link = table->free ? table->free : table->high_water + 1;
    place = place_of(table, link);
    if (table->free)
        table->free = place->chain;
    else
        table->high_water++;
    uint32_t *bucket = bucket_of(table, hash);
    place->hash = hash;
    place->chain = *bucket;
    *bucket = link;
    memcpy(place->key, key, table->key_size);
    memset(value_of(table, place), 0, table->value_size);
    become_youngest(table, place, link);
    table->count++;
    return value_of(table, place);
}

uint32_t table_count(const struct table *table)
{
    return table->count;
}

void *table_oldest(struct table *table)
{
    return table->oldest ? value_of(table, place_of(table, table->oldest)) : NULL;
}

void *table_younger(struct table *table, const void *value)
{
    uint32_t link = place_of_value(table, value)->younger;
    return link ? value_of(table, place_of(table, link)) : NULL;
}

const void *table_key(const struct table *table, const void *value)
{
    return place_of_value(table, value)->key;
}

uint32_t table_index(const struct table *table, const void *value)
{
    size_t distance = (size_t)((const char *)place_of_value(table, value) - (const char *)place_of(table, 1));
    return (uint32_t)(distance / table->stride);
}

void *table_at(struct table *table, uint32_t index)
{
    if (index >= table->high_water)
        return NULL;
    struct place *place = place_of(table, index + 1);
    return place->older == FREE_PLACE ? NULL : value_of(table, place);
}

/* Every place in use is in the list by age once: each link back must be the way one came, so a place cannot be met
 * twice without a circle, and a circle does not end within `count` steps. */
static bool ages_are_sound(const struct table *table)
{
    uint32_t steps = 0, before = 0;
    for (uint32_t link = table->oldest; link; steps++) {
        if (link > table->high_water || steps == table->count)
            return false;
        const struct place *place = place_of(table, link);
        if (place->older != before)
            return false;
        before = link;
        link = place->younger;
    }
    return steps == table->count && table->youngest == before;
}

/* Every place in use is in its own bucket's chain. A place belongs to one bucket alone, and its hash is its key's. */
static bool chains_are_sound(struct table *table)
{
    uint32_t steps = 0;
    for (uint64_t bucket = 0; bucket <= table->mask; bucket++) {
        for (uint32_t link = *bucket_of(table, (uint32_t)bucket); link; steps++) {
            if (link > table->high_water || steps == table->count)
                return false;
            const struct place *place = place_of(table, link);
            if (place->older == FREE_PLACE || (place->hash & table->mask) != bucket ||
                place->hash != hash_of(table, place->key))
                return false;
            link = place->chain;
        }
    }
    return steps == table->count;
}

/* All others below the high-water mark are marked as free and in the chain of the free. */
static bool free_places_are_sound(const struct table *table)
{
    uint32_t marked = 0, steps = 0;
    for (uint32_t link = 1; link <= table->high_water; link++)
        marked += place_of(table, link)->older == FREE_PLACE;
    if (marked != table->high_water - table->count)
        return false;
    for (uint32_t link = table->free; link; steps++) {
        if (link > table->high_water || steps == marked || place_of(table, link)->older != FREE_PLACE)
            return false;
        link = place_of(table, link)->chain;
    }
    return steps == marked;
}

struct table *table_adopt(void *memory, size_t size, const struct table_shape *shape)
{
    struct table *table = memory;
    if (size < sizeof *table || table_memory(shape) > size)
        return NULL;
    struct table wanted = lay_out(shape);
    if (table->magic != wanted.magic || table->places != wanted.places || table->key_size != wanted.key_size ||
        table->value_size != wanted.value_size || table->mask != wanted.mask || table->value_at != wanted.value_at ||
        table->stride != wanted.stride || table->first != wanted.first)
        return NULL;
    if (table->high_water > table->places || table->count > table->high_water)
        return NULL;
    return ages_are_sound(table) && chains_are_sound(table) && free_places_are_sound(table) ? table : NULL;
}
