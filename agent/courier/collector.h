/* What the agent is told of the collector, the centre of a fleet: the table of [collector], and the bundle in which the
 * courier, alone of all processes, is given it with the secrets that it names. Nobody else has them: the process that
 * reads packets least of all. */
#ifndef AGENT_COURIER_COLLECTOR_H
#define AGENT_COURIER_COLLECTOR_H

#include <stdbool.h>
#include <stdint.h>
#include "common/buffer.h"
#include "common/error.h"
#include "common/option.h"

struct collector_settings {
    struct option_urls urls; /* none: there is no collector */
    char token[OPTION_TEXT_SIZE], token_file[OPTION_TEXT_SIZE];
    char authority[OPTION_TEXT_SIZE], certificate[OPTION_TEXT_SIZE], key[OPTION_TEXT_SIZE]; /* files */
    uint64_t spool;                                                                         /* bytes */
    duration spool_age;
    bool settings; /* it may set options of this node */
};

struct option_binding collector_settings_bind(struct collector_settings *);

/* The files' contents; empty where none is named. */
struct collector_secrets {
    struct text token, authority, certificate, key;
};

/* Everything as a bundle (agent/message/bundle.h). */
int collector_write(struct collector_settings *, const struct collector_secrets *, struct buffer *bundle,
                    struct error *) MUST_CHECK;

struct collector {
    struct collector_settings settings;
    struct collector_secrets secrets; /* borrowed from the bundle's bytes, which stay mapped */
};
/* From the descriptor of a piece of memory that holds the bundle; borrowed. */
int collector_read(int descriptor, struct collector *, struct error *) MUST_CHECK;

#endif
