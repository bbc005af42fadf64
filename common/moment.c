/* Times and durations as text. Pure arithmetic in the proleptic Gregorian calendar: no time zone, no libc clock. */
#include "common/moment.h"

#include <assert.h>
#include <string.h>

#define LONGEST_DURATION (3650 * DAY)

/* Days from 1970-01-01 to a date, by counting years from March, so that the leap day is a year's last. */
static int64_t days_of_date(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t months_since_march = (month + 9) % 12;
    int64_t day_of_year = (153 * months_since_march + 2) / 5 + day - 1;
    return 365 * y + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
}

static void date_of_days(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
    int64_t shifted = days + 719468; /* days since 0000-03-01 */
    int64_t era = shifted / 146097, day_of_era = shifted % 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t months_since_march = (5 * day_of_year + 2) / 153;
    *day = day_of_year - (153 * months_since_march + 2) / 5 + 1;
    *month = months_since_march < 10 ? months_since_march + 3 : months_since_march - 9;
    *year = era * 400 + year_of_era + (*month <= 2 ? 1 : 0);
}

static const char pattern[] = "0000-00-00T00:00:00.000000Z";
static_assert(sizeof pattern == MOMENT_LENGTH + 1 && sizeof pattern <= MOMENT_TEXT, "all of it");

static inline void write_two(char *at, uint32_t number)
{
    at[0] = (char)('0' + number / 10);
    at[1] = (char)('0' + number % 10);
}

const char *moment_print(moment when, char result[MOMENT_TEXT])
{
    if (when < 0)
        when = 0; /* the far end of 64 bits is the year 2262 */
    int64_t year, month, day;
    uint64_t seconds = (uint64_t)when / (uint64_t)SECOND;
    uint32_t micro = (uint32_t)((uint64_t)when % (uint64_t)SECOND) / (uint32_t)MICROSECOND;
    uint32_t in_day = (uint32_t)(seconds % 86400);
    date_of_days((int64_t)(seconds / 86400), &year, &month, &day);
    memcpy(result, pattern, sizeof pattern);
    write_two(result, (uint32_t)year / 100);
    write_two(result + 2, (uint32_t)year % 100);
    write_two(result + 5, (uint32_t)month);
    write_two(result + 8, (uint32_t)day);
    write_two(result + 11, in_day / 3600);
    write_two(result + 14, in_day / 60 % 60);
    write_two(result + 17, in_day % 60);
    write_two(result + 20, micro / 10000);
    write_two(result + 22, micro / 100 % 100);
    write_two(result + 24, micro % 100);
    return result;
}

static bool take_byte(struct text *text, char wanted)
{
    if (text->length == 0 || text->bytes[0] != wanted)
        return false;
    text->bytes++;
    text->length--;
    return true;
}

/* Exactly so many digits, in a range. */
static bool take_digits(struct text *text, size_t digits, int64_t least, int64_t most, int64_t *result)
{
    uint64_t number;
    if (text->length < digits || !text_number((struct text){text->bytes, digits}, &number) || (int64_t)number < least ||
        (int64_t)number > most)
        return false;
    text->bytes += digits;
    text->length -= digits;
    *result = (int64_t)number;
    return true;
}

/* ".5" as nanoseconds; nothing there is zero. */
static bool take_fraction(struct text *text, int64_t *result)
{
    *result = 0;
    if (!take_byte(text, '.'))
        return true;
    int64_t unit = SECOND;
    size_t digits = 0;
    for (; text->length > 0 && text->bytes[0] >= '0' && text->bytes[0] <= '9'; digits++) {
        unit /= 10;
        *result += unit * (text->bytes[0] - '0');
        text->bytes++;
        text->length--;
    }
    return digits >= 1 && digits <= 9;
}

static bool take_offset(struct text *text, int64_t *result)
{
    int64_t hours, minutes, sign = 1;
    *result = 0;
    if (take_byte(text, 'Z') || take_byte(text, 'z'))
        return true;
    if (take_byte(text, '-'))
        sign = -1;
    else if (!take_byte(text, '+'))
        return false;
    if (!take_digits(text, 2, 0, 23, &hours) || !take_byte(text, ':') || !take_digits(text, 2, 0, 59, &minutes))
        return false;
    *result = sign * (hours * 3600 + minutes * 60);
    return true;
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    if (month == 12)
        return 31;
    return days_of_date(year, month + 1, 1) - days_of_date(year, month, 1);
}

/* Seconds and a fraction, where they are a moment after 1970 that 64 bits hold. */
static bool moment_of(int64_t seconds, int64_t fraction, moment *result)
{
    moment when;
    if (seconds < 0 || __builtin_mul_overflow(seconds, SECOND, &when) || __builtin_add_overflow(when, fraction, &when))
        return false;
    *result = when;
    return true;
}

