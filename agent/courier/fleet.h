/* What the courier keeps of the fleet for the watcher: campaigns, and customers with points elsewhere. A watcher that
 * is started anew knows none of it, and one that is busy takes no more than so many at once; so all that holds is kept
 * here, bounded, with whether it was told. No descriptor, no clock. */
#ifndef AGENT_COURIER_FLEET_H
#define AGENT_COURIER_FLEET_H

#include <stdbool.h>
#include "agent/courier/fleet_news.h"
#include "agent/message/message.h"

#define FLEET_CAMPAIGNS_MOST 1024
#define FLEET_CUSTOMERS_MOST 4096

struct fleet;
struct fleet *fleet_create(void); /* NULL: no memory */
void fleet_destroy(struct fleet **);

/* In place of what was known of the same campaign or customer. Where there is no room, what ends first gives way. */
void fleet_take(struct fleet *, const struct fleet_news *, moment now);
/* The watcher is a new one: all must be told. */
void fleet_begin(struct fleet *);
/* The next message for the watcher; false: all was told. */
bool fleet_next(struct fleet *, union message *);
/* That message could be sent. What is over is forgotten then. */
void fleet_told(struct fleet *, moment now);

struct fleet_counters {
    uint32_t campaigns, customers; /* that hold */
};
struct fleet_counters fleet_counters(const struct fleet *, moment now);

#endif
