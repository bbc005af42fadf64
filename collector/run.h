/* The collector as a daemon: one loop, two threads with a store. */
#ifndef COLLECTOR_RUN_H
#define COLLECTOR_RUN_H

#include "collector/settings.h"

int run_collector(const struct settings *); /* the exit status */

#endif
