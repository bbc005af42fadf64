/* Reading time stamps. Nothing is looked up: days are counted by the proleptic Gregorian calendar, the offset from UTC
 * is the caller's, because a pure folder knows no time zone. */
#include "agent/log/timestamp.h"

#define TRADITIONAL 15 /* "Nov  5 08:00:01" */
#define TAI_EPOCH   (UINT64_C(1) << 62)
#define TAI_BEHIND  10                  /* what TAI64N's writers count as the difference at the epoch */
#define LATEST      INT64_C(7258118400) /* the year 2200: later ones are no stamps */

static int two_digits(const char *bytes)
{
    int tens = bytes[0] == ' ' ? 0 : bytes[0] - '0', ones = bytes[1] - '0';
    return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? -1 : tens * 10 + ones;
}

static int64_t days_until(int year, int month, int day)
{
    year -= month <= 2;
    int64_t era = year / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int year_of(moment time)
{
    int year = (int)(1970 + time / SECOND / 31556952);
    while (days_until(year + 1, 1, 1) * DAY <= time)
        year++;
    while (year > 1970 && days_until(year, 1, 1) * DAY > time)
        year--;
    return year;
}

static bool read_clock(const char *bytes, int64_t *seconds)
{
    int hour = two_digits(bytes), minute = two_digits(bytes + 3), second = two_digits(bytes + 6);
    if (bytes[2] != ':' || bytes[5] != ':' || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
        second > 60)
        return false;
    *seconds = hour * 3600 + minute * 60 + second;
    return true;
}

static void skip(struct text *line, size_t bytes)
{
    line->bytes += bytes;
    line->length -= bytes;
    while (line->length > 0 && line->bytes[0] == ' ') {
        line->bytes++;
        line->length--;
    }
}

/* --- without a year --- */

static moment in_year(int year, int month, int day, int64_t seconds, duration east)
{
    return (days_until(year, month, day) * 86400 + seconds) * SECOND - east;
}

static moment choose_year(const struct timestamp_state *state, int month, int day, int64_t seconds)
{
    moment latest = state->last != 0 ? state->last + DAY * 183 : state->hint != 0 ? state->hint + DAY : 0;
    if (latest == 0)
        return in_year(1970, month, day, seconds, state->east);
    int year = year_of(latest) + 1;
    moment time = in_year(year, month, day, seconds, state->east);
    while (time > latest && year > 1970)
        time = in_year(--year, month, day, seconds, state->east);
    /* A 29th of February stands in leap years only. */
    while (month == 2 && day == 29 && (year % 4 != 0 || (year % 100 == 0 && year % 400 != 0)) && year > 1970)
        time = in_year(--year, month, day, seconds, state->east);
    return time;
}

static int month_of(const char *bytes)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int i = 0; i < 12; i++)
        if (memcmp(bytes, names + (ptrdiff_t)i * 3, 3) == 0)
            return i + 1;
    return 0;
}

static bool read_traditional(struct text line, struct timestamp_state *state, moment *result)
{
    if (line.length < TRADITIONAL || line.bytes[3] != ' ' || line.bytes[6] != ' ')
        return false;
    if (state->seen_moment != 0 && memcmp(line.bytes, state->seen, TRADITIONAL) == 0) {
        *result = state->seen_moment;
        return true;
    }
    int month = month_of(line.bytes), day = two_digits(line.bytes + 4);
    int64_t seconds;
    if (month == 0 || day < 1 || day > 31 || !read_clock(line.bytes + 7, &seconds))
        return false;
    *result = choose_year(state, month, day, seconds);
    memcpy(state->seen, line.bytes, TRADITIONAL);
    state->seen_moment = *result;
    return true;
}

/* --- with one --- */

/* "+01:00", "+0100", "Z" at `at`; returns the bytes it takes, 0: there is none. */
static size_t read_offset(struct text line, size_t at, duration *east)
{
    if (at < line.length && line.bytes[at] == 'Z') {
        *east = 0;
        return 1;
    }
    if (at + 5 > line.length || (line.bytes[at] != '+' && line.bytes[at] != '-'))
        return 0;
    size_t colon = line.bytes[at + 3] == ':';
    if (at + 5 + colon > line.length)
        return 0;
    int hours = two_digits(line.bytes + at + 1), minutes = two_digits(line.bytes + at + 3 + colon);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return 0;
    *east = (hours * HOUR + minutes * MINUTE) * (line.bytes[at] == '-' ? -1 : 1);
    return 5 + colon;
}

