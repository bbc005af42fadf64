/* An mbox as a source: one file of messages, each behind a line "From ". It is only read; what stands behind the place
 * where it was read last time is new, unless the file was begun anew. */
#ifndef COLLECTOR_DESK_MBOX_H
#define COLLECTOR_DESK_MBOX_H

#include "collector/desk/brought.h"

#define MBOX_PLACE 80

/* How many were taken. `place`: how far it was read, empty: not at all; kept with each message. -EMSGSIZE: a message is
 * too long and was passed over, all others were taken; the error says where. A last message that has no empty line
 * behind it is being written: it is left for the next time. */
int mbox_read(const char *path, int most, const char *place, const struct taker *, struct error *) MUST_CHECK;

#endif
