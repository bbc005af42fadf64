/* See wording.h. */
#include "collector/report/wording.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};
static const char *const weekdays[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

const char *wording_number(int64_t number, char result[WORDING])
{
    char digits[WORDING];
    int length = snprintf(digits, sizeof(digits), "%" PRIu64, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
    char *to = result;
    if (number < 0)
        *to++ = '-';
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return result;
}

const char *wording_bytes(int64_t bytes, char result[WORDING])
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    if (bytes < 1000) {
        snprintf(result, WORDING, "%" PRId64 " bytes", bytes);
        return result;
    }
    int64_t unit = 1000;
    size_t which = 0;
    while (which + 1 < sizeof(units) / sizeof(units[0]) && bytes / unit >= 1000) {
        unit *= 1000;
        which++;
    }
    snprintf(result, WORDING, "%" PRId64 ".%" PRId64 " %s", bytes / unit, bytes % unit / (unit / 10), units[which]);
    return result;
}

const char *wording_wait(int64_t seconds, char result[WORDING])
{
    int64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
    if (minutes < 1)
        snprintf(result, WORDING, "under a minute");
    else if (hours < 1)
        snprintf(result, WORDING, "%" PRId64 " min", minutes);
    else if (days < 1 && minutes % 60 == 0)
        snprintf(result, WORDING, "%" PRId64 " h", hours);
    else if (days < 1)
        snprintf(result, WORDING, "%" PRId64 " h %" PRId64 " min", hours, minutes % 60);
    else if (hours % 24 == 0)
        snprintf(result, WORDING, "%" PRId64 " d", days);
    else
        snprintf(result, WORDING, "%" PRId64 " d %" PRId64 " h", days, hours % 24);
    return result;
}

const char *wording_count(int64_t number, const char *singular, const char *plural, char result[WORDING])
{
    char digits[WORDING];
    snprintf(result, WORDING, "%.40s %.50s", wording_number(number, digits), number == 1 ? singular : plural);
    return result;
}

const char *wording_times(int64_t number, char result[WORDING])
{
    if (number == 1 || number == 2)
        return strcpy(result, number == 1 ? "once" : "twice");
    return wording_count(number, "time", "times", result);
}

const char *wording_change(int64_t now, int64_t before, char result[WORDING])
{
    if (before < 0)
        return strcpy(result, "");
    if (now == before)
        return strcpy(result, "as before");
    if (before == 0)
        return strcpy(result, "new");
    double share = ((double)now - (double)before) * 100 / (double)before;
    int64_t percent = share > 99999 ? 99999 : (int64_t)(share < 0 ? share - 0.5 : share + 0.5);
    if (percent == 0)
        return strcpy(result, "as before");
    snprintf(result, WORDING, "%+" PRId64 " %%", percent);
    return result;
}

const char *wording_day(const struct calendar_zone *zone, moment at, char result[WORDING])
{
    struct calendar_time time = calendar_time_of(zone, at);
    snprintf(result, WORDING, "%s %d %s %d", weekdays[(unsigned)(time.weekday - 1) % 7], time.day,
             months[(unsigned)(time.month - 1) % 12], time.year);
    return result;
}

const char *wording_moment(const struct calendar_zone *zone, moment at, char result[WORDING])
{
    struct calendar_time time = calendar_time_of(zone, at);
    snprintf(result, WORDING, "%04d-%02d-%02d %02d:%02d", time.year, time.month, time.day, time.hour, time.minute);
    return result;
}

const char *wording_date(const struct calendar_zone *zone, moment at, char result[WORDING])
{
    wording_moment(zone, at, result);
    result[10] = '\0';
    return result;
}

const char *wording_period(const struct calendar_zone *zone, const struct calendar_period *period, char result[WORDING])
{
    struct calendar_time time = calendar_time_of(zone, period->begin);
    if (period->kind == CALENDAR_DAY)
        return wording_day(zone, period->begin, result);
    if (period->kind == CALENDAR_MONTH)
        snprintf(result, WORDING, "%s %d", months[(unsigned)(time.month - 1) % 12], time.year);
    else /* "2026-W47" */
        snprintf(result, WORDING, "Week %d of %.4s", atoi(period->name + (strlen(period->name) > 6 ? 6 : 0)),
                 period->name);
    return result;
}

const char *wording_span(const struct calendar_zone *zone, const struct calendar_period *period,
                         char result[2 * WORDING])
{
    char first[WORDING], last[WORDING];
    wording_day(zone, period->begin, first);
    if (period->kind == CALENDAR_DAY)
        snprintf(result, (size_t)2 * WORDING, "00:00 to 24:00, %s", calendar_zone_name(zone));
    else
        snprintf(result, (size_t)2 * WORDING, "%.40s to %.40s, %s", first, wording_day(zone, period->end - 1, last),
                 calendar_zone_name(zone));
    return result;
}

const char *wording_kind(enum calendar_kind kind)
{
    return kind == CALENDAR_DAY ? "day" : kind == CALENDAR_WEEK ? "week" : "month";
}

const char *wording_short(enum calendar_kind kind, const char *name, char result[8])
{
    size_t length = strlen(name);
    if (kind == CALENDAR_MONTH && length == 7)
        snprintf(result, 8, "%.3s", months[(unsigned)(atoi(name + 5) + 11) % 12]);
    else if (kind == CALENDAR_DAY && length == 10)
        snprintf(result, 8, "%d", atoi(name + 8) % 100);
    else
        snprintf(result, 8, "%.3s", name + (length > 5 ? 5 : 0));
    return result;
}

const char *wording_step(const struct calendar_zone *zone, enum calendar_kind kind, moment begin, char result[8])
{
    struct calendar_time time = calendar_time_of(zone, begin);
    if (kind == CALENDAR_DAY)
        snprintf(result, 8, "%02u:00", (unsigned)time.hour % 100);
    else if (kind == CALENDAR_WEEK)
        snprintf(result, 8, "%.3s %u", weekdays[(unsigned)(time.weekday - 1) % 7], (unsigned)time.day % 100);
    else
        snprintf(result, 8, "%u", (unsigned)time.day % 100);
    return result;
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int64_t report_usual(const struct report *report, enum report_sum sum)
{
    int64_t values[REPORT_PAST];
    size_t count = 0;
    for (size_t i = 2; i < REPORT_PAST; i++)
        if (report->past[i].is_known)
            values[count++] = report->past[i].sums[sum];
    if (count < 3)
        return REPORT_UNKNOWN;
    qsort(values, count, sizeof(values[0]), ascending);
    return count % 2 == 1 ? values[count / 2] : values[count / 2 - 1] + (values[count / 2] - values[count / 2 - 1]) / 2;
}

int64_t report_before(const struct report *report, enum report_sum sum)
{
    return report->past[1].is_known ? report->past[1].sums[sum] : REPORT_UNKNOWN;
}

bool report_is_silent(const struct report *report, const struct report_node *node)
{
    return report->made - node->seen > DAY;
}

enum report_trend report_trend(int64_t now, int64_t before)
{
    if (now < 0 || before < 0)
        return TREND_UNKNOWN;
    double difference = (double)now - (double)before;
    if (difference * difference <= 4 * ((double)now + (double)before))
        return TREND_SAME;
    return difference > 0 ? TREND_UP : TREND_DOWN;
}
