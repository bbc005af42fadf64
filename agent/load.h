/* Reading the configuration for `run`: this machine's own file, over what a collector has set where the file lets it,
 * and the bundle that the other processes are given of it. */
#ifndef AGENT_LOAD_H
#define AGENT_LOAD_H

#include <stdbool.h>
#include "agent/central.h"
#include "agent/settings.h"

struct load_source {
    const char *config, *socket, *state;  /* of the command line; NULL: not given */
    const struct configuration *in_force; /* what needs a restart stays as it is there; NULL: this is the start */
};

struct loaded {
    struct configuration configuration;
    int bundle;                    /* sealed memory */
    int64_t revision;              /* of the collector's settings in it; 0: none */
    char kept[240], left_out[240]; /* what needs a restart; why the collector's settings are not in it; or empty */
};

/* `must`: the collector's settings do not go with the file, or it takes none: all fails; else they are left out as a
 * whole, which is said. On failure nothing is left to clear. */
int load(const struct load_source *, const struct central *, bool must, struct loaded *, struct error *) MUST_CHECK;
/* At the start: also what is kept of the collector's settings. `trouble` is told of a file that cannot be read. */
int load_first(const struct load_source *, struct central *, struct loaded *, struct error *trouble,
               struct error *) MUST_CHECK;
void loaded_clear(struct loaded *);

#endif
