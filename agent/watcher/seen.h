/* Messages that were read on the wire lately, so that one of which a milter tells and no log does is not counted twice.
 * The same bytes are the same message; so is, within seconds, the same text from the same sender's address: what a mail
 * server sends on has lines of its own at the top. Fixed memory; the oldest gives way. */
#ifndef AGENT_WATCHER_SEEN_H
#define AGENT_WATCHER_SEEN_H

#include "common/words/observation.h"

#define SEEN_MOST    1024
#define SEEN_LONGEST (30 * SECOND)

struct seen {
    uint32_t next;
    struct seen_message {
        moment time;
        uint64_t digest[2], sender; /* the sender's is of its address alone */
        struct likeness likeness;
    } messages[SEEN_MOST];
};

void seen_note(struct seen *, const struct observation *message); /* one that was read whole */
/* Whether such a one was noted; each answers for one message, for whoever sends one text a hundred times is to be
 * counted a hundred times. */
bool seen_take(struct seen *, const struct observation *message);

#endif
