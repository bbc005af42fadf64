/* burst: more connections, messages or recipients than a customer's machine has reason to send.
 *
 * Idea: the limits that hosting panels and mail servers set by default, in several windows at once (10 seconds to a
 * day), so that neither a flood of seconds nor a trickle that never ends goes by.
 *
 * State (240 bytes): for each window and each thing counted three buckets, each a third of the window long; the servers
 * of this half minute and the one before, a bit each; what has been said. The sum of the buckets covers between two
 * thirds and the whole of the window, so that "214 connections in 60 seconds" is never said of a longer time.
 *
 * Weights: a limit is no proof, so passing it is worth 1 point, and more with the logarithm of how often it is passed.
 * All windows see the same traffic, so the worthiest counts, not the sum. Volume alone is what newsletters and mailing
 * lists live on: it stays at 3.5 points, far below an alert. Only one minute goes further, where it tells a flood from
 * mail. How far depends on where the flood goes.
 *
 * To one server or a few (a relay, the primary of a backup MX, the mailbox that a monitor writes to), whose operator
 * sees it as well and can defer it, connections alone count: 15 points at 64 times the limit, 20 at 128 times.
 *
 * To five servers or more, of which no single one can see it: 4 points at twice the limit, 11 at four times, 15.2 (a
 * throttle alone, also where some of it has faded) at six times, which is 360 a minute at the default. Messages count
 * like connections here, held against the same limit, or their own where that is higher: a bot may send many in one
 * connection. Recipients do not: a circular to a thousand customers is one message.
 *
 * It stays at that up to 64 times the limit (3,840 a minute at the default), because fanout sees the same shape, with
 * at most 4.5: a newsletter with good addresses, on a machine that nobody gave limits of its own, is throttled, but
 * both together do not make a block (20). A machine that should not be throttled either is given its own
 * connections_1m. Whatever else is held against the sender (a name that nobody set up, placeholders, refusals) does
 * make it a block. */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include "detectors/detector.h"
#include "detectors/recent.h"
#include "detectors/standing.h"

enum thing { CONNECTIONS, MESSAGES, RECIPIENTS, THINGS };
#define WINDOWS 5
#define BUCKETS 3
#define MINUTES 1 /* the window of one minute */
#define HALF    (30 * SECOND)
#define MANY    5 /* servers */

static const struct {
    duration length;
    const char *name;
} windows[WINDOWS] = {
    {10 * SECOND, "10 seconds"}, {MINUTE, "60 seconds"}, {10 * MINUTE, "10 minutes"}, {HOUR, "1 hour"},
    {DAY, "24 hours"},
};
static const char *const thing_names[THINGS] = {"connections", "messages", "recipients"};

/* Worth of so many times the limit: to one server or a few, and to many. */
static const struct {
    uint32_t times;
    points few, many;
} worths[] = {
    {1, 100, 100},  {2, 200, 400},   {3, 200, 750},    {4, 300, 1100},   {5, 300, 1300},    {6, 300, 1520},
    {8, 500, 1520}, {16, 700, 1520}, {32, 1000, 1520}, {64, 1500, 2000}, {128, 2000, 2400}, {256, 2400, 2400},
};
#define LEVELS       (sizeof worths / sizeof worths[0])
#define VOLUME_WORTH 350

struct settings {
    struct detector_settings base;
    duration again;
    uint32_t limits[THINGS][WINDOWS]; /* 0: none */
};

struct state {
    uint32_t buckets[WINDOWS][THINGS][BUCKETS];
    uint32_t periods[WINDOWS]; /* the number of the bucket that is being filled */
    moment changes;            /* when the next bucket begins */
    uint32_t half;             /* the number of the half minute */
    uint64_t servers[2];       /* a bit for each: in this half minute, and in the one before */
    struct standing standing;
};
static_assert(sizeof(struct state) <= 256, "small");

#define LIMIT(thing, window, key_, preset_, sentence)                                                                  \
    {                                                                                                                  \
        .section = "burst", .key = key_, .type = OPTION_COUNT,                                                         \
        .offset = offsetof(struct settings, limits[thing][window]), .preset = preset_, .reload = true,                 \
        .text = sentence " above which a sender stands out; 0: no limit."                                              \
    }
static const struct option options[] = {
    DETECTOR_OPTIONS("burst", struct settings, "25"),
    AGAIN_OPTION("burst", struct settings),
    LIMIT(CONNECTIONS, 0, "connections_10s", "30", "Connections in 10 seconds"),
    LIMIT(CONNECTIONS, 1, "connections_1m", "60", "Connections in one minute (to many servers: messages as well)"),
    LIMIT(CONNECTIONS, 2, "connections_10m", "300", "Connections in 10 minutes"),
    LIMIT(CONNECTIONS, 3, "connections_1h", "1000", "Connections in one hour"),
    LIMIT(CONNECTIONS, 4, "connections_24h", "5000", "Connections in 24 hours"),
    LIMIT(MESSAGES, 0, "messages_10s", "5", "Messages in 10 seconds"),
    LIMIT(MESSAGES, 1, "messages_1m", "10", "Messages in one minute"),
    LIMIT(MESSAGES, 2, "messages_10m", "50", "Messages in 10 minutes"),
    LIMIT(MESSAGES, 3, "messages_1h", "100", "Messages in one hour"),
    LIMIT(MESSAGES, 4, "messages_24h", "500", "Messages in 24 hours"),
    LIMIT(RECIPIENTS, 0, "recipients_10s", "25", "Recipients in 10 seconds"),
    LIMIT(RECIPIENTS, 1, "recipients_1m", "50", "Recipients in one minute"),
    LIMIT(RECIPIENTS, 2, "recipients_10m", "100", "Recipients in 10 minutes"),
    LIMIT(RECIPIENTS, 3, "recipients_1h", "200", "Recipients in one hour"),
    LIMIT(RECIPIENTS, 4, "recipients_24h", "1000", "Recipients in 24 hours"),
    {.key = NULL},
};

