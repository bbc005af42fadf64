/* auth: passwords that are guessed, and logins that are stolen.
 *
 * A machine that submits mail has an account at one provider, or a few. Idea: fail2ban's count of failed logins and the
 * mail providers' count of accounts for each address, read at the end where both come from.
 *
 * State (272 bytes): sketches of the providers in an hour and in a day and of the users that failed; the servers at
 * which logins failed and the domains of users that were accepted, a bit each; figures of this half hour and the one
 * before. A provider is a network of 24 bits (IPv6: 48): its name has many addresses.
 *
 * What counts, and weights; the worthiest counts, and where another one is worth 7 and more, 3 on top of it:
 *
 * Providers with an open connection to port 465 or 587, which needs no reading: more than 6 in an hour (12 in a day) 3
 * points, more than 12 (24) 7, more than 24 (48) 15.2, more than 48 (96) 16. Honest machines have up to three, one that
 * moves mailboxes or watches servers a few more. Nobody has use for two dozen but who has others' logins, or a service
 * that sends for many customers by their own accounts; give that a limit of its own.
 *
 * Domains of users that logged in, in the clear: 6 in an hour 4 points, 12 8, 24 12, if there are half as many
 * providers: a web server sends for its customers as well, but by one relay.
 *
 * Users whose login failed, in the clear: 5 in an hour 3 points, 10 6, 20 9, 50 12, 200 15; at three servers and more 4
 * more; half of it all where as many logins were accepted. A forgotten password in one program is one user, and
 * nothing, however long it is tried: 120 failures in an hour are worth 2, 600 5, 3,000 8.
 *
 * Encrypted sessions there without a message, four in five of all: where the login fails nothing follows it. At one
 * server or two 240 in an hour are worth 4, 1,000 9 (a program with an old password that tries every minute has 60); at
 * three and more 10 are worth 4, 30 8, 100 12; at eight and more 3 more.
 *
 * `most` is 19: who guesses or uses stolen logins at many servers is throttled by this alone, and blocked with whatever
 * else is seen. */
#include <assert.h>
#include "detectors/detector.h"
#include "detectors/recent.h"
#include "detectors/sketch.h"
#include "detectors/standing.h"

#define HALF (30 * MINUTE)

enum figure { FAILED, ACCEPTED, VAIN, ENCRYPTED, FIGURES };

struct settings {
    struct detector_settings base;
    duration again;
    uint32_t providers_1h, providers_24h;
};

struct state {
    uint32_t half, half_day;
    uint32_t figures[FIGURES][2]; /* of this half hour and the one before */
    struct sketch hour, day;      /* providers */
    struct sketch users;          /* that failed */
    uint64_t failing[2];          /* servers, a bit each */
    uint64_t domains[2];          /* of users that were accepted */
    struct standing standing;
};
static_assert(sizeof(struct state) <= 300, "small");

static const struct option options[] = {
    DETECTOR_OPTIONS("auth", struct settings, "19"),
    AGAIN_OPTION("auth", struct settings),
    COUNT_OPTION("auth", struct settings, providers_1h, "6", .most = "1000",
                 .text = "Different submission providers in one hour above which a sender stands out; 0: no limit."),
    COUNT_OPTION("auth", struct settings, providers_24h, "12", .most = "1000",
                 .text = "Different submission providers in 24 hours above which a sender stands out; 0: no limit."),
    {.key = NULL},
};

struct level {
    uint32_t from;
    points worth;
};

static points worth_of(uint32_t number, const struct level *levels, size_t count)
{
    points worth = 0;
    for (size_t i = 0; i < count && number >= levels[i].from; i++)
        worth = levels[i].worth;
    return worth;
}
#define WORTH(number, levels) worth_of(number, levels, sizeof(levels) / sizeof(levels)[0])

static void age(struct state *state, moment now)
{
    uint32_t half = standing_period(now, HALF), half_day = standing_period(now, DAY / 2);
    if (half > state->half || standing_is_ahead(state->half, half)) {
        uint32_t halves = half > state->half ? half - state->half : UINT32_MAX;
        bool next = halves == 1;
        for (int i = 0; i < FIGURES; i++) {
            state->figures[i][1] = next ? state->figures[i][0] : 0;
            state->figures[i][0] = 0;
        }
        state->failing[1] = next ? state->failing[0] : 0;
        state->domains[1] = next ? state->domains[0] : 0;
        state->failing[0] = state->domains[0] = 0;
        sketch_age(&state->hour, halves);
        sketch_age(&state->users, halves);
        state->half = half;
    }
    if (half_day > state->half_day || standing_is_ahead(state->half_day, half_day)) {
        sketch_age(&state->day, half_day > state->half_day ? half_day - state->half_day : UINT32_MAX);
        state->half_day = half_day;
    }
}

static bool is_submission(const struct observation *seen)
{
    return seen->server_port == 465 || seen->server_port == 587;
}

static void add(struct state *state, enum figure figure, uint32_t number)
{
    uint32_t *now = &state->figures[figure][0];
    *now = *now > UINT32_MAX - number ? UINT32_MAX : *now + number;
}

static uint32_t figure_of(const struct state *state, enum figure figure)
{
    uint64_t sum = (uint64_t)state->figures[figure][0] + state->figures[figure][1];
    return sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
}

static uint32_t bits_of(const uint64_t words[2])
{
    return (uint32_t)__builtin_popcountll(words[0] | words[1]);
}

