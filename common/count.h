/* How many distinct values: exact up to 256, HyperLogLog (Flajolet et al., 2007) with 2,048 registers beyond, standard
 * error 1.04/sqrt(2048) = 2.3 %.
 *
 * A count of up to three values stands in the struct itself; beyond, it takes a place of half a kilobyte, and beyond 48
 * values one of two, from a pool that the caller owns. The pool holds no pointers and may stand in shared memory.
 * Values are given as 64-bit hashes. */
#ifndef COMMON_COUNT_H
#define COMMON_COUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUNT_SKETCHED UINT32_MAX
struct count {
    uint64_t few[3]; /* values; once sketched: what keeps reading and adding cheap */
    uint32_t number; /* exact values held, or COUNT_SKETCHED */
    uint32_t place;  /* 1 + index in the pool, and a bit for the small ones; 0: none */
};

struct count_pool;
#define COUNT_POOL_MOST (UINT32_C(1) << 24) /* places of 2 KB; a quarter of them is cut into four small ones each */
size_t count_pool_memory(uint32_t places);
struct count_pool *count_pool_place(void *memory, uint32_t places);
struct count_pool *count_pool_adopt(void *memory, size_t size, uint32_t places); /* NULL where not sound */
uint32_t count_pool_free(const struct count_pool *);                             /* in places of 2 KB */
uint64_t count_pool_refused(const struct count_pool *); /* additions lost because no place was free */

/* For who finds counts in memory that another process left: whether one can be believed, but for the question whether
 * another has the same place. The place is told in quarters of 2 KB, from 0 to 4 * places - 1: where it begins, and how
 * many (0: it has none). */
bool count_is_sound(const struct count_pool *, const struct count *, uint32_t *from, uint32_t *quarters);

void count_add(struct count_pool *, struct count *, uint64_t hash);
uint64_t count_value(const struct count_pool *, const struct count *);
void count_clear(struct count_pool *, struct count *); /* gives the place back */

#endif
