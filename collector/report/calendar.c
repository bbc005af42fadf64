/* See calendar.h. Moments are seconds here: no place changes its clocks within one. */
#include "collector/report/calendar.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "collector/report/zone_rule.h"
#include "common/cleanup.h"

#define HOURS_AWAY  27 /* no clock is further from UTC */
#define STEP        900
#define TIMES_MOST  4096
#define TYPES_MOST  256
#define YEAR_FIRST  1970
#define YEAR_LAST   2200
#define DAY_SECONDS 86400

struct calendar_zone {
    char name[CALENDAR_ZONE];
    int64_t times[TIMES_MOST];   /* at which the offset changes, rising ... */
    int32_t offsets[TIMES_MOST]; /* ... to this */
    size_t count;
    int32_t before; /* the first change */
    bool has_rule;  /* for what is behind the last change */
    struct zone_rule rule;
};

/* --- the file: RFC 8536 --- */

struct header {
    char version;
    uint32_t utc, standard, leaps, times, types, letters;
};

static uint64_t number_at(const char *bytes, size_t size)
{
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++)
        number = number << 8 | (unsigned char)bytes[i];
    return number;
}

static bool take(struct text *rest, size_t length, struct text *result)
{
    if (rest->length < length)
        return false;
    *result = (struct text){rest->bytes, length};
    rest->bytes += length;
    rest->length -= length;
    return true;
}

static bool take_header(struct text *rest, struct header *header)
{
    struct text head;
    if (!take(rest, 44, &head) || memcmp(head.bytes, "TZif", 4) != 0)
        return false;
    uint32_t *const counts[] = {&header->utc,   &header->standard, &header->leaps,
                                &header->times, &header->types,    &header->letters};
    header->version = head.bytes[4];
    for (size_t i = 0; i < 6; i++)
        *counts[i] = (uint32_t)number_at(head.bytes + 20 + 4 * i, 4);
    return header->times <= TIMES_MOST && header->types >= 1 && header->types <= TYPES_MOST &&
           header->letters <= 4096 && header->leaps <= 4096 && header->standard <= TYPES_MOST &&
           header->utc <= TYPES_MOST;
}

/* `size`: bytes of a moment. */
static size_t block_length(const struct header *header, size_t size)
{
    return header->times * (size + 1) + header->types * (size_t)6 + header->letters + header->leaps * (size + 4) +
           header->standard + header->utc;
}

static bool read_block(struct calendar_zone *zone, const struct header *header, struct text block, size_t size)
{
    const char *times = block.bytes, *kinds = times + header->times * size, *types = kinds + header->times;
    for (size_t i = 0; i < header->times; i++) {
        size_t kind = (unsigned char)kinds[i];
        uint64_t number = number_at(times + i * size, size);
        if (kind >= header->types)
            return false;
        zone->times[i] = size == 4 ? (int32_t)(uint32_t)number : (int64_t)number;
        zone->offsets[i] = (int32_t)(uint32_t)number_at(types + kind * 6, 4);
        if (i > 0 && zone->times[i] <= zone->times[i - 1])
            return false;
    }
    zone->count = header->times;
    zone->before = (int32_t)(uint32_t)number_at(types, 4);
    for (size_t i = 0; i < header->times; i++)
        if (abs(zone->offsets[i]) > HOURS_AWAY * 3600)
            return false;
    return abs(zone->before) <= HOURS_AWAY * 3600;
}

static bool read_file(struct calendar_zone *zone, struct text rest)
{
    struct header header;
    struct text block, footer;
    if (!take_header(&rest, &header) || !take(&rest, block_length(&header, 4), &block))
        return false;
    if (header.version == '\0')
        return read_block(zone, &header, block, 4);
    if (!take_header(&rest, &header) || !take(&rest, block_length(&header, 8), &block) ||
        !read_block(zone, &header, block, 8))
        return false;
    if (rest.length < 2 || rest.bytes[0] != '\n')
        return false;
    rest.bytes++;
    rest.length--;
    if (memchr(rest.bytes, '\n', rest.length) == NULL)
        return false;
    footer = text_split(&rest, '\n');
    zone->has_rule = footer.length > 0;
    return !zone->has_rule || zone_rule_read(footer, &zone->rule);
}

