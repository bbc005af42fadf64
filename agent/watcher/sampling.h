/* Messages for the centre's filters: which are kept (agent/sample), whose they are, and how they reach the courier, as
 * sealed memory. While packets are looked at nothing is done but copying; what costs system calls is done once a batch,
 * for the few that the budget lets through.
 *
 * A message that was taken waits for its observation to be judged, for only then it is known whose it is: the warden
 * knows the user, a log the account. */
#ifndef AGENT_WATCHER_SAMPLING_H
#define AGENT_WATCHER_SAMPLING_H

#include "agent/judge/judge.h"
#include "agent/message/message.h"
#include "agent/packet/session.h"
#include "agent/sample/budget.h"
#include "agent/sender/senders.h"

#define SAMPLING_WAITING  128          /* messages that wait to be judged; beyond, the oldest is told as it is known */
#define SAMPLING_PATIENCE (8 * SECOND) /* longer than owners.h and pairing.h have them wait */

struct sampling_listener {
    void *context;
    /* `memory` is the listener's. False: it could not be told, and is lost. */
    bool (*sample)(void *context, const union message *, int memory);
};

struct sampling_counters {
    uint64_t kept;    /* messages that were copied while they came by */
    uint64_t told;    /* of these, handed to the courier */
    uint64_t bytes;   /* of their content */
    uint64_t lost;    /* of these, that could not be: the courier was behind, or memory was short */
    uint64_t crowded; /* messages that gave way to newer ones before they were answered */
    uint64_t held;    /* bytes of content now */
};

struct sampling;
/* Judge, senders and path are borrowed and must outlive it. */
struct sampling_house {
    const struct judge *judge;
    struct senders *senders;
    struct smtp_samples *samples;
};
int sampling_create(const struct samples_settings *, const struct sampling_listener *, const struct siphash_key *,
                    struct sampling **, struct error *) MUST_CHECK;
void sampling_destroy(struct sampling **);
void sampling_reload(struct sampling *, const struct samples_settings *);
void sampling_set_house(struct sampling *, const struct sampling_house *);

/* Content begins. False: it goes by, whosever it is. */
bool sampling_may_ask(struct sampling *, moment);
/* ... of this sender's: see struct smtp_sampler. */
uint32_t sampling_wanted(struct sampling *, const struct sender *, moment, uint8_t *note);
/* It was answered; `sender` as far as it is known. The number for its observation; 0: it is not sent in. */
uint32_t sampling_take(struct sampling *, const struct smtp_sampled *, const struct observation *,
                       const struct sender *sender);
/* Its observation is judged as this sender's, or is nobody's (NULL). */
void sampling_settle(struct sampling *, uint32_t number, const struct sender *);
/* Tell of those that are settled. Not while observations wait to be judged. */
void sampling_flush(struct sampling *);
void sampling_tick(struct sampling *, moment now); /* those that waited for too long are settled */
struct sampling_counters sampling_counters(const struct sampling *);

#endif
