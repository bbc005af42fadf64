/* A bundle: named texts in one piece of memory: the configuration with every file that it names, as it goes from the
 * process that may read files to those that may not. What is in it is checked again by whoever receives it. */
#ifndef AGENT_MESSAGE_BUNDLE_H
#define AGENT_MESSAGE_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include "common/buffer.h"
#include "common/error.h"
#include "common/text.h"

#define BUNDLE_MOST      (64U * 1024 * 1024) /* bytes of a whole bundle */
#define BUNDLE_NAME_MOST 4095                /* bytes of a name; at least 1, without NUL */

/* What stands in every configuration bundle. Beside these, each file that the configuration names (also as
 * "builtin:..."), under the name that stands there. */
#define BUNDLE_PROCESS "process.conf" /* [capture] [enforce] [agent]: for process_settings_bind() */
#define BUNDLE_JUDGE   "judge.conf"   /* [policy] [sender] and the detectors: for judge_settings_bindings() */
#define BUNDLE_SOURCE  "source"       /* the path of the file that it was read from; empty: the defaults alone */

/* Write: into a buffer that bundle_init() has begun. A name that is there already is refused (EEXIST). */
void bundle_init(struct buffer *);
int bundle_add(struct buffer *, struct text name, struct text content, struct error *) MUST_CHECK;

/* Read: whether the bytes are a whole and sound bundle, and the text of that name, borrowed from the bytes. */
int bundle_check(struct text bundle, struct error *) MUST_CHECK;
bool bundle_find(struct text bundle, struct text name, struct text *result);
/* The entry at `*position` (0: the first) and move on; false behind the last. */
bool bundle_next(struct text bundle, size_t *position, struct text *name, struct text *content);

#endif
