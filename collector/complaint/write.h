/* A complaint as JSON, for people and records: what was read, under plain names; what is not known is left out. */
#ifndef COLLECTOR_COMPLAINT_WRITE_H
#define COLLECTOR_COMPLAINT_WRITE_H

#include "collector/complaint/complaint.h"
#include "common/buffer.h"

/* Appends one object and a newline. False: it does not fit; nothing was appended. */
bool complaint_write(const struct complaint *, struct buffer *out) __attribute__((warn_unused_result));

#endif
