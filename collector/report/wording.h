/* Figures and times of a report as people read them. Each function returns its `result`. */
#ifndef COLLECTOR_REPORT_WORDING_H
#define COLLECTOR_REPORT_WORDING_H

#include "collector/report/report.h"

#define WORDING 96 /* bytes that every text here needs at most, with its end */

const char *wording_number(int64_t, char result[WORDING]); /* "1,234,567" */
const char *wording_bytes(int64_t, char result[WORDING]);  /* "0 bytes", "1.2 MB" (of 1,000,000 bytes) */
/* "under a minute", "25 min", "3 h", "3 h 20 min", "2 d 4 h". */
const char *wording_wait(int64_t seconds, char result[WORDING]);
/* "1 complaint", "5 complaints": `plural` is what stands behind any number but one. */
const char *wording_count(int64_t, const char *singular, const char *plural, char result[WORDING]);
const char *wording_times(int64_t, char result[WORDING]); /* "once", "twice", "5 times" */
/* "+63 %", "-5 %", "as before", "new" where there was nothing before. */
const char *wording_change(int64_t now, int64_t before, char result[WORDING]);

const char *wording_day(const struct calendar_zone *, moment, char result[WORDING]);    /* "Mon 16 November 2026" */
const char *wording_date(const struct calendar_zone *, moment, char result[WORDING]);   /* "2026-11-16" */
const char *wording_moment(const struct calendar_zone *, moment, char result[WORDING]); /* "2026-11-16 09:30" */
/* "Week 47 of 2026", "November 2026", "Mon 16 November 2026". */
const char *wording_period(const struct calendar_zone *, const struct calendar_period *, char result[WORDING]);
/* What stands below it: "Mon 16 November to Sun 22 November 2026, Europe/Berlin". */
const char *wording_span(const struct calendar_zone *, const struct calendar_period *, char result[2 * WORDING]);
const char *wording_kind(enum calendar_kind); /* "day", "week", "month" */
/* A period of the past as a chart has room for it: "W47", "Nov", "16". */
const char *wording_short(enum calendar_kind, const char *name, char result[8]);
/* A step of a period: "09:00" of a day, "Mon 16" of a week, "16" of a month. */
const char *wording_step(const struct calendar_zone *, enum calendar_kind, moment begin, char result[8]);

/* --- what is compared --- */

#define REPORT_UNKNOWN INT64_C(-1)
/* The middle of what the twelve periods before the last were; REPORT_UNKNOWN: fewer than three of them are known. */
int64_t report_usual(const struct report *, enum report_sum);
/* Of the period before; REPORT_UNKNOWN: not known. */
int64_t report_before(const struct report *, enum report_sum);

/* Whether it had not been heard of for a day when the report was made. */
bool report_is_silent(const struct report *, const struct report_node *);

enum report_trend { TREND_SAME, TREND_UP, TREND_DOWN, TREND_UNKNOWN };
/* Counts go up and down by chance: a change is one where it is more than twice what chance would make of both. */
enum report_trend report_trend(int64_t now, int64_t before);

#endif
