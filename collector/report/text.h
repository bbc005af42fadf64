/* A report as plain text, worth reading on its own: what it comes to first, then the tables, no line longer than 80
 * columns but for long names. */
#ifndef COLLECTOR_REPORT_TEXT_H
#define COLLECTOR_REPORT_TEXT_H

#include "collector/report/report.h"
#include "common/buffer.h"

#define REPORT_TEXT_MOST ((size_t)256 << 10) /* bytes that it has at most */

/* Append it, in UTF-8, lines ended by LF. False: the buffer's bound, or memory. */
bool report_text(const struct report *, const struct calendar_zone *, struct buffer *)
    __attribute__((warn_unused_result));

#endif