static void note_failing(struct state *state, const struct observation *seen)
{
    state->failing[0] |= UINT64_C(1) << recent_hash_network(&seen->server) % 64;
}

static void note_login(struct state *state, const struct observation *seen)
{
    if (seen->auth.outcome == AUTH_FAILED) {
        add(state, FAILED, 1);
        note_failing(state, seen);
        if (seen->auth.user.length > 0)
            sketch_add(&state->users, recent_hash(seen->auth.user));
    } else if (seen->auth.outcome == AUTH_ACCEPTED) {
        add(state, ACCEPTED, 1);
        struct text domain = recent_domain(seen->auth.user);
        if (domain.length > 0)
            state->domains[0] |= UINT64_C(1) << recent_hash(domain) % 64;
    }
}

static void note_session(struct state *state, const struct observation *seen)
{
    if (!is_submission(seen) || seen->close.tls == TLS_NONE ||
        (seen->close.tls_commands == 0 && seen->close.tls_messages == 0))
        return;
    add(state, ENCRYPTED, 1);
    if (seen->close.tls_messages > 0)
        return;
    add(state, VAIN, 1);
    note_failing(state, seen);
}

static points worth_of_providers(uint32_t providers, uint32_t limit)
{
    if (limit == 0 || providers <= limit)
        return 0;
    uint32_t times = (providers - 1) / limit;
    return times >= 8 ? 1600 : times >= 4 ? 1520 : times >= 2 ? 700 : 300;
}

static points worth_of_domains(const struct state *state)
{
    static const struct level levels[] = {{6, 400}, {12, 800}, {24, 1200}};
    uint32_t domains = bits_of(state->domains), providers = sketch_count(&state->hour);
    return WORTH(providers < domains / 2 ? 2 * providers : domains, levels);
}

static points worth_of_failures(const struct state *state)
{
    static const struct level by_user[] = {{5, 300}, {10, 600}, {20, 900}, {50, 1200}, {200, 1500}};
    static const struct level by_number[] = {{120, 200}, {600, 500}, {3000, 800}};
    uint32_t failed = figure_of(state, FAILED);
    points users = WORTH(sketch_count(&state->users), by_user), number = WORTH(failed, by_number);
    if (users > 0 && bits_of(state->failing) >= 3)
        users += 400;
    points worth = users > number ? users : number;
    return figure_of(state, ACCEPTED) >= failed ? worth / 2 : worth;
}

static points worth_of_vain(const struct state *state)
{
    static const struct level at_few[] = {{240, 400}, {1000, 900}};
    static const struct level at_many[] = {{10, 400}, {30, 800}, {100, 1200}};
    uint32_t vain = figure_of(state, VAIN), servers = bits_of(state->failing);
    if (vain < figure_of(state, ENCRYPTED) / 5 * 4)
        return 0;
    points few = WORTH(vain, at_few), many = servers >= 3 ? WORTH(vain, at_many) : 0;
    if (many > 0 && servers >= 8)
        many += 300;
    return few > many ? few : many;
}

static void weigh(const struct settings *settings, struct state *state, moment now, struct findings *findings)
{
    points hour = worth_of_providers(sketch_count(&state->hour), settings->providers_1h);
    points day = worth_of_providers(sketch_count(&state->day), settings->providers_24h);
    points providers = hour > day ? hour : day, domains = worth_of_domains(state);
    points stolen = providers > domains ? providers : domains;
    points failures = worth_of_failures(state), vain = worth_of_vain(state);
    points guessed = failures > vain ? failures : vain;
    points worth = stolen > guessed ? stolen : guessed;
    if (stolen >= 700 && guessed >= 700)
        worth += 300;
    points more = worth ? standing_raise(&state->standing, worth, now, settings->again) : 0;
    if (more)
        findings_add(
            findings, more,
            "submission at %u providers in an hour, %u in a day; %u failed logins of %u users; %u of %u encrypted "
            "sessions without a message",
            sketch_count(&state->hour), sketch_count(&state->day), figure_of(state, FAILED),
            sketch_count(&state->users), figure_of(state, VAIN), figure_of(state, ENCRYPTED));
}

static void observe(const void *context, void *memory, const struct observation *seen, struct findings *findings)
{
    const struct settings *settings = context;
    struct state *state = memory;
    if (seen->kind != OBSERVATION_AUTH && !is_submission(seen))
        return;
    age(state, seen->time);
    if (seen->kind == OBSERVATION_AUTH) {
        note_login(state, seen);
    } else if (seen->kind == OBSERVATION_CLOSE) {
        note_session(state, seen);
    } else if (seen->connection.outcome == CONNECTION_OPENED) {
        uint32_t provider = recent_hash_network(&seen->server);
        sketch_add(&state->hour, provider);
        sketch_add(&state->day, provider);
    }
    weigh(settings, state, seen->time, findings);
}

const struct detector detector_auth = {
    .name = "auth",
    .sees = "Passwords that are guessed, and logins at more providers than anybody has accounts at.",
    .wants = OBSERVATION_BIT(OBSERVATION_CONNECTION) | OBSERVATION_BIT(OBSERVATION_AUTH) |
             OBSERVATION_BIT(OBSERVATION_CLOSE),
    .options = options,
    .settings_size = sizeof(struct settings),
    .state_size = sizeof(struct state),
    .observe = observe,
};
