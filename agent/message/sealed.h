/* A text in a sealed piece of memory, as processes hand it to each other: whoever has it can read it, nobody can change
 * it any more, and reading it never waits. */
#ifndef AGENT_MESSAGE_SEALED_H
#define AGENT_MESSAGE_SEALED_H

#include <stddef.h>
#include "common/error.h"
#include "common/text.h"

/* `name` is what the kernel shows. The descriptor is the caller's. */
int sealed_make(const char *name, struct text, int *descriptor, struct error *) MUST_CHECK;
/* The same of several texts, one behind the other. */
int sealed_make_many(const char *name, const struct text *texts, size_t count, int *descriptor,
                     struct error *) MUST_CHECK;
/* From a descriptor (borrowed) of someone who is not trusted: one that is no sealed memory, or holds more than `most`
 * bytes, is refused. The bytes are the caller's to free(); there is a NUL behind them. */
int sealed_read(int descriptor, size_t most, char **bytes, size_t *length, struct error *) MUST_CHECK;

#endif
