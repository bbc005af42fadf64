/* See zone_rule.h. */
#include "collector/report/zone_rule.h"

#define DAY_SECONDS 86400

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int64_t calendar_days(int64_t year, int64_t month)
{
    static const int before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t past = year - 1;
    return 365 * year + past / 4 - past / 100 + past / 400 + before[month - 1] + (month > 2 && is_leap(year)) - 719527;
}

/* --- reading --- */

static bool take_byte(struct text *rest, char byte)
{
    if (rest->length == 0 || rest->bytes[0] != byte)
        return false;
    rest->bytes++;
    rest->length--;
    return true;
}

static bool take_number(struct text *rest, int most, int *result)
{
    size_t digits = 0;
    int number = 0;
    while (digits < 3 && digits < rest->length && rest->bytes[digits] >= '0' && rest->bytes[digits] <= '9')
        number = number * 10 + (rest->bytes[digits++] - '0');
    rest->bytes += digits;
    rest->length -= digits;
    *result = number;
    return digits > 0 && number <= most;
}

/* "CET" or "<+03>": at least three letters. */
static bool take_name(struct text *rest)
{
    size_t length = 0;
    if (take_byte(rest, '<')) {
        while (length < rest->length && rest->bytes[length] != '>')
            length++;
        rest->bytes += length;
        rest->length -= length;
        return length >= 3 && take_byte(rest, '>');
    }
    while (length < rest->length && ((rest->bytes[length] | 0x20) >= 'a' && (rest->bytes[length] | 0x20) <= 'z'))
        length++;
    rest->bytes += length;
    rest->length -= length;
    return length >= 3;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct text *rest, int hours_most, int32_t *result)
{
    int parts[3] = {0};
    bool is_negative = take_byte(rest, '-');
    if (!is_negative)
        (void)take_byte(rest, '+');
    if (!take_number(rest, hours_most, &parts[0]))
        return false;
    for (int i = 1; i < 3 && take_byte(rest, ':'); i++)
        if (!take_number(rest, 59, &parts[i]))
            return false;
    *result = (parts[0] * 3600 + parts[1] * 60 + parts[2]) * (is_negative ? -1 : 1);
    return true;
}

static bool take_date(struct text *rest, struct zone_date *date)
{
    bool good;
    date->time = 2 * 3600;
    if (take_byte(rest, 'M')) {
        date->form = ZONE_DATE_WEEKDAY;
        good = take_number(rest, 12, &date->month) && date->month >= 1 && take_byte(rest, '.') &&
               take_number(rest, 5, &date->week) && date->week >= 1 && take_byte(rest, '.') &&
               take_number(rest, 6, &date->day);
    } else if (take_byte(rest, 'J')) {
        date->form = ZONE_DATE_NO_LEAP;
        good = take_number(rest, 365, &date->day) && date->day >= 1;
    } else {
        date->form = ZONE_DATE_DAY;
        good = take_number(rest, 365, &date->day);
    }
    return good && (!take_byte(rest, '/') || take_time(rest, 167, &date->time));
}

bool zone_rule_read(struct text rest, struct zone_rule *rule)
{
    *rule = (struct zone_rule){0};
    if (!take_name(&rest) || !take_time(&rest, 24, &rule->standard))
        return false;
    rule->standard = -rule->standard; /* there west is positive */
    if (rest.length == 0)
        return true;
    rule->has_summer = true;
    rule->summer = rule->standard + 3600;
    if (!take_name(&rest))
        return false;
    if (rest.length > 0 && rest.bytes[0] != ',') {
        if (!take_time(&rest, 24, &rule->summer))
            return false;
        rule->summer = -rule->summer;
    }
    return take_byte(&rest, ',') && take_date(&rest, &rule->begin) && take_byte(&rest, ',') &&
           take_date(&rest, &rule->end) && rest.length == 0;
}

/* --- reckoning --- */

/* On the clock that is shown before. */
static int64_t seconds_of(const struct zone_date *date, int64_t year)
{
    int64_t days;
    if (date->form == ZONE_DATE_WEEKDAY) {
        int64_t first = calendar_days(year, date->month);
        int64_t next = date->month == 12 ? calendar_days(year + 1, 1) : calendar_days(year, date->month + 1);
        int64_t weekday = ((first + 4) % 7 + 7) % 7; /* of the first, 0: Sunday */
        days = first + (date->day - weekday + 7) % 7 + (int64_t)7 * (date->week - 1);
        while (days >= next)
            days -= 7;
    } else if (date->form == ZONE_DATE_NO_LEAP) {
        days = calendar_days(year, 1) + date->day - 1 + (date->day > 59 && is_leap(year));
    } else {
        days = calendar_days(year, 1) + date->day;
    }
    return days * DAY_SECONDS + date->time;
}

static int64_t year_of(int64_t seconds)
{
    int64_t days = seconds / DAY_SECONDS - (seconds % DAY_SECONDS < 0), year = 1970 + days / 366;
    while (calendar_days(year + 1, 1) <= days)
        year++;
    while (calendar_days(year, 1) > days)
        year--;
    return year;
}

int32_t zone_rule_offset(const struct zone_rule *rule, int64_t seconds)
{
    if (!rule->has_summer)
        return rule->standard;
    int64_t year = year_of(seconds + rule->standard);
    int64_t begin = seconds_of(&rule->begin, year) - rule->standard;
    int64_t end = seconds_of(&rule->end, year) - rule->summer;
    bool is_summer = begin < end ? seconds >= begin && seconds < end : seconds >= begin || seconds < end;
    return is_summer ? rule->summer : rule->standard;
}
