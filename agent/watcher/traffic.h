/* What senders did, minute by minute, for the collector's charts: counts since the last report of those that did most,
 * and the sum of the rest. */
#ifndef AGENT_WATCHER_TRAFFIC_H
#define AGENT_WATCHER_TRAFFIC_H

#include "agent/message/message.h"
#include "agent/sender/senders.h"

#define TRAFFIC_SENDERS 256 /* told one by one */

struct traffic {
    moment last;    /* when it was told; 0: not yet */
    uint32_t count; /* of chosen */
    struct {
        struct sender_record *record;
        uint64_t activity;
    } chosen[TRAFFIC_SENDERS]; /* a heap, the one that did least on top */
};

/* Choose who is told, and the sum of all others that did anything. What is chosen or summed counts as told. A sender
 * that gave way to others since the last time is in neither. Returns how many messages are in `result`. */
uint32_t traffic_collect(struct traffic *, struct senders *, moment now, union message result[TRAFFIC_SENDERS + 1]);

#endif
