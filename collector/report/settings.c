/* See settings.h. */
#include "collector/report/settings.h"

#include <errno.h>
#include <string.h>

const struct option report_options[] = {
    FIXED_OPTION(OPTION_TEXT, char[OPTION_TEXT_SIZE], "reports", struct report_settings, zone, "",
                 .text = "The place by whose clocks days, weeks and months begin: \"Europe/Berlin\", a name of "
                         "/usr/share/zoneinfo. Empty: this machine's."),
    FIXED_OPTION(OPTION_WORDS, struct option_words, "reports", struct report_settings, weekly, "",
                 .text = "Who gets the report of each week, from Monday to Sunday (ISO 8601), on the Monday behind it: "
                         "names of channels, [alert NAME], of type mail. Empty: nobody."),
    FIXED_OPTION(OPTION_WORDS, struct option_words, "reports", struct report_settings, daily, "",
                 .text = "The same for each day, on the day behind it."),
    FIXED_OPTION(OPTION_WORDS, struct option_words, "reports", struct report_settings, monthly, "",
                 .text = "The same for each month, on the first of the month behind it."),
    FIXED_OPTION(OPTION_COUNT, uint32_t, "reports", struct report_settings, hour, "7", .least = "0", .most = "23",
                 .text = "From this hour of that day on. A collector that was not running then makes the latest of "
                         "each kind as soon as it is."),
    FIXED_OPTION(OPTION_DURATION, duration, "reports", struct report_settings, keep, "1825d", .least = "31d",
                 .most = "3650d",
                 .text = "How long the figures of a report that was made are kept: asked for again it "
                         "is the same, to the byte."),
    {.key = NULL},
};

/* It is a part of a path. */
static bool is_zone(const char *zone)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/";
    return zone[0] != '/' && strspn(zone, allowed) == strlen(zone) && strlen(zone) < CALENDAR_ZONE;
}

bool report_settings_check(const void *given, struct error *error)
{
    const struct report_settings *settings = given;
    if (is_zone(settings->zone))
        return true;
    error_set(error, EINVAL, "zone: \"%.80s\" will not do; a name such as Europe/Berlin is allowed", settings->zone);
    return false;
}

const char *report_channels_key(enum calendar_kind kind)
{
    return kind == CALENDAR_DAY ? "daily" : kind == CALENDAR_WEEK ? "weekly" : "monthly";
}

const struct option_words *report_channels(const struct report_settings *settings, enum calendar_kind kind)
{
    return kind == CALENDAR_DAY ? &settings->daily : kind == CALENDAR_WEEK ? &settings->weekly : &settings->monthly;
}

struct calendar_period report_due(const struct report_settings *settings, const struct calendar_zone *zone,
                                  enum calendar_kind kind, moment now)
{
    struct calendar_period current = calendar_period_at(zone, kind, now);
    struct calendar_time first = calendar_time_of(zone, current.begin);
    bool has_come = now >= calendar_moment(zone, first.year, first.month, first.day, (int)settings->hour, 0);
    return calendar_period_from(zone, &current, has_come ? -1 : -2);
}
