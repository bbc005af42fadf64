/* What a person asks of the agent: one JSON object a line over the control socket. The parser sees bytes from anyone
 * who may open the socket and trusts none of them. */
#ifndef AGENT_COURIER_REQUEST_H
#define AGENT_COURIER_REQUEST_H

#include <stdbool.h>
#include <stdint.h>
#include "common/error.h"
#include "common/moment.h"
#include "common/text.h"
#include "common/words/order.h"
#include "common/words/sender.h"

enum request_kind {
    REQUEST_STATUS,
    REQUEST_SENDERS,
    REQUEST_CUSTOMERS,
    REQUEST_EXPLAIN,
    REQUEST_EVENTS,
    REQUEST_ORDERS,
    REQUEST_COMMAND, /* block, throttle, divert, allow, release */
    REQUEST_ENFORCE,
    REQUEST_SETTINGS, /* the centre's alone: no person asks so */
    REQUEST_KINDS
};

#define REQUEST_LINE_MOST 4096
#define REQUEST_ROWS_MOST 10000
#define REQUEST_WHY       160

struct request {
    enum request_kind kind;
    struct sender sender; /* EXPLAIN, COMMAND */
    enum deed deed;       /* COMMAND */
    duration length;      /* COMMAND: how long; 0: the default for the deed */
    uint32_t rate;        /* COMMAND throttle: connections a minute; 0: the configured one */
    char why[REQUEST_WHY];
    uint32_t most;        /* SENDERS, CUSTOMERS */
    moment since;         /* EVENTS */
    bool follow;          /* EVENTS */
    bool on;              /* ENFORCE */
    int64_t revision;     /* SETTINGS */
    struct text settings; /* SETTINGS: borrowed */
};

/* Read {"command":"block","sender":"203.0.113.7","for":"1h","reason":"..."} and its like. The error's sentence says
 * what is wrong and what is allowed. */
int request_parse(struct text line, struct request *result, struct error *) MUST_CHECK;

#endif
