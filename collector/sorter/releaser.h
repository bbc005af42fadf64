/* The thread that sends what people release from the quarantine: a store of its own, one message at a time. */
#ifndef COLLECTOR_SORTER_RELEASER_H
#define COLLECTOR_SORTER_RELEASER_H

#include "collector/quarantine/packing.h"
#include "collector/quarantine/quarantine.h"
#include "common/error.h"

struct releaser;
/* All is borrowed but `where`, the store's place as store_open() takes it. `forget`: how long what was released stays
 * on record. */
int releaser_create(const char *where, const struct quarantine_settings *, const struct packing_keys *, duration forget,
                    struct releaser **result, struct error *) MUST_CHECK;
void releaser_destroy(struct releaser **); /* after the message that is under way */

#endif
