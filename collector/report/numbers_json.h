/* A report's numbers as one JSON object: what is kept of it, and what programs are given. */
#ifndef COLLECTOR_REPORT_NUMBERS_JSON_H
#define COLLECTOR_REPORT_NUMBERS_JSON_H

#include "collector/report/report.h"
#include "common/buffer.h"
#include "common/error.h"

#define NUMBERS_JSON_MOST ((size_t)1024 * 1024)

/* A line. The same numbers are the same bytes. false: no memory, or longer than `out` may be. */
bool numbers_json_write(const struct report *, struct buffer *out) __attribute__((warn_unused_result));
/* What was written so, also by an earlier or a later version: what it does not have is 0, what is not known is passed
 * over. -EBADMSG: it is none. */
int numbers_json_read(struct text, struct report *result, struct error *) MUST_CHECK;

#endif
