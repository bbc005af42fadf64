/* Times and durations in nanoseconds. Nothing here asks what time it is: time is always an argument. */
#ifndef COMMON_MOMENT_H
#define COMMON_MOMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/text.h"

typedef int64_t moment;   /* nanoseconds since 1970-01-01T00:00:00Z; 0: never */
typedef int64_t duration; /* nanoseconds */

#define MICROSECOND INT64_C(1000)
#define MILLISECOND INT64_C(1000000)
#define SECOND      INT64_C(1000000000)
#define MINUTE      (60 * SECOND)
#define HOUR        (60 * MINUTE)
#define DAY         (24 * HOUR)

#define MOMENT_LENGTH 27 /* every printed moment has so many bytes */
#define MOMENT_TEXT   32 /* room for one and its NUL */
#define DURATION_TEXT 40

/* RFC 3339 in UTC with microseconds: 2026-11-23T08:00:00.000000Z. Years outside 1970-9999 are clamped. Returns
 * `result`. */
const char *moment_print(moment, char result[MOMENT_TEXT]);
/* RFC 3339 with any offset and 0-9 fraction digits, or seconds since the epoch. */
bool moment_parse(struct text, moment *result);

/* "90s", "30m", "12h", "7d", "250ms", and sums such as "1h30m". No sign; at most 10 years. */
bool duration_parse(struct text, duration *result);
/* The shortest exact form that duration_parse reads back ("1h30m"); below a millisecond in "us" and "ns". */
const char *duration_print(duration, char result[DURATION_TEXT]);

#endif
