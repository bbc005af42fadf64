/* GET /metrics: where Prometheus reads what the agent counts. Bounded in connections, in a head's length and in time.
 * Knows nothing of what is counted: who asks waits until there is a page, and all who wait get the same one. */
#ifndef AGENT_COURIER_SCRAPE_H
#define AGENT_COURIER_SCRAPE_H

#include <systemd/sd-event.h>
#include "common/error.h"
#include "common/moment.h"
#include "common/text.h"

#define SCRAPE_CONNECTIONS 16
#define SCRAPE_LIFETIME    (15 * SECOND) /* of a connection, whatever happens on it */

struct scrape_listener {
    void *context;
    void (*asked)(void *context); /* somebody waits for a page, and nobody did before: scrape_answer() is due */
};

struct scrape;
/* `listener` is a listening TCP socket, borrowed. */
int scrape_open(sd_event *, int listener, const struct scrape_listener *, struct scrape **result,
                struct error *) MUST_CHECK;
void scrape_close(struct scrape **);
/* Everybody who waits gets this page; of no bytes: there is none now. */
void scrape_answer(struct scrape *, struct text page);
void scrape_tick(struct scrape *, duration steady); /* about once a second */

#endif
