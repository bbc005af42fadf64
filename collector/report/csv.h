/* A table of a report as CSV (RFC 4180), for spreadsheets and programs: a line of headings, CRLF, UTF-8, names quoted
 * where they must be. What a stranger named so that a spreadsheet would take it for a formula has a ' before it. */
#ifndef COLLECTOR_REPORT_CSV_H
#define COLLECTOR_REPORT_CSV_H

#include "collector/report/report.h"
#include "common/buffer.h"

/* The names of its tables: "sums" (a line a measure, a column a period, the report's own first), "waits", and the lists
 * of a report (shape.h). NULL behind the last. */
const char *csv_table_name(size_t i);
bool csv_table_is_known(const char *table);
/* false: there is no such table, no memory, or it is longer than `out` may be. */
bool csv_write(const struct report *, const char *table, struct buffer *out) __attribute__((warn_unused_result));

/* For other tables: one field, with a comma before it unless it is the first. */
bool csv_put_words(struct buffer *, const char *, bool is_first) __attribute__((warn_unused_result));
bool csv_put_number(struct buffer *, int64_t, bool is_first) __attribute__((warn_unused_result));
bool csv_put_moment(struct buffer *, moment, bool is_first) __attribute__((warn_unused_result)); /* 0: empty */
bool csv_end_line(struct buffer *) __attribute__((warn_unused_result));

#endif
