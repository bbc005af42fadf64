/* Records that several answers about the fleet have. */
#ifndef COLLECTOR_API_FLEET_H
#define COLLECTOR_API_FLEET_H

#include "collector/api/lines.h"

/* The members of a `sender` record, but for "record". */
void fleet_put_sender(struct json *, const struct store_sender *);
/* Adds an `order` record: what stands on a node. `context`: struct lines. */
void fleet_add_order(void *context, const struct store_order *);

#endif
