/* Days, ISO weeks (ISO 8601: Monday to Sunday, week 1 has the year's first Thursday) and months in a place's own time.
 * The place's rules come as the bytes of a file of the time zone database (TZif, RFC 8536); nothing here opens a file
 * or asks what time it is. A day on which clocks change has 23 or 25 hours, and some other number in a few places. */
#ifndef COLLECTOR_REPORT_CALENDAR_H
#define COLLECTOR_REPORT_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>
#include "common/error.h"
#include "common/moment.h"

#define CALENDAR_ZONE   64 /* bytes of a zone's name, with its end */
#define CALENDAR_PERIOD 40 /* bytes of a period's name, with its end */

struct calendar_zone;

/* `name`: for people, "Europe/Berlin"; `bytes`: of its file, versions 1 to 4; empty: UTC. -EBADMSG: they are none. */
int calendar_zone_create(const char *name, struct text bytes, struct calendar_zone **result, struct error *) MUST_CHECK;
void calendar_zone_destroy(struct calendar_zone **);
const char *calendar_zone_name(const struct calendar_zone *);

/* A moment as clocks on the wall show it. */
struct calendar_time {
    int year, month, day, hour, minute, second; /* month and day from 1 */
    int weekday;                                /* 1: Monday, 7: Sunday */
    int32_t offset;                             /* seconds east of UTC */
};
struct calendar_time calendar_time_of(const struct calendar_zone *, moment);
/* The first moment at which clocks show that time or, where it is left out, a later one. Years 1970 to 2200; a month or
 * a day beyond its end counts on into the next. */
moment calendar_moment(const struct calendar_zone *, int year, int month, int day, int hour, int minute);

enum calendar_kind { CALENDAR_DAY, CALENDAR_WEEK, CALENDAR_MONTH, CALENDAR_KINDS };
const char *calendar_kind_name(enum calendar_kind); /* "day", "week", "month" */
bool calendar_kind_parse(struct text, enum calendar_kind *);

struct calendar_period {
    enum calendar_kind kind;
    char name[CALENDAR_PERIOD]; /* "2026-11-23", "2026-W47", "2026-11" */
    moment begin, end;          /* its first moment, and the first one behind it */
};
/* The one in which that moment is. */
struct calendar_period calendar_period_at(const struct calendar_zone *, enum calendar_kind, moment);
/* By its name; false: there is none of that name. */
bool calendar_period_named(const struct calendar_zone *, enum calendar_kind, struct text name,
                           struct calendar_period *result);
/* `count` of its kind later, or earlier where that is negative. */
struct calendar_period calendar_period_from(const struct calendar_zone *, const struct calendar_period *, int count);

#endif
