/* The exporter: for each page of metrics it asks the warden and the watcher what they count, and prints all of it. Who
 * does not answer in time is left out, and the page says so. */
#ifndef AGENT_COURIER_EXPORTER_H
#define AGENT_COURIER_EXPORTER_H

#include "agent/courier/courier.h"

/* `listener` is a listening TCP socket, borrowed, as the courier is. */
int exporter_open(struct courier *, int listener, struct exporter **result, struct error *) MUST_CHECK;
void exporter_close(struct exporter **);
/* True: it was an answer to us. */
bool exporter_take(struct exporter *, const union message *);
void exporter_tick(struct exporter *, duration steady); /* once a second */

#endif
