/* burst: more connections, messages or recipients than a customer's machine has reason to send.
 *
 * Idea: the limits that hosting panels and mail servers set by default, in several windows at once (10 seconds to a
 * day), so that neither a flood of seconds nor a trickle that never ends goes by. Where the sender's own past is known,
 * it stands in for a limit that is lower: a host that sends 5,000 an hour each Tuesday is not noticed for it.
 *
 * State (264 bytes): for each window and each thing counted three buckets, each a third of the window long; the servers
 * of this half minute and the one before, a bit each; the connections of the last 8 seconds that are still open, by the
 * second in which they were opened; how many carried more than one message; what has been said. The sum of the buckets
 * covers between two thirds and the whole of the window, so that "214 connections in 60 seconds" is never said of a
 * longer time.
 *
 * Weights: a limit is no proof, so passing it is worth 1 point, and more with the logarithm of how often it is passed.
 * All windows see the same traffic, so the worthiest counts, not the sum. Volume alone is what newsletters and mailing
 * lists live on: it stays at 3.5 points, far below an alert. Two things go further.
 *
 * One minute. To one server or a few (a relay, the primary of a backup MX, the mailbox that a monitor writes to), whose
 * operator sees it as well and can defer it, connections alone count: 15 points at 64 times the limit, 20 at 128 times.
 * To five servers or more messages count like connections, held against the same limit, or their own where that is
 * higher; recipients do not: a circular to a thousand customers is one message. There it is 5 points at most up to 64
 * times the limit (3,840 a minute at the default): a newsletter's night, a list's post, a queue of 20,000 that twenty
 * connections carry to a new machine all go that fast, and with what fanout says of the same shape (4.5) they must stay
 * below an alert (10): a day with an alert would not be learned. Where one session in eight carries more than one
 * message or recipient, as a mail server's do at large receivers and a bot's do not, it is volume, 3.5.
 *
 * At once. A dialogue takes a third of a second to two, so the connections that are open together run ahead of the
 * messages: who has a hundred messages a second to get rid of has 48 connections open before the third is accepted.
 * Mail servers bound that number (20 in parallel in qmail, and where queues are replayed; 100 processes in Postfix,
 * which needs a whole campaign to fill them): ten messages a second, each taking two, are twenty. Counted are
 * connections that were opened within the last 8 seconds and not closed since, to five servers or more: 24 are
 * worth 4.5 points like volume, 48 are 11.5 (with fanout a throttle: at 12 connections a minute a campaign is late, not
 * lost), 96 are 13, a throttle alone. Never a block: that takes what others see. Of who is known to send n an hour
 * these numbers are multiplied by 1 + n/500, up to eight. Of who usually does not open as many in an hour as he has
 * open now, 24 are worth 8 and 48 are 15.2, which no trust lessens: this is no good week but another sender. */
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
    {1, 100, 100},  {2, 200, 300},   {3, 200, 350},    {4, 300, 400},     {6, 300, 450},     {8, 500, 500},
    {16, 700, 500}, {32, 1000, 500}, {64, 1500, 1000}, {128, 2000, 1700}, {256, 2400, 2400},
};
#define LEVELS       (sizeof worths / sizeof worths[0])
#define VOLUME_WORTH 350

/* Worth of so many open at once: of who is not known, and of who usually does not make as many in an hour. */
static const struct {
    uint32_t number;
    points worth, strange;
} rushes[] = {{24, 450, 800}, {48, 1150, 1520}, {96, 1300, 1520}, {192, 1520, 1520}};
#define RUSHES      (sizeof rushes / sizeof rushes[0])
#define YOUNG       8   /* seconds */
#define FOR_EACH    500 /* usual connections in an hour: once more as many at once */
#define FACTOR_MOST 8
#define SESSIONS    64 /* so many ended ones are remembered, about */
#define GROUPED     8  /* one in so many that carries more than one message is a mail server's */

struct settings {
    struct detector_settings base;
    duration again;
    uint32_t limits[THINGS][WINDOWS]; /* 0: none */
    uint32_t at_once;
};

