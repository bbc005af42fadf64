/* Who is connected, and how long each may take. A connection on which nobody has shown a good secret is a stranger's:
 * strangers may hold half of the places, and when more come the one that has been there longest goes. So a crowd that
 * says nothing takes no place from nodes that are known, and a node that comes anew has the time that it needs. */
#ifndef COLLECTOR_API_CONNECTIONS_H
#define COLLECTOR_API_CONNECTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include "common/moment.h"

struct connection {
    struct connection *next, **before; /* among the known, or among the strangers by how long they are there */
    int descriptor;
    bool known;
    duration deadline; /* steady; 0: it waits for us */
};

struct connections {
    struct connection *known;
    struct connection *strangers, **newest; /* the oldest, and where the next one goes */
    uint32_t count, stranger_count;
    uint32_t most;
};

/* `most`: the places that there are. */
void connections_init(struct connections *, uint32_t most);
/* NULL: no memory. Returns the connections that were ended for it in `*ended` (0 or 1). */
struct connection *connections_add(struct connections *, int descriptor, duration deadline, uint32_t *ended);
void connections_remove(struct connections *, struct connection *);
/* A good secret was shown on it. */
void connections_know(struct connections *, struct connection *);
/* Ends those whose time is over; returns how many. */
uint32_t connections_end_late(struct connections *, duration now);
/* Whether one is still at something that ends before `end`. */
bool connections_busy(const struct connections *, duration end);

#endif
