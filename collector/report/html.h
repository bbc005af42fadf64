/* A report as HTML that mail programs show: tables for layout, styles in the elements themselves, colours said for
 * everything, so that a program in the dark turns all of them or none; no scripts, nothing is fetched. */
#ifndef COLLECTOR_REPORT_HTML_H
#define COLLECTOR_REPORT_HTML_H

#include "collector/report/drawings.h"

#define REPORT_HTML_MOST ((size_t)4 << 20) /* bytes that it has at most */

/* Append it, in UTF-8. `host`: pictures are parts of the same mail, "cid:NAME@HOST"; NULL: they stand in the page
 * itself. False: the buffer's bound, or memory. */
bool report_html(const struct report *, const struct calendar_zone *, const struct drawings *, const char *host,
                 struct buffer *) __attribute__((warn_unused_result));

#endif
