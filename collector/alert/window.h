/* Times of the week: "Mon-Fri 08:00-18:00, Sat 09:00-12:00", in the machine's own zone. Without days: every day; one
 * that ends before it begins goes on into the next day. */
#ifndef COLLECTOR_ALERT_WINDOW_H
#define COLLECTOR_ALERT_WINDOW_H

#include <stdbool.h>
#include <stdint.h>
#include "common/error.h"
#include "common/text.h"

/* What clocks on the wall show. */
struct wall {
    uint32_t weekday; /* 0: Monday */
    uint32_t minute;  /* of the day, 0 to 1439 */
    int32_t east;     /* minutes east of UTC, -1439 to 1439 */
};
/* Whether that is how windows are written. The error says which one is not. */
int windows_check(struct text, struct error *) MUST_CHECK;
/* Whether one of them is open; none is in an empty text. */
bool windows_are_open(struct text, const struct wall *);

#endif
