/* The courier's part in content filtering: messages that the watcher hands over go to the centre, what filters there
 * say of them goes to the watcher. All of it only where there is a collector. */
#ifndef AGENT_COURIER_FILTERING_H
#define AGENT_COURIER_FILTERING_H

#include "agent/courier/courier.h"

int filtering_begin(struct courier *, const char *state, struct error *) MUST_CHECK;
void filtering_end(struct courier *);

/* [samples] of a bundle (agent/message/bundle.h), borrowed. The folder is opened once that is known: its bounds say
 * what of it stays, and whether any of it may leave the node. */
int filtering_configure(struct courier *, int bundle, struct error *) MUST_CHECK;
/* MESSAGE_SAMPLE; the descriptor is borrowed. */
void filtering_take(struct courier *, const struct message_sample *, int descriptor);
/* True: it was the watcher's answer to an opinion. */
bool filtering_answered(struct courier *, const union message *);
/* The watcher is a new one; it has time to hear opinions. */
void filtering_meet(struct courier *);
void filtering_tell(struct courier *);

/* The uplink's, over a struct courier. */
bool filtering_has_room(void *courier);
void filtering_hear(void *courier, const struct filtered_list *);

#endif