struct state {
    uint32_t buckets[WINDOWS][THINGS][BUCKETS];
    uint32_t periods[WINDOWS]; /* the number of the bucket that is being filled */
    moment changes;            /* when the next bucket begins */
    uint32_t half;             /* the number of the half minute */
    uint64_t servers[2];       /* a bit for each: in this half minute, and in the one before */
    uint32_t second;           /* the latest in which one was opened */
    uint16_t young[YOUNG];     /* opened in that second, and still open */
    uint8_t single, grouped;   /* sessions that ended: with one message, with more */
    struct standing standing;
};
static_assert(sizeof(struct state) <= 300, "small");

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
    COUNT_OPTION("burst", struct settings, at_once, "24",
                 .text = "Connections to many servers, opened within 8 seconds and still open, above which a sender "
                         "stands out; twice as many are, with what fanout says of them, a throttle; 0: no limit."),
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

static void age_young(struct state *state, uint32_t second)
{
    if (second > state->second || standing_is_ahead(state->second, second)) {
        bool anew = second < state->second || second - state->second >= YOUNG;
        for (uint32_t i = anew ? second - YOUNG : state->second; i != second; i++)
            state->young[(i + 1) % YOUNG] = 0;
        state->second = second;
    }
}

/* One was opened; returns how many are open at once. */
static uint32_t open_one(struct state *state, moment now)
{
    uint32_t second = standing_period(now, SECOND), sum = 0;
    age_young(state, second);
    uint16_t *young = &state->young[second % YOUNG];
    *young += *young < UINT16_MAX;
    for (int i = 0; i < YOUNG; i++)
        sum += state->young[i];
    return sum;
}

/* One has ended. It was opened with its SYN, and counted a little later, when that was answered. */
static void close_one(struct state *state, const struct observation *seen)
{
    uint32_t opened = standing_period(seen->time - seen->close.lasted, SECOND);
    age_young(state, standing_period(seen->time, SECOND));
    for (uint32_t second = opened; second <= opened + 1; second++) {
        if (second > state->second || state->second - second >= YOUNG || state->young[second % YOUNG] == 0)
            continue;
        state->young[second % YOUNG]--;
        break;
    }
}

static void note_session(struct state *state, bool grouped)
{
    uint8_t *count = grouped ? &state->grouped : &state->single;
    *count += *count < UINT8_MAX;
    if (state->single + state->grouped > SESSIONS) {
        state->single /= 2;
        state->grouped /= 2;
    }
}

