/* How a generation ends, and what is done when its file was cut: what was not read yet is sought in a copy, and what
 * nobody finds is counted. Part of tail_read. */
#ifndef COMMON_IO_TAIL_CUT_H
#define COMMON_IO_TAIL_CUT_H

#include "common/io/tail_list.h"

/* Hand on what the window holds. `last`: nothing comes behind it. */
void tail_cut_hand_on(struct tail_read *reader, struct generation *generation, bool last);

/* It is read to its end. A file without a name stays open: nobody could hand it out again if its writer goes on. */
void tail_cut_finish(struct tail_read *reader, struct generation *generation);

/* What was looked for is nowhere. */
void tail_cut_give_up(struct tail_read *reader, struct generation *generation);

/* Act on what generation_look() said. */
void tail_cut_heed(struct tail_read *reader, struct generation *generation, enum generation_look look, moment now);

/* Look at each file that stands under a name. */
void tail_cut_look_round(struct tail_read *reader, moment now);

#endif
