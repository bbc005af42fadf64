/* See rates.h. */
#include "agent/relay/rates.h"

enum { MESSAGES_MINUTE, MESSAGES_HOUR, RECIPIENTS_MINUTE, RECIPIENTS_HOUR, WINDOWS };

static const uint32_t widths[WINDOWS] = {60, 3600, 60, 3600}; /* seconds */

struct window {
    uint32_t number; /* of the full minute or hour since 1970 */
    uint32_t here, before;
};
struct rate {
    struct window windows[WINDOWS];
};

int rates_create(struct rates *rates, uint32_t most, const struct siphash_key *key, struct error *error)
{
    return places_create(&rates->places, most, sizeof(struct rate), key, error);
}

void rates_clear(struct rates *rates)
{
    places_clear(&rates->places);
}

static uint64_t seconds_of(moment now)
{
    return now > 0 ? (uint64_t)(now / SECOND) : 0;
}

/* The window as it is now. A clock that was set back finds one of the future, which is begun anew. */
static struct window turned(struct window window, uint32_t width, uint64_t seconds)
{
    uint32_t number = (uint32_t)(seconds / width);
    if (window.number == number)
        return window;
    return (struct window){.number = number, .before = window.number + 1 == number ? window.here : 0};
}

/* Seconds until `use` more fit. `room` is what may have been there before. */
static uint32_t wait_of(const struct window *window, uint32_t width, uint32_t elapsed, uint32_t limit, uint32_t use)
{
    uint64_t room = limit > use ? limit - use : 0;
    if (window->here <= room) {
        uint64_t left = room - window->here; /* for what is left of the one before */
        uint64_t weight = (uint64_t)window->before * (width - elapsed);
        if (weight <= left * width)
            return 0;
        /* before * (width - t) <= left * width */
        uint64_t at = width - left * width / window->before;
        return at > elapsed ? (uint32_t)(at - elapsed) : 1;
    }
    return width - elapsed + (uint32_t)(width - room * width / window->here);
}

uint32_t rates_wait(struct rates *rates, uint64_t mark, const struct rate_limits *limits, struct rate_use use,
                    moment now)
{
    const uint32_t most[WINDOWS] = {limits->messages_minute, limits->messages_hour, limits->recipients_minute,
                                    limits->recipients_hour};
    const uint32_t uses[WINDOWS] = {use.messages, use.messages, use.recipients, use.recipients};
    const struct rate *rate = places_find(&rates->places, mark);
    uint64_t seconds = seconds_of(now);
    uint32_t longest = 0;
    for (int i = 0; rate && i < WINDOWS; i++) {
        if (most[i] == 0 || uses[i] == 0)
            continue;
        struct window window = turned(rate->windows[i], widths[i], seconds);
        uint32_t wait = wait_of(&window, widths[i], (uint32_t)(seconds % widths[i]), most[i], uses[i]);
        longest = wait > longest ? wait : longest;
    }
    return longest;
}

void rates_count(struct rates *rates, uint64_t mark, struct rate_use use, moment now)
{
    const uint32_t uses[WINDOWS] = {use.messages, use.messages, use.recipients, use.recipients};
    uint64_t seconds = seconds_of(now);
    bool added;
    struct rate *rate = places_add(&rates->places, mark, &added);
    for (int i = 0; i < WINDOWS; i++) {
        struct window *window = &rate->windows[i];
        *window = turned(*window, widths[i], seconds);
        window->here = window->here > UINT32_MAX - uses[i] ? UINT32_MAX : window->here + uses[i];
    }
}

bool rates_are_limited(const struct rate_limits *limits)
{
    return limits->messages_minute || limits->messages_hour || limits->recipients_minute || limits->recipients_hour;
}
