/* A program that reads a notice: started without a shell, its input what is to be said. */
#ifndef COLLECTOR_POST_PROGRAM_H
#define COLLECTOR_POST_PROGRAM_H

#include "collector/alert/settings.h"
#include "collector/post/delivery.h"

/* It has the channel's patience, then it and what it started are killed. What it says on standard error is the
 * trouble. */
enum delivered program_deliver(const struct channel *, struct delivery *);

#endif
