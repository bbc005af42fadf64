/* The way to a collector: a question as a request over HTTP, answered by lines of JSON like the agent's own. */
#ifndef CLI_CENTRE_H
#define CLI_CENTRE_H

#include "cli/command.h"
#include "common/error.h"
#include "common/text.h"

#include <jansson.h>

/* Ask the collector that `cli` names, and hand on each record with its line as it came (with its newline), up to the
 * end of the answer. A question that says "follow" is asked on until this process is ended. */
int centre_ask(const struct cli *, const json_t *question,
               void (*each)(void *context, json_t *record, struct text line), void *context, struct error *) MUST_CHECK;

#endif
