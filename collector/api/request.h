/* A request as the server holds it: its exchange, its connection, and what it holds of what is bounded. Here its head
 * is read and its answer sent; what happens between is the server's. */
#ifndef COLLECTOR_API_REQUEST_H
#define COLLECTOR_API_REQUEST_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include "collector/api/connections.h"
#include "collector/api/endpoint.h"

struct request {
    struct exchange exchange;
    struct MHD_Connection *way;
    struct connection *connection; /* may be NULL */
    struct request *next_waiting, **before_waiting;
    duration until;        /* how long it waits for news */
    size_t body, prepared; /* bytes counted for it, of all that may be held */
    bool suspended, done;
};

/* Reads the head. What is refused by it alone has its answer (exchange.status) already. `certified`: a node must bring
 * a certificate. NULL: no memory. */
struct request *request_begin(struct MHD_Connection *, const char *method, const char *url, const struct means *,
                              bool certified);
void request_free(struct request *);
/* The most bytes that its body can have: as its head says, or as its endpoint allows. */
size_t request_body_most(const struct request *);
/* Gives the answer to the library; the exchange has it no more. */
enum MHD_Result request_send(struct request *);

#endif
