/* What is told of samples: which messages are kept for the centre's filters, and what that may cost. The table of
 * [samples], for the watcher, which keeps them, and the courier, which sends them. */
#ifndef AGENT_SAMPLE_SETTINGS_H
#define AGENT_SAMPLE_SETTINGS_H

#include <stdint.h>
#include "common/option.h"
#include "common/words/points.h"

enum samples_enabled { SAMPLES_AUTO, SAMPLES_YES, SAMPLES_NO, SAMPLES_ENABLED };

struct samples_settings {
    int enabled;          /* enum samples_enabled; AUTO is decided where it is known whether there is a collector */
    uint64_t size;        /* bytes of a message's content that are kept; what is longer is cut there */
    uint64_t memory;      /* bytes of content under way in all; an eighth of it is copied in a second at most */
    uint32_t rate;        /* samples a second */
    uint32_t sender_rate; /* samples of one sender an hour, those diverted apart */
    uint32_t first;       /* messages of a new sender */
    points score;         /* from here on all of a sender's are wanted; below, a share that rises with the score */
    int32_t trickle;      /* millionths of everyone else's */
    uint64_t bandwidth;   /* bytes a second to the collector; 0: no limit */
    uint64_t spool;       /* bytes on the disk of what the collector does not have yet */
    duration spool_age;
};

struct option_binding samples_settings_bind(struct samples_settings *);

#endif
