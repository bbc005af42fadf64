/* The numbers of reports (collector/report/report.h), put together from all that the store has of a period, and kept
 * when the period is over: a report that is asked for again says the same, also when what it was made from is gone.
 * Inside of a transaction of the caller's; making only looks. */
#ifndef COLLECTOR_STORE_REPORTING_H
#define COLLECTOR_STORE_REPORTING_H

#include "collector/report/calendar.h"
#include "collector/report/report.h"
#include "collector/store/store.h"

/* Of a period that has begun before `now`. Earlier periods are taken from what was kept of them, where it was. What is
 * looked at is bounded: `is_cut` says where there was more. Takes up to some seconds in a large fleet. */
int store_report_make(struct store *, const struct calendar_zone *, const struct calendar_period *, moment now,
                      struct report *result, struct error *) MUST_CHECK;

/* What is kept of a period: `numbers` as numbers_json_write() wrote it. 1: there is such, and `each` was shown it. */
int store_report_find(struct store *, enum calendar_kind, const char *period, const char *zone,
                      void (*each)(void *, struct text numbers), void *context, struct error *) MUST_CHECK;
/* 1: it is kept; 0: there was one, which stays as it is. */
int store_report_keep(struct store *, const struct report *, struct text numbers, struct error *) MUST_CHECK;

struct store_report_row {
    struct text kind, period, zone;
    moment made;
};
/* The newest first. */
int store_reports(struct store *, uint32_t most, void (*each)(void *, const struct store_report_row *), void *context,
                  struct error *) MUST_CHECK;

#endif
