/* See window.h. */
#include "collector/alert/window.h"

#include <errno.h>

#define DAY_MINUTES 1440

struct window {
    bool days[7];
    uint32_t begin, end; /* minutes of the day; end up to 1440 */
};

static int day_of(struct text word)
{
    static const char *const names[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    for (int i = 0; i < 7; i++)
        if (text_equals_nocase(word, text_of(names[i])))
            return i;
    return -1;
}

/* "Mon-Fri", "Sat", "Fri-Mon", which goes over the weekend. */
static bool read_days(struct text word, bool days[7])
{
    struct text rest = word, first = text_split(&rest, '-');
    int from = day_of(first), to = rest.length ? day_of(rest) : from;
    if (from < 0 || to < 0 || (rest.length == 0 && first.length != word.length))
        return false;
    for (int day = from;; day = (day + 1) % 7) {
        days[day] = true;
        if (day == to)
            return true;
    }
}

/* "08:00", "24:00". */
static bool read_time(struct text word, uint32_t *minute)
{
    uint64_t hours, minutes;
    if (word.length != 5 || word.bytes[2] != ':' || !text_number((struct text){word.bytes, 2}, &hours) ||
        !text_number((struct text){word.bytes + 3, 2}, &minutes) || minutes > 59)
        return false;
    *minute = (uint32_t)(hours * 60 + minutes);
    return *minute <= DAY_MINUTES;
}

static bool read_times(struct text word, struct window *window)
{
    struct text rest = word, first = text_split(&rest, '-');
    return read_time(first, &window->begin) && read_time(rest, &window->end) && window->begin < DAY_MINUTES &&
           window->begin != window->end;
}

/* Days, a space, times; or times alone. */
static bool read_window(struct text text, struct window *window)
{
    *window = (struct window){.begin = 0};
    struct text rest = text, first = text_split(&rest, ' ');
    rest = text_trim(rest);
    if (rest.length > 0)
        return read_days(first, window->days) && read_times(rest, window);
    for (int i = 0; i < 7; i++)
        window->days[i] = true;
    return read_times(first, window);
}

static bool is_open(const struct window *window, const struct wall *wall)
{
    bool today = window->days[wall->weekday % 7], yesterday = window->days[(wall->weekday + 6) % 7];
    if (window->begin < window->end)
        return today && wall->minute >= window->begin && wall->minute < window->end;
    return (today && wall->minute >= window->begin) || (yesterday && wall->minute < window->end);
}

int windows_check(struct text text, struct error *error)
{
    struct window window;
    while (text.length > 0) {
        struct text one = text_trim(text_split(&text, ','));
        if (one.length > 0 && !read_window(one, &window))
            return error_set(
                error, EINVAL,
                "\"%.*s\" is no time of the week; \"Mon-Fri 08:00-18:00\" and \"22:00-06:00\" are allowed, "
                "a comma between two",
                (int)(one.length < 60 ? one.length : 60), one.bytes);
    }
    return 0;
}

bool windows_are_open(struct text text, const struct wall *wall)
{
    struct window window;
    while (text.length > 0) {
        struct text one = text_trim(text_split(&text, ','));
        if (one.length > 0 && read_window(one, &window) && is_open(&window, wall))
            return true;
    }
    return false;
}
