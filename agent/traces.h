/* Several captures and logs as one: their frames and lines in order of time. */
#ifndef AGENT_TRACES_H
#define AGENT_TRACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "agent/packet/frame.h"
#include "common/error.h"

struct traces;

/* A frame whose link is this one is a log's line, with its line feed; its `port` is 1 + the file's index. */
#define TRACE_LOG UINT16_MAX

/* Opens each and reads its beginning; "-" is standard input. What is no capture is refused with a sentence that says
 * what is read. */
int traces_open(char *const *paths, size_t count, struct traces **result, struct error *) MUST_CHECK;
void traces_close(struct traces **);

/* The next frames of all, at most so many, borrowed until the next call: each the earliest of those that stand at the
 * head of their files; among equals, of the file named first. 0: there are no more. */
size_t traces_next(struct traces *, struct frame *result, size_t most);

/* Files that were damaged or could not be read on: what stands before the damage was given. `index` counts them up;
 * NULL behind the last. */
const struct error *traces_trouble(const struct traces *, size_t index);
bool traces_hold_log(const struct traces *); /* whether any of them is one */
uint64_t traces_bytes_read(const struct traces *);
uint64_t traces_bytes_total(const struct traces *); /* 0: not known */

#endif
