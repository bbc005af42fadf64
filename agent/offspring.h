/* Starting a process of the agent: the same binary, under its user, with its rights and its descriptors and
 * nothing else. */
#ifndef AGENT_OFFSPRING_H
#define AGENT_OFFSPRING_H

#include <stdint.h>
#include <sys/types.h>
#include "agent/message/message.h"
#include "common/io/sandbox.h"
#include "common/error.h"

struct offspring {
    enum role role;
    struct sandbox_identity self;
    int listener;      /* -1: none */
    int policy;        /* -1: none */
    int centre;        /* -1: none */
    int metrics;       /* -1: none */
    const char *state; /* its own directory; NULL: none */
    const int *relays; /* relay_count of them */
    int relay_count;
};

/* The parent's end of the channel and the process. */
int offspring_start(const struct offspring *, int *channel, pid_t *process, struct error *) MUST_CHECK;

#endif
