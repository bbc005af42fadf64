/* The time stamps that mail servers and syslog daemons put before a line: traditional ("Nov  5 08:00:01", without a
 * year; RFC 3164), RFC 3339, Exim's ("2026-11-05 08:00:01.123 +0100 [pid]"), multilog's TAI64N ("@4000...") and seconds
 * since the epoch. */
#ifndef AGENT_LOG_TIMESTAMP_H
#define AGENT_LOG_TIMESTAMP_H

#include <stdbool.h>
#include "common/moment.h"

/* What one file's earlier lines say about the next one. Zeroed, with `hint` and `east` filled in, it is ready. */
struct timestamp_state {
    moment hint;        /* the file's last change: no line is later than that by more than a day; 0: not known */
    duration east;      /* local time less UTC, for stamps that do not say it */
    moment last;        /* of the line before; 0: none yet */
    char seen[15];      /* the traditional stamp that was read last: most lines share it with the line before */
    moment seen_moment; /* what it meant; 0: none */
};

/* Read the stamp that `line` begins with (behind a priority such as "<22>") and leave what stands behind it and its
 * spaces. False: there is none, and nothing changed. A year that is not written is the one in which the first line is
 * not later than the hint, and in which a line is not more than half a year before the line before it. */
bool timestamp_read(struct text *line, struct timestamp_state *, moment *result);

#endif
