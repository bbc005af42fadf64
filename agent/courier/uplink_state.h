/* The uplink as its own parts see it: uplink.c, which makes the node known and holds it together, uplink_deliver.c and
 * uplink_directives.c. */
#ifndef AGENT_COURIER_UPLINK_STATE_H
#define AGENT_COURIER_UPLINK_STATE_H

#include "agent/courier/fleet_news.h"
#include "agent/courier/setback.h"
#include "agent/courier/standing.h"
#include "agent/courier/uplink.h"
#include "common/io/http_client.h"

#define UPLINK_PATIENCE (60 * SECOND)

struct uplink {
    const struct log *log;
    const struct collector *collector;
    struct spool *spool;
    struct uplink_listener listener;
    struct http_client *http;
    sd_event_source *pause, *carry_again;
    char name[65], node[SPOOL_NODE], secret[SPOOL_SECRET];
    struct standing standing;
    bool pausing;
    int enrolling, delivering, polling; /* numbers of requests; 0: none */
    uint32_t most, batch;               /* records in the next batch, in the one under way */
    int64_t last;                       /* its last sequence */
    uint32_t doubts;                    /* how often the record that is alone in it was refused */
    struct setback setback;
    struct directives directives;
    uint32_t next; /* of these */
    bool carrying;
    int64_t revision; /* asked behind next */
    int64_t news;     /* the same of news of the fleet */
    /* All news that held when we began have been asked for: from now on they are waited for, and those that relays
     * follow, if one does. */
    bool caught_up, following;
    bool no_news; /* the centre's make no sense: they are not asked for */
};

/* uplink.c: whatever an answer means, one of these is called, and then uplink_go() where no pause has begun */
void uplink_well(struct uplink *);
void uplink_fail(struct uplink *, const char *why);
/* For every answer that is none of those that a request looks for. */
void uplink_other_answer(struct uplink *, const struct http_answer *);
void uplink_say(struct uplink *, uint8_t severity, const char *text); /* empty: nothing */
/* The request's number; 0: it could not be sent, and a pause has begun. */
int uplink_send(struct uplink *, const struct http_request *, const char *path,
                void (*done)(void *, const struct http_answer *));

/* uplink_deliver.c */
void uplink_deliver(struct uplink *);

/* uplink_directives.c */
void uplink_poll(struct uplink *);
int uplink_carry_again(sd_event_source *, uint64_t, void *uplink);

#endif
