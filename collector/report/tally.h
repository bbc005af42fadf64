/* Counting by name, of names that strangers choose: a bounded number of them, each with some columns of sums. Names are
 * looked up by a keyed hash; what is told of them depends on the numbers and the names alone. */
#ifndef COLLECTOR_REPORT_TALLY_H
#define COLLECTOR_REPORT_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/siphash.h"
#include "common/text.h"

#define TALLY_COLUMNS 16
#define TALLY_NONE    SIZE_MAX

struct tally;

/* NULL: no memory. */
struct tally *tally_create(const struct siphash_key *, size_t names_most);
void tally_destroy(struct tally **);

/* The place of a name, which it keeps; a new one has zeros. TALLY_NONE: there is no room for another. */
size_t tally_place(struct tally *, struct text name);
/* TALLY_NONE: it is not there. */
size_t tally_find(const struct tally *, struct text name);
/* The sums of a place; valid until the next tally_place(). */
int64_t *tally_sums(struct tally *, size_t place);
struct text tally_name(const struct tally *, size_t place); /* valid until the next tally_place() */
size_t tally_count(const struct tally *);
bool tally_is_full(const struct tally *); /* names were left out */
/* Short for a name's one sum; what finds no room is left out. */
void tally_add(struct tally *, struct text name, size_t column, int64_t amount);

/* The places with most in `column`, and of those with as much, most in `second`, then by name; none with 0 in `column`.
 * How many were written to `places`. */
size_t tally_top(const struct tally *, size_t column, size_t second, size_t *places, size_t most);

#endif
