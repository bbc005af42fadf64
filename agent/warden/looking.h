/* Looking for the programs of users takes milliseconds, so it is done for examples only: of one user once in a while.
 */
#ifndef AGENT_WARDEN_LOOKING_H
#define AGENT_WARDEN_LOOKING_H

#include "agent/message/message.h"

#define LOOKING_MOST 64 /* users that were looked for last */

struct looked {
    uint32_t user;
    moment when;
    bool found;
};
/* Zeroed, nobody was looked for. */
struct looking {
    struct looked looked[LOOKING_MOST];
    bool denied; /* we were not let */
};

/* Whether program and command line of a user's connection were found and filled in; of others none are looked for.
 * `*denied`: for the first time we were not let. */
bool looking_find(struct looking *, struct message_owner *, moment now, bool *denied);

#endif
