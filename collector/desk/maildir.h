/* A Maildir as a source: what stands in `new` is taken and then moved to `cur` as seen. */
#ifndef COLLECTOR_DESK_MAILDIR_H
#define COLLECTOR_DESK_MAILDIR_H

#include "collector/desk/brought.h"

/* How many were taken, at most `most`. Negative: it cannot be read, or something was not taken; what was taken before
 * that is. Killed between taking and moving, a message is brought again. What is too long to be kept stays in `new`,
 * and the error of -EMSGSIZE names it, after all others were taken. */
int maildir_read(const char *folder, int most, const struct taker *, struct error *) MUST_CHECK;

#endif
