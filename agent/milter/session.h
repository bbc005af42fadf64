/* One mail server's session as libmilter's callbacks have it: questions go to the policy socket, content is digested as
 * it comes by. The library calls from threads of its own, but never for one session from two at once; sessions have in
 * common what stands in struct session_common, all of it atomic or never changed. */
#ifndef AGENT_MILTER_SESSION_H
#define AGENT_MILTER_SESSION_H

#include <libmilter/mfapi.h>
#include <stdbool.h>
#include <stdatomic.h>
#include <stdint.h>
#include "agent/milter/ask.h"

struct session_common {
    struct ask ask;
    bool fail_defers;       /* what is done where nobody answers: mail waits; else it passes */
    uint32_t sessions_most; /* at once */
    _Atomic uint32_t sessions;
    _Atomic uint64_t messages; /* numbers them */
};

/* The library has no place for a context before a session begins: there is one for the process. */
void session_begin(struct session_common *);
struct smfiDesc session_callbacks(void);

#endif