int calendar_zone_create(const char *name, struct text bytes, struct calendar_zone **result, struct error *error)
{
    CLEANUP(calendar_zone_destroy) struct calendar_zone *zone = calloc(1, sizeof *zone);
    if (zone == NULL)
        return error_set(error, ENOMEM, "no memory for a time zone");
    snprintf(zone->name, sizeof zone->name, "%s", name);
    if (bytes.length > 0 && !read_file(zone, bytes))
        return error_set(error, EBADMSG, "%s is no file of a time zone", name);
    *result = TAKE(zone);
    return 0;
}

void calendar_zone_destroy(struct calendar_zone **zone)
{
    free(*zone);
    *zone = NULL;
}

const char *calendar_zone_name(const struct calendar_zone *zone)
{
    return zone->name;
}

/* --- dates: the Gregorian calendar, days since 1970-01-01 --- */

static int64_t day_of(int64_t year, int64_t month, int64_t day)
{
    year += (month - 1) / 12;
    month = (month - 1) % 12 + 1;
    if (month < 1) {
        month += 12;
        year--;
    }
    return calendar_days(year, month) + day - 1;
}

static void date_of(int64_t days, int *year, int *month, int *day)
{
    int64_t guess = 1970 + (days >= 0 ? days : days - 365) / 365;
    while (calendar_days(guess, 1) > days)
        guess--;
    int64_t each = 12;
    while (calendar_days(guess, each) > days)
        each--;
    *year = (int)guess;
    *month = (int)each;
    *day = (int)(days - calendar_days(guess, each)) + 1;
}

static int64_t divide_down(int64_t number, int64_t by)
{
    return number / by - (number % by < 0);
}

/* 1970-01-01 was a Thursday. 1: Monday. */
static int weekday_of(int64_t days)
{
    return (int)(((days + 3) % 7 + 7) % 7) + 1;
}

static int32_t offset_at(const struct calendar_zone *zone, int64_t seconds)
{
    size_t low = 0, high = zone->count; /* how many changes are not behind that moment */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (zone->times[middle] <= seconds)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == zone->count && zone->has_rule)
        return zone_rule_offset(&zone->rule, seconds);
    return low ? zone->offsets[low - 1] : zone->before;
}

struct calendar_time calendar_time_of(const struct calendar_zone *zone, moment when)
{
    struct calendar_time time = {0};
    int64_t seconds = divide_down(when, SECOND);
    time.offset = offset_at(zone, seconds);
    int64_t days = divide_down(seconds + time.offset, DAY_SECONDS), rest = seconds + time.offset - days * DAY_SECONDS;
    date_of(days, &time.year, &time.month, &time.day);
    time.hour = (int)(rest / 3600);
    time.minute = (int)(rest / 60 % 60);
    time.second = (int)(rest % 60);
    time.weekday = weekday_of(days);
    return time;
}

