/* A conversation in an event loop: reads what comes, queues what cannot be sent yet, in order, within a bound.
 *
 * News may be lost when the other side is behind, and is counted; what must arrive waits. A receiver that lets more
 * than the bound of such messages pile up has stopped working: the conversation ends. */
#ifndef AGENT_MESSAGE_TALK_H
#define AGENT_MESSAGE_TALK_H

#include <systemd/sd-event.h>
#include "agent/message/message.h"

struct talk;

struct talk_listener {
    void *context;
    /* `descriptor` (-1: none) is the listener's now. It may close the conversation. */
    void (*message)(void *context, const union message *, int descriptor);
    /* The other side is gone, broke the rules or fell behind; called once; the conversation says nothing more. */
    void (*ended)(void *context, const struct error *);
};

enum talk_weight { TALK_NEWS, TALK_MUST };

/* Takes the channel's descriptor, on failure too. `most`: messages that wait; of these, news may fill one half. */
int talk_open(sd_event *, struct channel, const struct talk_listener *, uint32_t most, struct talk **,
              struct error *) MUST_CHECK;
void talk_close(struct talk **);
/* Takes `descriptor` (-1: none). False: it was lost. */
bool talk_say(struct talk *, const union message *, int descriptor, enum talk_weight);
bool talk_plain(struct talk *, enum message_kind, uint32_t question, enum talk_weight); /* a message without fields */
bool talk_has_room(const struct talk *, uint32_t messages);                             /* for so many pieces of news */
uint64_t talk_lost(const struct talk *);
uint32_t talk_waiting(const struct talk *);

#endif
