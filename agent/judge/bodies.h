/* The bodies that this node's senders sent lately, near-identical ones as one, and who sent how much of each.
 *
 * Memory is fixed: the body that was not seen for longest gives way, about. It is empty after a start: what was before
 * is not known then, which `alike.watched` says. */
#ifndef AGENT_JUDGE_BODIES_H
#define AGENT_JUDGE_BODIES_H

#include "common/moment.h"
#include "common/words/alike.h"
#include "common/words/observation.h"
#include "common/words/sender.h"

#define BODIES_MOST 4096
/* Bodies that have so much in common are one, in hundredths. Different mail hardly ever reaches 20; mails of one
 * template with different goods or articles in it do. */
#define BODIES_LEAST_SHARE 45

struct bodies;                      /* 1.9 megabytes */
struct bodies *bodies_create(void); /* NULL: no memory */
void bodies_destroy(struct bodies **);

/* Count that message, an OBSERVATION_MESSAGE of that sender, and say who else sent such a one. Only accepted messages
 * are counted. False: nothing is known of it, because its likeness is not. */
bool bodies_count(struct bodies *, const struct observation *, const struct sender *, struct alike *result);
/* What other nodes may want to know of the message that was counted last: true when its sender's recipients have
 * reached `least`, at each doubling, and anew in every half hour. */
struct bodies_news {
    struct likeness likeness; /* of the first such message: the same for all that are near-identical */
    uint32_t domains, recipients, messages;
    bool known;
};
bool bodies_tell(struct bodies *, uint32_t least, struct bodies_news *result);
/* The clock was set back by so much. */
void bodies_shift(struct bodies *, duration by);

#endif
