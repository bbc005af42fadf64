/* Settings that the collector has for this machine: thresholds, allow lists and plans for a whole fleet. The newest
 * text replaces the one before as a whole; it is kept in STATE/settings, which root alone may write, so that a node
 * that is cut off begins with what it has. This machine's own file stands over it, option by option. */
#ifndef AGENT_CENTRAL_H
#define AGENT_CENTRAL_H

#include <stddef.h>
#include <stdint.h>
#include "common/error.h"
#include "common/option.h"

#define CENTRAL_MOST (64 * 1024)                   /* bytes */
#define CENTRAL_NAME "settings from the collector" /* where an error is in it */

struct central {
    int64_t revision; /* 0: there are none */
    char *bytes;
    size_t length;
};

/* What is kept; none is no failure, and neither is a file that is not whole, which is as none and says so in the error
 * with 0 returned. */
int central_read(const char *state, struct central *result, struct error *) MUST_CHECK;
int central_keep(const char *state, const struct central *, struct error *) MUST_CHECK;
/* From sealed memory (agent/message/sealed.h), borrowed. */
int central_receive(int descriptor, int64_t revision, struct central *result, struct error *) MUST_CHECK;
void central_clear(struct central *);

struct option_layer central_layer(const struct central *);

#endif
