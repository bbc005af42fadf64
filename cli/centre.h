/* The way to a collector: a question as a request over HTTP, answered by lines of JSON like the agent's own. */
#ifndef CLI_CENTRE_H
#define CLI_CENTRE_H

#include "cli/command.h"
#include "common/buffer.h"
#include "common/error.h"
#include "common/text.h"

#include <jansson.h>

/* Ask the collector that `cli` names, and hand on each record with its line as it came (with its newline), up to the
 * end of the answer. A question that says "follow" is asked on until this process is ended. */
int centre_ask(const struct cli *, const json_t *question,
               void (*each)(void *context, json_t *record, struct text line), void *context, struct error *) MUST_CHECK;

/* For what is no question with lines for an answer: one request after another over one connection, as long as that
 * lasts. */
struct centre;
int centre_open(const struct cli *, struct centre **result, struct error *) MUST_CHECK;
void centre_close(struct centre **);
struct centre_request {
    const char *method, *path; /* path: from the first slash, escaped where it must be */
    const char *type;          /* of the body; NULL: there is none */
    struct text body;
};
/* The answer's status, 200 to 299; `answer` has the body. Negative: refused, with the collector's sentence: -ENOENT
 * where there is no such thing, -E2BIG where it is too large; or nobody answered. Asked again, at any collector that is
 * named, under one name. */
int centre_call(struct centre *, const struct centre_request *, struct buffer *answer, struct error *) MUST_CHECK;
/* Adds "?name=value" or "&name=value" to the path; false: too long. NULL for a value adds nothing. */
bool centre_add_parameter(char *path, size_t size, const char *name, const char *value);

#endif