/* Whether it sends as mail servers do where there is much for one receiver. */
static bool groups(const struct state *state)
{
    return state->grouped > 1 && state->grouped * (GROUPED - 1) >= state->single;
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

/* The limit, or where the sender's own past is known and has more, what it may well do: in a minute a tenth of what is
 * usual in the hour, and so on. */
static uint32_t limit_of(const struct settings *settings, enum thing thing, int window, const struct known *known)
{
    static const struct {
        uint32_t times, of;
    } shares[WINDOWS] = {{1, 30}, {1, 10}, {1, 2}, {2, 1}, {24, 1}};
    uint32_t limit = settings->limits[thing][window];
    uint64_t usual = thing == CONNECTIONS ? known->usual_connections : known->usual_messages;
    usual = (usual < UINT16_MAX ? usual : UINT16_MAX) * shares[window].times / shares[window].of;
    return limit != 0 && usual > limit ? (uint32_t)usual : limit;
}

/* What the count of one window is worth. */
static points weigh(const struct settings *settings, const struct state *state, enum thing thing, int window,
                    uint32_t number, bool many, const struct known *known)
{
    uint32_t limit = limit_of(settings, thing, window, known);
    uint32_t measure = limit_of(settings, CONNECTIONS, window, known);
    points volume = worth_of(number, limit, false), flood = 0;
    if (thing == MESSAGES && measure != 0 && limit > measure)
        measure = limit;
    if (window == MINUTES && limit != 0 && (thing == CONNECTIONS || (thing == MESSAGES && many)))
        flood = worth_of(number, measure, many);
    if (many && flood <= 500 && groups(state))
        flood = 0;
    volume = volume < VOLUME_WORTH ? volume : VOLUME_WORTH;
    return flood > volume ? flood : volume;
}

/* What so many at once are worth; `*strange`: its past speaks against it. */
static points weigh_rush(const struct settings *settings, uint32_t number, const struct known *known, bool *strange)
{
    uint32_t factor = 1 + known->usual_connections / FOR_EACH;
    factor = factor < FACTOR_MOST ? factor : FACTOR_MOST;
    points worth = 0;
    *strange = known->usual_connections != 0 && known->usual_connections < number;
    for (size_t i = 0; i < RUSHES && settings->at_once != 0; i++)
        if (number >= (uint64_t)rushes[i].number * settings->at_once / rushes[0].number * factor)
            worth = *strange ? rushes[i].strange : rushes[i].worth;
    *strange = *strange && worth != 0;
    return worth;
}

/* Say what is worth most: the count of one window, or how many are open at once. */
static void say_volume(const struct settings *settings, struct state *state, enum thing thing, int window, points worth,
                       const struct observation *seen, struct findings *findings)
{
    points more = worth ? standing_raise(&state->standing, worth, seen->time, settings->again) : 0;
    if (!more)
        return;
    uint32_t limit = limit_of(settings, thing, window, &seen->known);
    findings_add(findings, more, "%u %s in %s; %s %u", count(state, window, thing), thing_names[thing],
                 windows[window].name,
                 limit == settings->limits[thing][window] ? "the limit is" : "by its past it would be", limit);
}

static void say_rush(const struct settings *settings, struct state *state, uint32_t number, points worth, bool strange,
                     const struct observation *seen, struct findings *findings)
{
    points more = standing_raise(&state->standing, worth, seen->time, settings->again);
    if (more && strange)
        findings_add_firmly(findings, more, "%u connections open at once; it usually makes %u in such an hour", number,
                            seen->known.usual_connections);
    else if (more)
        findings_add(findings, more, "%u connections open at once, to many servers", number);
}

static void observe(const void *context, void *memory, const struct observation *seen, struct findings *findings)
{
    const struct settings *settings = context;
    struct state *state = memory;
    enum thing thing = seen->kind == OBSERVATION_CONNECTION ? CONNECTIONS
                       : seen->kind == OBSERVATION_MESSAGE  ? MESSAGES
                                                            : RECIPIENTS;
    if (seen->kind == OBSERVATION_CLOSE) {
        close_one(state, seen);
        if (seen->close.transactions > 0)
            note_session(state, seen->close.transactions > 1);
        return;
    }
    if (thing == MESSAGES && seen->message.recipients > 1)
        note_session(state, true);
    age(state, seen->time);
    bool many = goes_to_many(state, seen), strange = false;
    bool opened = thing == CONNECTIONS && seen->connection.outcome == CONNECTION_OPENED;
    uint32_t at_once = opened ? open_one(state, seen->time) : 0;
    points most = 0, rush = many ? weigh_rush(settings, at_once, &seen->known, &strange) : 0;
    int worthiest = 0;
    for (int i = 0; i < WINDOWS; i++) {
        state->buckets[i][thing][state->periods[i] % BUCKETS]++;
        points worth = weigh(settings, state, thing, i, count(state, i, thing), many, &seen->known);
        if (worth > most) {
            most = worth;
            worthiest = i;
        }
    }
    if (rush > most)
        say_rush(settings, state, at_once, rush, strange, seen, findings);
    else
        say_volume(settings, state, thing, worthiest, most, seen, findings);
}

const struct detector detector_burst = {
    .name = "burst",
    .sees = "More connections, messages or recipients in 10 seconds, a minute, 10 minutes, an hour or a day than the "
            "limits allow and than the sender is used to; more connections at once than a mail server opens.",
    .wants = OBSERVATION_BIT(OBSERVATION_CONNECTION) | OBSERVATION_BIT(OBSERVATION_MESSAGE) |
             OBSERVATION_BIT(OBSERVATION_RECIPIENT) | OBSERVATION_BIT(OBSERVATION_CLOSE),
    .options = options,
    .settings_size = sizeof(struct settings),
    .state_size = sizeof(struct state),
    .check = check,
    .observe = observe,
    .soft = true,
};
