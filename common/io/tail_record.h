/* What a reader leaves to the process after it: where it is in each generation, as text. Part of tail_read. */
#ifndef COMMON_IO_TAIL_RECORD_H
#define COMMON_IO_TAIL_RECORD_H

#include <stddef.h>
#include "common/buffer.h"
#include "common/error.h"
#include "common/io/tail.h"

struct tail_read;

/* Go on where an earlier process was. Once, before anything is added. Error: EBADMSG, and it stays as new. */
int tail_read_import(struct tail_read *, struct text record, moment now, struct error *) MUST_CHECK;
/* Append the record of all positions. Not while `take` runs. False: the buffer's bound. */
bool tail_read_export(const struct tail_read *, moment now, struct buffer *) __attribute__((warn_unused_result));
/* The same while `take` runs: as if it had returned, with `used` bytes of that generation used. */
bool tail_read_export_ahead(const struct tail_read *, uint64_t generation, size_t used, moment now, struct buffer *)
    __attribute__((warn_unused_result));

/* Rotated files last written to before it are of no interest. */
moment tail_read_since(const struct tail_read *);

#endif
