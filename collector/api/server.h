/* The HTTP server: libmicrohttpd in an sd-event loop, one thread for all connections. A request that needs the store
 * is suspended until a worker has answered it; one that waits for news is suspended until there is some. */
#ifndef COLLECTOR_API_SERVER_H
#define COLLECTOR_API_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include "collector/store/store.h"
#include "common/error.h"
#include "common/io/log.h"
#include "common/moment.h"

struct server_settings {
    const char *address;                       /* "127.0.0.1:8025", "[::1]:8025" */
    const char *store;                         /* as store_open() takes it */
    const char *certificate, *key, *authority; /* PEM, the text of the files; NULL: no TLS, or nodes bring none */
    struct store_retention keep;
    const struct means *means; /* borrowed: means.h */
    uint32_t connections, connections_per_address;
    size_t bodies;             /* bytes of bodies that may be held at once, of all connections */
    duration head, idle, body; /* for a request's head; between requests; for a body or an answer to pass */
};

struct means;
struct server;
int server_create(sd_event *, const struct server_settings *, const struct log *, struct server **result,
                  struct error *) MUST_CHECK;
/* Takes no more requests, commits what is queued, answers who waits, and ends. */
void server_destroy(struct server **);
uint16_t server_port(const struct server *); /* where it listens: for a port that the kernel chose */

#endif
