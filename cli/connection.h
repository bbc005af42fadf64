/* The way to the agent: a question as one JSON line over its socket, answered by JSON lines up to one that says end. */
#ifndef CLI_CONNECTION_H
#define CLI_CONNECTION_H

#include <jansson.h>
#include "common/error.h"
#include "common/text.h"

struct connection;

/* Connect and send the question (borrowed). */
int connection_open(const char *socket, const json_t *question, struct connection **result, struct error *) MUST_CHECK;
void connection_close(struct connection **);

/* 1: *record is the next answer (borrowed until the next call; *line as it came, with its newline). 0: that was all. A
 * negative errno: what the agent said went wrong, or the conversation broke. */
int connection_next(struct connection *, json_t **record, struct text *line, struct error *) MUST_CHECK;

#endif
