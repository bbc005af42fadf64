/* An HTTP answer, read from all the bytes that came until the other side closed. Requests are of HTTP/1.0, so an answer
 * is never in chunks, and one connection is one answer: for a filter on the same net that costs a tenth of a general
 * client. */
#ifndef COLLECTOR_FILTER_HTTP_H
#define COLLECTOR_FILTER_HTTP_H

#include <stdbool.h>
#include "common/text.h"

/* False: it is none, or not all of it by its own Content-Length. `body` is borrowed. */
bool http_read_answer(struct text answer, unsigned *status, struct text *body);

#endif
