/* What the quarantine is told: [quarantine]. */
#ifndef COLLECTOR_QUARANTINE_QUARANTINE_H
#define COLLECTOR_QUARANTINE_QUARANTINE_H

#include <stdint.h>
#include "common/error.h"
#include "common/moment.h"
#include "common/option.h"

struct quarantine_settings {
    char key[OPTION_TEXT_SIZE];   /* a file: packing.h; empty: nothing is sealed */
    duration age;                 /* how long a message is kept */
    uint64_t size;                /* bytes of what is kept of all: beyond, the oldest go */
    char relay[OPTION_TEXT_SIZE]; /* "127.0.0.1:25": where what is released is sent; empty: nothing is released */
    char helo[OPTION_TEXT_SIZE];  /* what it is told who comes; empty: this machine's name */
    duration patience;            /* with it, for one message */
};

struct option_binding quarantine_bind(struct quarantine_settings *);

#endif