static size_t read_fraction(struct text line, size_t at, moment *result)
{
    size_t used = 0;
    if (at < line.length && (line.bytes[at] == '.' || line.bytes[at] == ',')) {
        duration unit = SECOND / 10;
        for (used = 1; at + used < line.length; used++, unit /= 10) {
            char digit = line.bytes[at + used];
            if (digit < '0' || digit > '9')
                break;
            *result += (digit - '0') * unit;
        }
    }
    return used;
}

/* "2026-11-05T08:00:01.5+01:00", or with a space and perhaps one more before the offset, as Exim writes it. Returns the
 * bytes it takes. */
static size_t read_dated(struct text line, duration local, moment *result)
{
    const char *bytes = line.bytes;
    int64_t seconds;
    if (line.length < 19 || bytes[4] != '-' || bytes[7] != '-' || (bytes[10] != 'T' && bytes[10] != ' '))
        return 0;
    int century = two_digits(bytes), year = two_digits(bytes + 2), month = two_digits(bytes + 5),
        day = two_digits(bytes + 8);
    if (century < 19 || century > 21 || year < 0 || month < 1 || month > 12 || day < 1 || day > 31 ||
        !read_clock(bytes + 11, &seconds))
        return 0;
    size_t at = 19;
    moment time = (days_until(century * 100 + year, month, day) * 86400 + seconds) * SECOND;
    at += read_fraction(line, at, &time);
    duration east = local;
    size_t offset = read_offset(line, at, &east);
    if (offset == 0 && bytes[10] == ' ' && at < line.length && bytes[at] == ' ') {
        offset = read_offset(line, at + 1, &east);
        at += offset > 0;
    }
    *result = time - east;
    return at + offset;
}

/* "@4000000065a1b2c31d2e3f40": seconds and nanoseconds in hexadecimal. */
static size_t read_tai(struct text line, moment *result)
{
    uint64_t parts[2] = {0, 0};
    if (line.length < 25 || line.bytes[0] != '@')
        return 0;
    for (size_t i = 1; i < 25; i++) {
        char c = line.bytes[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0)
            return 0;
        parts[i > 16] = parts[i > 16] << 4 | (uint64_t)digit;
    }
    if (parts[0] < TAI_EPOCH + TAI_BEHIND || parts[0] > TAI_EPOCH + LATEST || parts[1] >= (uint64_t)SECOND)
        return 0;
    *result = (int64_t)(parts[0] - TAI_EPOCH - TAI_BEHIND) * SECOND + (int64_t)parts[1];
    return 25;
}

static size_t read_epoch(struct text line, moment *result)
{
    size_t digits = 0;
    int64_t seconds = 0;
    while (digits < line.length && digits < 11 && line.bytes[digits] >= '0' && line.bytes[digits] <= '9')
        seconds = seconds * 10 + (line.bytes[digits++] - '0');
    if (digits < 9 || digits > 10 || seconds > LATEST)
        return 0;
    moment time = seconds * SECOND;
    digits += read_fraction(line, digits, &time);
    if (digits < line.length && line.bytes[digits] != ' ' && line.bytes[digits] != ':')
        return 0;
    *result = time;
    return digits + (digits < line.length && line.bytes[digits] == ':');
}

/* "<22>" of RFC 3164 and "<22>1 " of RFC 5424, where a daemon writes them into its file. */
static void skip_priority(struct text *line)
{
    size_t at = 1;
    if (line->length < 3 || line->bytes[0] != '<')
        return;
    while (at < line->length && at < 5 && line->bytes[at] >= '0' && line->bytes[at] <= '9')
        at++;
    if (at == 1 || at >= line->length || line->bytes[at] != '>')
        return;
    at++;
    if (at + 1 < line->length && line->bytes[at] == '1' && line->bytes[at + 1] == ' ')
        at += 2;
    line->bytes += at;
    line->length -= at;
}

bool timestamp_read(struct text *given, struct timestamp_state *state, moment *result)
{
    moment time;
    size_t used = 0;
    struct text behind = *given, *line = &behind;
    skip_priority(line);
    if (read_traditional(*line, state, &time))
        used = TRADITIONAL;
    else if ((used = read_dated(*line, state->east, &time)) == 0 && (used = read_tai(*line, &time)) == 0)
        used = read_epoch(*line, &time);
    if (used == 0)
        return false;
    if (time < 0)
        time = 0;
    skip(line, used);
    *given = behind;
    state->last = time;
    *result = time;
    return true;
}
