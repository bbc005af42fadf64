/* The report of SpamAssassin's daemon: a text for people, in which the rules stand with their points. */
#ifndef COLLECTOR_FILTER_SPAMD_REPORT_H
#define COLLECTOR_FILTER_SPAMD_REPORT_H

#include <stdbool.h>
#include "collector/filter/filter.h"

/* Adds the rules of a report's table as symbols, the weightiest first, those of equal points in the order of the table.
 * False: there is no table that can be told from other words, and nothing was added. */
bool spamd_read_report(const struct filter_settings *, struct text report, struct opinion *);

#endif
