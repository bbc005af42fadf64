/* A hash table with a fixed number of places in which the oldest gives way.
 *
 * It lives in one piece of memory that the caller owns and holds no pointers, only indices: it may stand in shared
 * memory and be found again, at another address, by the process that comes after. Untouched places cost no resident
 * memory where the caller's memory is fresh from the kernel. */
#ifndef COMMON_TABLE_H
#define COMMON_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/siphash.h"

struct table; /* the caller's memory, seen as a table */

struct table_shape {
    uint32_t places;     /* 1 to 2^31 */
    uint32_t key_size;   /* bytes, compared whole: pad with zeros */
    uint32_t value_size; /* bytes; values are aligned to 8 */
    struct siphash_key key;
};

/* Bytes of memory that a table of that shape needs; SIZE_MAX where there can be no such table. */
size_t table_memory(const struct table_shape *);

/* Make an empty table in `memory` (zeroed, aligned to 8, table_memory() bytes). */
struct table *table_place(void *memory, const struct table_shape *);

/* Find a table that an earlier process placed: NULL where shape or inner links are not sound. The hash key is the one
 * found in memory. Every link is checked, so torn or hostile memory cannot lead outside. */
struct table *table_adopt(void *memory, size_t size, const struct table_shape *);

void *table_find(struct table *, const void *key); /* the value, or NULL; its age does not change */
void table_touch(struct table *, void *value);     /* now the youngest */

/* The value under `key`, new and zeroed where there was none (`*added`). It becomes the youngest. A full table gives up
 * its oldest: `leaving` (may be NULL) is called with it before it is overwritten. Never NULL. */
void *table_add(struct table *, const void *key, bool *added,
                void (*leaving)(void *context, const void *key, void *value), void *context);
void table_remove(struct table *, void *value);

uint32_t table_count(const struct table *);
void *table_oldest(struct table *);                     /* NULL when empty */
void *table_younger(struct table *, const void *value); /* the next in order of age; NULL after the youngest */
const void *table_key(const struct table *, const void *value);
uint32_t table_index(const struct table *, const void *value); /* its place, stable while it lives */
void *table_at(struct table *, uint32_t index);                /* NULL where that place is free or out of range */

#endif
