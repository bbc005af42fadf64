/* `postern-agent replay`: captures judged as the live agent would. */
#ifndef AGENT_REPLAY_H
#define AGENT_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/address.h"

struct replay_options {
    const char *config; /* NULL: where it is looked for */
    struct address_list local;
    uint32_t records; /* set of enum record_kind */
    bool json;
    const char *const *patterns; /* the site's own pattern files */
    size_t pattern_count;
    char *const *paths;
    size_t path_count;
};

int replay_run(const struct replay_options *); /* the exit status */

#endif
