/* Reports: own names on blacklists, alerts, and what went out. */
#include "collector/store/reporting_own.h"

/* since, until, and what it is */
static bool listing_row(void *context, const struct value *columns, size_t count)
{
    struct reporting *reporting = context;
    struct report *report = reporting->report;
    struct report_listing *row = &report->listings[report->listing_count];
    (void)count;
    if (report->listing_count == REPORT_LISTINGS)
        return false;
    report->listing_count++;
    *row = (struct report_listing){.since = columns[0].integer};
    row->until = columns[1].integer < report->period.end ? columns[1].integer : 0; /* as it was then */
    reporting_copy(columns[2].text, row->name);
    reporting_copy(columns[3].text, row->zone);
    reporting_copy(columns[4].text, row->sender);
    reporting_copy(columns[5].text, row->customer);
    return true;
}

static bool opened_row(void *context, const struct value *columns, size_t count)
{
    struct report_step *step = reporting_step(context, columns[0].integer);
    (void)count;
    if (step)
        step->opened++;
    return true;
}

#define LISTING "SELECT since, until, name, zone, sender, customer FROM listing_history WHERE "

static int list_listings(struct reporting *reporting, struct error *error)
{
    const struct calendar_period *period = &reporting->report->period;
    int rows = STORE_RUN(reporting->store,
                         LISTING "(since >= $1 AND since < $2) OR (until >= $1 AND until < $2) "
                                 "ORDER BY since DESC, name, zone LIMIT $3",
                         listing_row, reporting, error, INTEGER(period->begin), INTEGER(period->end),
                         INTEGER(REPORT_LISTINGS));
    if (rows >= 0)
        rows = STORE_RUN(reporting->store,
                         LISTING "since < $1 AND (until = 0 OR until >= $2) ORDER BY since DESC, name, zone LIMIT $3",
                         listing_row, reporting, error, INTEGER(period->begin), INTEGER(period->end),
                         INTEGER(REPORT_LISTINGS));
    if (rows >= 0)
        rows = STORE_RUN(reporting->store, "SELECT since FROM listing_history WHERE since >= $1 AND since < $2",
                         opened_row, reporting, error, INTEGER(period->begin), INTEGER(period->end));
    return rows;
}

static bool past_row(void *context, const struct value *columns, size_t count)
{
    static const enum report_sum all[] = {SUM_OPENED, SUM_CLOSED, SUM_LISTED, SUM_ALERTS, SUM_LETTERS, SUM_SENT};
    int64_t *sums = context;
    for (size_t i = 0; i < count; i++)
        sums[all[i]] = columns[i].integer;
    return true;
}

#define WITHIN(column) column " >= $1 AND " column " < $2"
#define SENDINGS(purpose)                                                                                              \
    "(SELECT COUNT(*) FROM sendings WHERE " WITHIN("made") " AND purpose = '" purpose "' AND state <> 'failed')"

static int count_past(struct reporting *reporting, struct report_past *past, struct error *error)
{
    return STORE_RUN(reporting->store,
                     "SELECT (SELECT COUNT(*) FROM listing_history WHERE " WITHIN(
                         "since") "), "
                                  "(SELECT COUNT(*) FROM listing_history WHERE " WITHIN(
                                      "until") "), "
                                               "(SELECT COUNT(*) FROM listing_history WHERE since < $2 AND (until = 0 "
                                               "OR until >= $2)), "
                                               "(SELECT COUNT(*) FROM alerts WHERE last >= $1 AND " WITHIN(
                                                   "raised") "), " SENDINGS("letter") ", " SENDINGS("complaint"),
                     past_row, past->sums, error, INTEGER(past->begin), INTEGER(past->end));
}

int reporting_others(struct reporting *reporting, struct error *error)
{
    int rows = list_listings(reporting, error);
    for (size_t i = 0; i < REPORT_PAST && rows >= 0; i++)
        if (!reporting->is_kept[i])
            rows = count_past(reporting, &reporting->report->past[i], error);
    return rows < 0 ? rows : 0;
}
