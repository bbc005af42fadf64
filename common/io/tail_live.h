/* What stands under the name of a source: a new generation, or one that is known and goes on. Part of tail_read. */
#ifndef COMMON_IO_TAIL_LIVE_H
#define COMMON_IO_TAIL_LIVE_H

#include "common/io/tail_list.h"

/* It stands there now. Takes the descriptor. */
void tail_live_add(struct tail_read *reader, const struct tail_found *found, moment now);

/* It does so no more, and is read to its end. */
void tail_live_end(struct tail_read *reader, const struct tail_found *found, moment now);

#endif
