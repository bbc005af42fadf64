/* When reports are made by themselves, and who gets them: [reports]. */
#ifndef COLLECTOR_REPORT_SETTINGS_H
#define COLLECTOR_REPORT_SETTINGS_H

#include "collector/report/calendar.h"
#include "common/option.h"

struct report_settings {
    char zone[OPTION_TEXT_SIZE];                /* "Europe/Berlin"; empty: the machine's own */
    struct option_words daily, weekly, monthly; /* names of channels of type mail; none: it is not made by itself */
    uint32_t hour;                              /* of the day behind the period, in that zone */
    duration keep;
};
extern const struct option report_options[];
bool report_settings_check(const void *, struct error *);

/* The channels of that kind of report. */
const char *report_channels_key(enum calendar_kind); /* "daily", "weekly", "monthly" */
const struct option_words *report_channels(const struct report_settings *, enum calendar_kind);
/* The period whose report is the latest that is due: its hour has come, be it long ago. */
struct calendar_period report_due(const struct report_settings *, const struct calendar_zone *, enum calendar_kind,
                                  moment now);

#endif