/* The first second behind `low`, up to `high`, at which the offset is another than at `low`. */
static int64_t change_between(const struct calendar_zone *zone, int64_t low, int64_t high)
{
    int32_t offset = offset_at(zone, low);
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (offset_at(zone, middle) == offset)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* Clocks run evenly between changes: in each stretch there is one moment at most that shows what is wanted. */
static int64_t first_showing(const struct calendar_zone *zone, int64_t shown)
{
    int64_t begin = shown - HOURS_AWAY * 3600, last = shown + HOURS_AWAY * 3600;
    int32_t offset = offset_at(zone, begin);
    for (int64_t at = begin; at < last; at += STEP) {
        if (offset_at(zone, at + STEP) == offset)
            continue;
        int64_t change = change_between(zone, at, at + STEP);
        if (shown - offset < change)
            return shown - offset > begin ? shown - offset : begin;
        begin = change;
        offset = offset_at(zone, change);
    }
    return shown - offset > begin ? shown - offset : begin;
}

moment calendar_moment(const struct calendar_zone *zone, int year, int month, int day, int hour, int minute)
{
    return first_showing(zone, day_of(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60) * SECOND;
}

/* --- periods --- */

static const char *const kinds[CALENDAR_KINDS] = {"day", "week", "month"};

const char *calendar_kind_name(enum calendar_kind kind)
{
    return kinds[kind];
}

bool calendar_kind_parse(struct text word, enum calendar_kind *kind)
{
    for (int i = 0; i < CALENDAR_KINDS; i++)
        if (text_equals(word, text_of(kinds[i]))) {
            *kind = (enum calendar_kind)i;
            return true;
        }
    return false;
}

static moment begin_of_day(const struct calendar_zone *zone, int64_t days)
{
    return first_showing(zone, days * DAY_SECONDS) * SECOND;
}

/* The Monday of an ISO week. 4 January is always in the first. */
static int64_t monday_of(int year, int week)
{
    int64_t fourth = day_of(year, 1, 4);
    return fourth - (weekday_of(fourth) - 1) + (int64_t)7 * (week - 1);
}

static int64_t first_day_of(enum calendar_kind kind, int64_t days)
{
    int year, month, day;
    date_of(days, &year, &month, &day);
    return kind == CALENDAR_DAY ? days : kind == CALENDAR_WEEK ? days - (weekday_of(days) - 1) : days - (day - 1);
}

static void name_period(struct calendar_period *period, int64_t first)
{
    int year, month, day;
    date_of(period->kind == CALENDAR_WEEK ? first + 3 : first, &year, &month, &day); /* a week is its Thursday's */
    if (period->kind == CALENDAR_DAY)
        snprintf(period->name, sizeof period->name, "%04d-%02d-%02d", year, month, day);
    else if (period->kind == CALENDAR_WEEK)
        snprintf(period->name, sizeof period->name, "%04d-W%02d", year, (int)((first - monday_of(year, 1)) / 7) + 1);
    else
        snprintf(period->name, sizeof period->name, "%04d-%02d", year, month);
}

static struct calendar_period period_of(const struct calendar_zone *zone, enum calendar_kind kind, int64_t first)
{
    struct calendar_period period = {.kind = kind, .begin = begin_of_day(zone, first)};
    int year, month, day;
    date_of(first, &year, &month, &day);
    int64_t end = kind == CALENDAR_DAY ? first + 1 : kind == CALENDAR_WEEK ? first + 7 : day_of(year, month + 1, 1);
    period.end = begin_of_day(zone, end);
    name_period(&period, first);
    return period;
}

/* "2026-W47"; false also where that year has no such week. */
static bool read_week(struct text name, int64_t *first)
{
    uint64_t year, week;
    struct text word = text_split(&name, '-');
    if (word.length != 4 || !text_number(word, &year) || name.length != 3 || name.bytes[0] != 'W' ||
        !text_number((struct text){name.bytes + 1, 2}, &week) || year < YEAR_FIRST || year > YEAR_LAST || week < 1)
        return false;
    *first = monday_of((int)year, (int)week);
    return *first < monday_of((int)year + 1, 1);
}

static bool read_date(struct text name, bool has_day, int64_t *first)
{
    uint64_t year, month, day = 1;
    struct text word = text_split(&name, '-'), second = text_split(&name, '-');
    if (word.length != 4 || second.length != 2 || name.length != (has_day ? 2U : 0U) || !text_number(word, &year) ||
        !text_number(second, &month) || (has_day && !text_number(name, &day)))
        return false;
    if (year < YEAR_FIRST || year > YEAR_LAST || month < 1 || month > 12 || day < 1)
        return false;
    *first = day_of((int64_t)year, (int64_t)month, (int64_t)day);
    return *first < day_of((int64_t)year, (int64_t)month + 1, 1);
}

static bool read_name(enum calendar_kind kind, struct text name, int64_t *first)
{
    return kind == CALENDAR_WEEK ? read_week(name, first) : read_date(name, kind == CALENDAR_DAY, first);
}

bool calendar_period_named(const struct calendar_zone *zone, enum calendar_kind kind, struct text name,
                           struct calendar_period *result)
{
    int64_t first;
    if (!read_name(kind, name, &first))
        return false;
    *result = period_of(zone, kind, first);
    return true;
}

struct calendar_period calendar_period_from(const struct calendar_zone *zone, const struct calendar_period *period,
                                            int count)
{
    int64_t first = 0;
    int year, month, day;
    read_name(period->kind, text_of(period->name), &first);
    date_of(first, &year, &month, &day);
    first = period->kind == CALENDAR_DAY    ? first + count
            : period->kind == CALENDAR_WEEK ? first + (int64_t)7 * count
                                            : day_of(year, month + count, 1);
    return period_of(zone, period->kind, first);
}

/* Where clocks go back over midnight, what they show is of the day before for a second time: it belongs to the day that
 * had begun. */
struct calendar_period calendar_period_at(const struct calendar_zone *zone, enum calendar_kind kind, moment when)
{
    struct calendar_time time = calendar_time_of(zone, when);
    struct calendar_period period = period_of(zone, kind, first_day_of(kind, day_of(time.year, time.month, time.day)));
    return when >= period.end ? calendar_period_from(zone, &period, 1) : period;
}
