/* `postern-collector run`: the centre as a process: its files, its loop, its end. */
#ifndef COLLECTOR_RUN_H
#define COLLECTOR_RUN_H

#include "collector/settings.h"

int collector_run(const struct collector_settings *); /* the exit status */

#endif
