/* How much a text would be once it is read as JSON: what jansson would follow without end is bounded before it is
 * asked. A value that was read takes a hundred times the bytes that it has in a text. */
#ifndef COMMON_JSON_MEASURE_H
#define COMMON_JSON_MEASURE_H

#include <stddef.h>
#include "common/text.h"

struct json_measure {
    size_t depth;  /* brackets in brackets */
    size_t values; /* members and elements, at most */
};

/* Whether it is JSON at all is not looked at: of what is none the numbers say as much as of what is. */
struct json_measure json_measure(struct text);

#endif
