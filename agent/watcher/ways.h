/* By which ways senders' mail came: programs that held connections, scripts and directories that a mail server logged,
 * addresses that an account was logged in to from. They weigh nothing; whoever reads why a sender was stopped wants to
 * know where to look. A few of each sender, the latest first; bounded, and nobody's many push out another's few. */
#ifndef AGENT_WATCHER_WAYS_H
#define AGENT_WATCHER_WAYS_H

#include <stdint.h>
#include "common/moment.h"
#include "common/text.h"
#include "common/words/sender.h"

#define WAYS_MOST       512
#define WAYS_PER_SENDER 4
#define WAY_TEXT        160

enum way_kind { WAY_PROGRAM, WAY_SUBMITTED };

struct way {
    struct sender sender;
    moment time; /* when it was seen last */
    enum way_kind kind;
    char text[WAY_TEXT], command[WAY_TEXT]; /* printable; the command line, empty: none */
};

struct ways {
    struct way items[WAYS_MOST]; /* the latest first */
    uint32_t count;
};

/* What begins with the same `same` bytes of text is the same way, seen again. Texts are made printable and cut. */
void ways_add(struct ways *, const struct way *, size_t same);
/* The sender's latest (0), the one before; NULL: there are no more. */
const struct way *ways_of(const struct ways *, const struct sender *, uint32_t number);

#endif
