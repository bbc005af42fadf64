/* The rule by which a place's clocks change for ever after: the line at the end of a time zone's file, in the form of
 * POSIX's TZ with the additions of RFC 8536 3.3.1 ("CET-1CEST,M3.5.0,M10.5.0/3"). And the days before a month. */
#ifndef COLLECTOR_REPORT_ZONE_RULE_H
#define COLLECTOR_REPORT_ZONE_RULE_H

#include <stdbool.h>
#include <stdint.h>
#include "common/text.h"

enum zone_date_form {
    ZONE_DATE_NO_LEAP /* J1 to J365: 29 February does not count */,
    ZONE_DATE_DAY /* 0 to 365 */,
    ZONE_DATE_WEEKDAY
};
struct zone_date {
    enum zone_date_form form;
    int month, week, day; /* weekday: 0 is Sunday, week 5 the last; else `day` alone */
    int32_t time;         /* seconds from midnight, may be negative */
};
struct zone_rule {
    int32_t standard, summer; /* seconds east of UTC */
    bool has_summer;
    struct zone_date begin, end;
};

/* false: it is none. */
bool zone_rule_read(struct text, struct zone_rule *result);
int32_t zone_rule_offset(const struct zone_rule *, int64_t seconds);

/* Days from 1970-01-01 to the first of a month, 1 to 12, of any year; negative before. */
int64_t calendar_days(int64_t year, int64_t month);

#endif
