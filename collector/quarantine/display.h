/* A message as a person reads it without being harmed by it: header fields as they were sent and text, decoded, each
 * line behind "| ", so that nothing in it can be taken for what we say of it. Other parts are named, not shown. */
#ifndef COLLECTOR_QUARANTINE_DISPLAY_H
#define COLLECTOR_QUARANTINE_DISPLAY_H

#include <stdbool.h>
#include "common/buffer.h"
#include "common/text.h"

/* UTF-8 in lines. Where `out` is full the rest is left out: false; what stands there is whole lines. */
bool display_message(struct text content, struct buffer *out) __attribute__((warn_unused_result));

#endif
