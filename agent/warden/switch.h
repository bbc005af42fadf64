/* Whether a person has switched enforcement on or off: kept in a file, so that it outlives a restart. It stands over
 * the configuration until that says something else than it said then. */
#ifndef AGENT_WARDEN_SWITCH_H
#define AGENT_WARDEN_SWITCH_H

#include <stdbool.h>
#include "common/error.h"

struct enforce_switch {
    int directory; /* of the state */
};

int switch_open(struct enforce_switch *, const char *state, struct error *) MUST_CHECK;
void switch_close(struct enforce_switch *);
/* On or off now. `configured`: what the configuration says. */
bool switch_read(const struct enforce_switch *, bool configured);
int switch_keep(const struct enforce_switch *, bool on, bool configured, struct error *) MUST_CHECK;

#endif
