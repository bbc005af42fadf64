/* `postern-agent run`: the supervisor, and the door through which the other processes come in. */
#ifndef AGENT_RUN_H
#define AGENT_RUN_H

#include <stdbool.h>
#include "agent/message/message.h"

struct run_options {
    const char *config;         /* NULL: POSTERN_CONFIG, else where it is looked for; missing there: the defaults */
    const char *socket, *state; /* NULL: the environment's, else the configuration's */
};

/* Runs until it is told to end. Returns the exit status: 1 where a right is missing or something failed, 2 where the
 * configuration is wrong. */
int run_supervisor(const struct run_options *);

/* What a process is that was started with --role NAME. False: no such role. */
bool run_role(const char *name, const char *state, int *exit_status);

#endif