/* A longer window with a smaller limit would leave the shorter one without a meaning. */
static bool check(const void *context, struct error *error)
{
    const struct settings *settings = context;
    const struct option *option = options + 4; /* the first limit; they stand in the order of the settings */
    for (int thing = 0; thing < THINGS; thing++) {
        for (int window = 0; window < WINDOWS; window++, option++) {
            uint32_t limit = settings->limits[thing][window];
            uint32_t shorter = window > 0 ? settings->limits[thing][window - 1] : 0;
            if (limit == 0 || limit >= shorter)
                continue;
            error_set(error, EINVAL, "%s: %u is less than the %u of the shorter window; allowed is 0 or %u and more",
                      option->key, limit, shorter, shorter);
            return false;
        }
    }
    return true;
}

static void age(struct state *state, moment now)
{
    if (now < state->changes && state->changes - now <= windows[0].length / BUCKETS)
        return;
    state->changes = INT64_MAX;
    for (int i = 0; i < WINDOWS; i++) {
        moment begins = (now / (windows[i].length / BUCKETS) + 1) * (windows[i].length / BUCKETS);
        state->changes = begins < state->changes ? begins : state->changes;
        uint32_t period = standing_period(now, windows[i].length / BUCKETS);
        if (standing_is_ahead(state->periods[i], period)) {
            memset(state->buckets[i], 0, sizeof state->buckets[i]);
            state->periods[i] = period;
        }
        if (period <= state->periods[i]) /* also where time went back a little */
            continue;
        uint32_t passed = period - state->periods[i];
        for (int thing = 0; thing < THINGS; thing++)
            for (uint32_t k = 1; k <= BUCKETS && k <= passed; k++)
                state->buckets[i][thing][(state->periods[i] + k) % BUCKETS] = 0;
        state->periods[i] = period;
    }
}

static uint32_t count(struct state *state, int window, enum thing thing)
{
    uint32_t *buckets = state->buckets[window][thing], sum = 0;
    for (int i = 0; i < BUCKETS; i++)
        sum += buckets[i];
    return sum;
}

/* Whether this minute's traffic goes to many servers; this one is among them. */
static bool goes_to_many(struct state *state, const struct observation *seen)
{
    uint32_t half = standing_period(seen->time, HALF);
    if (half > state->half || standing_is_ahead(state->half, half)) {
        state->servers[1] = half == state->half + 1 ? state->servers[0] : 0;
        state->servers[0] = 0;
        state->half = half;
    }
    state->servers[0] |= UINT64_C(1) << recent_hash_address(&seen->server) % 64;
    return __builtin_popcountll(state->servers[0] | state->servers[1]) >= MANY;
}

static points worth_of(uint32_t number, uint32_t limit, bool many)
{
    if (limit == 0 || number <= limit)
        return 0;
    size_t level = 0;
    while (level + 1 < LEVELS && number / limit >= worths[level + 1].times)
        level++;
    return many ? worths[level].many : worths[level].few;
}

/* What the count of one window is worth. */
static points weigh(const struct settings *settings, enum thing thing, int window, uint32_t number, bool many)
{
    uint32_t limit = settings->limits[thing][window], measure = settings->limits[CONNECTIONS][window];
    points volume = worth_of(number, limit, false), flood = 0;
    if (thing == MESSAGES && measure != 0 && limit > measure)
        measure = limit;
    if (window == MINUTES && limit != 0 && (thing == CONNECTIONS || (thing == MESSAGES && many)))
        flood = worth_of(number, measure, many);
    volume = volume < VOLUME_WORTH ? volume : VOLUME_WORTH;
    return flood > volume ? flood : volume;
}

static void observe(const void *context, void *memory, const struct observation *seen, struct findings *findings)
{
    const struct settings *settings = context;
    struct state *state = memory;
    enum thing thing = seen->kind == OBSERVATION_CONNECTION ? CONNECTIONS
                       : seen->kind == OBSERVATION_MESSAGE  ? MESSAGES
                                                            : RECIPIENTS;
    age(state, seen->time);
    bool many = goes_to_many(state, seen);
    points most = 0;
    int worthiest = 0;
    for (int i = 0; i < WINDOWS; i++) {
        state->buckets[i][thing][state->periods[i] % BUCKETS]++;
        points worth = weigh(settings, thing, i, count(state, i, thing), many);
        if (worth > most) {
            most = worth;
            worthiest = i;
        }
    }
    if (most == 0)
        return;
    points more = standing_raise(&state->standing, most, seen->time, settings->again);
    if (more)
        findings_add(findings, more, "%u %s in %s; the limit is %u", count(state, worthiest, thing), thing_names[thing],
                     windows[worthiest].name, settings->limits[thing][worthiest]);
}

const struct detector detector_burst = {
    .name = "burst",
    .sees = "More connections, messages or recipients in 10 seconds, a minute, 10 minutes, an hour or a day than the "
            "limits allow.",
    .wants = OBSERVATION_BIT(OBSERVATION_CONNECTION) | OBSERVATION_BIT(OBSERVATION_MESSAGE) |
             OBSERVATION_BIT(OBSERVATION_RECIPIENT),
    .options = options,
    .settings_size = sizeof(struct settings),
    .state_size = sizeof(struct state),
    .check = check,
    .observe = observe,
};
