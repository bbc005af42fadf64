/* Which servers take a large share of what is accepted.
 *
 * Who wants to look honest can mail himself: a rented mailbox accepts whatever is sent. So what one server accepts
 * says little once it is more than a quarter of all. The few largest are kept by the counters of Misra and Gries
 * ("Finding repeated elements", 1982), over the last some hundred. */
#ifndef DETECTORS_SHARE_H
#define DETECTORS_SHARE_H

#include <stdbool.h>
#include <stdint.h>

#define SHARE_SERVERS 4
struct share {
    uint32_t servers[SHARE_SERVERS]; /* by their hash; 0: free */
    uint8_t counts[SHARE_SERVERS], all, reserved[3];
};

/* Count one that this server accepted. How many of those that it accepted were counted lately, if they are more than a
 * quarter of all; else 0. Any bytes are taken. */
uint32_t share_count(struct share *, uint32_t server);

#endif
