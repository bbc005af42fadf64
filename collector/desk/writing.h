/* What was read of one arrival becomes rows of complaints, of which the senders' nodes are told. */
#ifndef COLLECTOR_DESK_WRITING_H
#define COLLECTOR_DESK_WRITING_H

#include "collector/complaint/complaint.h"
#include "collector/desk/desk.h"
#include "collector/store/store.h"

/* Inside of a transaction of the caller's. 1: written; 0: somebody else has. */
int writing_write(struct store *, const struct desk_settings *, const char *arrival, const struct complaints *,
                  moment now, struct error *) MUST_CHECK;

#endif
