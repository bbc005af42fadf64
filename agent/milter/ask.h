/* Asking at the policy socket, a connection a question, so that the threads of the milter's library have nothing in
 * common there but a moment: while nobody answers, not every message waits anew. */
#ifndef AGENT_MILTER_ASK_H
#define AGENT_MILTER_ASK_H

#include <stdatomic.h>
#include <sys/un.h>
#include "common/moment.h"
#include "common/text.h"

#define ASK_ACTION 512

struct ask {
    struct sockaddr_un address;
    duration patience;
    _Atomic int64_t silent_until; /* on the steady clock */
};

/* Send the request and take the action of its answer. False: there was none in time. */
bool ask(struct ask *, struct text request, char action[ASK_ACTION]);

#endif
