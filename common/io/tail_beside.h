/* Files beside a source: rotated, copied, compressed. Each is a candidate until it shows what it is: the rest of what
 * we read, a copy to keep, history, or lines that came and went while nobody looked. Part of tail_read. */
#ifndef COMMON_IO_TAIL_BESIDE_H
#define COMMON_IO_TAIL_BESIDE_H

#include "common/io/tail_list.h"

/* Takes the descriptor. */
void tail_beside_add(struct tail_read *reader, const struct tail_found *found, moment now);

/* See what a candidate is. It may be gone from the list afterwards. */
void tail_beside_examine(struct tail_read *reader, struct generation *candidate, moment now);

/* A compressed file ends in damage, or is still being written. It becomes a candidate again. */
void tail_beside_give_back(struct tail_read *reader, struct generation *generation, moment now);

#endif