static bool parse_date_and_time(struct text text, moment *result)
{
    int64_t year, month, day, hour, minute, second, fraction, offset;
    if (!take_digits(&text, 4, 1970, 9999, &year) || !take_byte(&text, '-') || !take_digits(&text, 2, 1, 12, &month) ||
        !take_byte(&text, '-') || !take_digits(&text, 2, 1, 31, &day) || day > days_in_month(year, month))
        return false;
    if (!take_byte(&text, 'T') && !take_byte(&text, 't') && !take_byte(&text, ' '))
        return false;
    if (!take_digits(&text, 2, 0, 23, &hour) || !take_byte(&text, ':') || !take_digits(&text, 2, 0, 59, &minute) ||
        !take_byte(&text, ':') ||
        !take_digits(&text, 2, 0, 60, &second)) /* 60: a leap second is the next one's start */
        return false;
    if (!take_fraction(&text, &fraction) || !take_offset(&text, &offset) || text.length > 0)
        return false;
    int64_t seconds = days_of_date(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
    return moment_of(seconds, fraction, result);
}

bool moment_parse(struct text text, moment *result)
{
    if (text.length > 4 && text.bytes[4] == '-')
        return parse_date_and_time(text, result);
    size_t digits = 0;
    while (digits < text.length && text.bytes[digits] >= '0' && text.bytes[digits] <= '9')
        digits++;
    uint64_t seconds;
    int64_t fraction;
    if (!text_number((struct text){text.bytes, digits}, &seconds) || seconds > INT64_MAX / SECOND)
        return false;
    text.bytes += digits;
    text.length -= digits;
    return take_fraction(&text, &fraction) && text.length == 0 && moment_of((int64_t)seconds, fraction, result);
}

/* Largest first: a sum must come in this order, each unit once, so that "1m1h" is seen to be a slip. */
static const struct unit {
    const char *name;
    duration length;
} units[] = {
    {"d", DAY}, {"h", HOUR}, {"m", MINUTE}, {"s", SECOND}, {"ms", MILLISECOND}, {"us", MICROSECOND}, {"ns", 1},
};
#define UNITS (sizeof units / sizeof units[0])

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One "30m" off the front; `from` is the first unit that may still come. */
static bool take_part(struct text *text, size_t *from, duration *result)
{
    size_t digits = 0, letters = 0;
    while (digits < text->length && is_digit(text->bytes[digits]))
        digits++;
    while (digits + letters < text->length && !is_digit(text->bytes[digits + letters]))
        letters++;
    uint64_t number;
    if (!text_number((struct text){text->bytes, digits}, &number))
        return false;
    struct text name = {text->bytes + digits, letters};
    for (size_t i = *from; i < UNITS; i++) {
        if (!text_equals(name, text_of(units[i].name)))
            continue;
        if (number > (uint64_t)(LONGEST_DURATION / units[i].length))
            return false;
        *from = i + 1;
        *result = (duration)number * units[i].length;
        text->bytes += digits + letters;
        text->length -= digits + letters;
        return true;
    }
    return false;
}

bool duration_parse(struct text text, duration *result)
{
    if (text_equals(text, TEXT("0"))) {
        *result = 0; /* nothing needs no unit */
        return true;
    }
    duration sum = 0, part;
    size_t from = 0;
    do {
        if (!take_part(&text, &from, &part) || part > LONGEST_DURATION - sum)
            return false;
        sum += part;
    } while (text.length > 0);
    *result = sum;
    return true;
}

static char *write_digits(char *at, int64_t number, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        at[i] = (char)('0' + number % 10);
        number /= 10;
    }
    return at + digits;
}

const char *duration_print(duration length, char result[DURATION_TEXT])
{
    char *at = result;
    uint64_t left = (uint64_t)length;
    if (length < 0) {
        *at++ = '-'; /* never read back, but never lied about either */
        left = -left;
    }
    for (size_t i = 0; i < UNITS; i++) {
        uint64_t number = left / (uint64_t)units[i].length;
        left %= (uint64_t)units[i].length;
        if (number == 0)
            continue;
        int digits = 1;
        for (uint64_t n = number; n >= 10; n /= 10)
            digits++;
        at = write_digits(at, (int64_t)number, digits);
        for (const char *letter = units[i].name; *letter; letter++)
            *at++ = *letter;
    }
    if (at == result) {
        *at++ = '0';
        *at++ = 's';
    }
    *at = '\0';
    return result;
}
