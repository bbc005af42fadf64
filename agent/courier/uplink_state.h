/* The uplink as its own parts see it: uplink.c, which makes the node known and holds it together, uplink_deliver.c,
 * uplink_directives.c and uplink_samples.c. */
#ifndef AGENT_COURIER_UPLINK_STATE_H
#define AGENT_COURIER_UPLINK_STATE_H

#include "agent/courier/fleet_news.h"
#include "agent/courier/setback.h"
#include "agent/courier/standing.h"
#include "agent/courier/uplink.h"
#include "common/io/http_client.h"

#define UPLINK_PATIENCE (60 * SECOND)

/* How messages are sent. What goes wrong with them is theirs alone: records and directives go on. */
struct upload {
    int number; /* of the request; 0: none is under way */
    struct sample_name name;
    uint64_t bytes, bandwidth;
    uint32_t refusals, failures; /* of this message, one behind the other; of any, the same */
    duration rest, paid;         /* steady: nothing is sent before; up to when the bandwidth was used */
    struct setback setback;      /* the centre takes none, one behind the other */
    bool told;                   /* that it does not go well */
    char trouble[240];           /* empty: it does */
};

struct uplink {
    const struct log *log;
    const struct collector *collector;
    struct spool *spool;
    struct samples *samples;
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
    struct upload upload;
    struct directives directives;
    uint32_t next; /* of these */
    bool carrying;
    int64_t revision; /* asked behind next */
    int64_t news;     /* the same of news of the fleet */
    /* All news that held when we began have been asked for: from now on they are waited for, and those that relays
     * follow, if one does. */
    bool caught_up, following;
    bool no_news;     /* the centre's make no sense: they are not asked for */
    int64_t filtered; /* asked behind: opinions of content filters */
    bool no_filtered; /* as no_news */
    bool crowded;     /* there was no room for them when the question was asked that is under way */
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

/* uplink_samples.c */
void uplink_upload(struct uplink *);
struct json;
void uplink_answer_samples(const struct uplink *, const char *samples_trouble, struct json *);

/* uplink_directives.c */
void uplink_poll(struct uplink *);
int uplink_carry_again(sd_event_source *, uint64_t, void *uplink);

#endif
