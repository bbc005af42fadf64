/* The uplink: the node's side of the collector's protocol. It makes the node known, sends what the spool holds and
 * forgets what was confirmed, asks what the centre wants done and says what became of that, and asks what it knows of
 * other nodes. Whatever goes wrong on the way costs time, never a record: the next address, and longer and longer
 * pauses. */
#ifndef AGENT_COURIER_UPLINK_H
#define AGENT_COURIER_UPLINK_H

#include <systemd/sd-event.h>
#include "agent/courier/collector.h"
#include "agent/courier/directive.h"
#include "agent/courier/filtered.h"
#include "agent/courier/fleet_news.h"
#include "agent/courier/samples.h"
#include "agent/courier/spool.h"
#include "common/io/log.h"

struct uplink_listener {
    void *context;
    /* Carry it out as a person's command and call uplink_carried_out(), now or later. One at a time. */
    void (*carry_out)(void *context, const struct directive *);
    /* Something a person should read. `severity`: 0 news, 1 warning, 2 trouble. */
    void (*event)(void *context, uint8_t severity, const char *text);
    /* What the centre knows of the fleet; borrowed for the call. The same may come again. */
    void (*told)(void *context, const struct fleet_news *);
    /* For relays that follow the orders of all nodes. Whether standings are wanted now, which may change, and behind
     * which number: what is kept of them is known up to there. Asked once all other news are known. */
    bool (*follows)(void *context, int64_t *after);
    /* All standings up to that number were told; 0: the centre begins anew, what it told before holds no more. */
    void (*followed)(void *context, int64_t number);
    /* Whether there is room for what content filters said of this node's messages, and they; borrowed for the call. */
    bool (*has_room)(void *context);
    void (*filtered)(void *context, const struct filtered_list *);
};

struct uplink;
/* Collector, spool, samples and log are borrowed. Nothing is sent before the first uplink_go(). */
int uplink_create(sd_event *, const struct collector *, struct spool *, struct samples *, const struct log *,
                  const struct uplink_listener *, struct uplink **result, struct error *) MUST_CHECK;
void uplink_destroy(struct uplink **);

/* Begin what can be begun: call after each commit of the spool. */
void uplink_go(struct uplink *);
/* Bytes of messages a second, at most; 0: no bound. */
void uplink_set_bandwidth(struct uplink *, uint64_t bandwidth);

enum uplink_outcome {
    UPLINK_DONE,
    UPLINK_NOT_DONE, /* it cannot be done here: the centre is told why */
    UPLINK_LATER     /* whoever should do it does not answer: it is tried again */
};
void uplink_carried_out(struct uplink *, enum uplink_outcome, const char *text);

bool uplink_is_connected(const struct uplink *);
/* What else its line of `postern status` says; the troubles: empty, nothing is wrong. */
struct fleet;
struct opinions;
struct uplink_beside {
    const struct fleet *fleet;
    const struct opinions *opinions;
    const char *spool_trouble, *samples_trouble;
};
bool uplink_answer_status(const struct uplink *, const struct uplink_beside *, struct buffer *);

#endif
