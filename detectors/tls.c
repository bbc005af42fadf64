/* tls: encrypted sessions that come to nothing, at ever new servers.
 *
 * Behind STARTTLS nothing can be read. What remains is told by the lengths of records (agent/packet/tls_records.h):
 * whether a message was sent, and whether replies were as long as refusals are. Idea: rejects' sequential test (Wald,
 * 1945; Jung et al., 2004) with servers in the place of recipients: a bot with a bought list is turned away at every
 * second server, whoever mails those who asked for it at one in twelve.
 *
 * State (240 bytes): the sum; figures of this half hour and the one before; a sketch of the servers met, a filter
 * (Bloom, "Space/Time Trade-offs in Hash Coding with Allowable Errors", 1970) of those that turned the sender away
 * first, and the fingerprints of hellos, a bit each.
 *
 * What counts: the first session with a server in full, later ones by a quarter. A session was turned away if it began
 * a transaction and sent no message, or had more long replies than messages. Greylisting looks the same, so at a server
 * that has turned the sender away first, further vain sessions do not count, and the first message there takes the
 * refusal back. The sum moves by the logarithm of the likelihood ratio between 20 % and 50 % turned away (honest ones
 * have 2 to 8 %, and some greylisting), does not fall below -10 and halves in each hour.
 *
 * Weights: 3 points at a sum of 12 and 8 servers that turned the sender away in the last hour, 7 at 18 and 16, 12 at 24
 * and 32, 14 at 30 and 48, a throttle alone, 16 at 36 and 64, a block with fanout. The servers are asked for as well
 * because a new machine's first mails may all be greylisted, which are some dozen servers and no more.
 *
 * How many servers there are is fanout's to say, and how many connections burst's: a newsletter over STARTTLS has the
 * same shape, and nothing is held against it here. Mail programs make one fingerprint each, a machine has a few: 24 and
 * more in an hour are worth 3 points, for who varies it hides. Ports 465 and 587 are auth's.
 *
 * What remains: a bot with a good list, which sends no faster than honest senders, is not seen behind TLS. */
#include <assert.h>
#include "detectors/detector.h"
#include "detectors/recent.h"
#include "detectors/sketch.h"
#include "detectors/standing.h"

/* 10*log10 of (1 - 0.5)/(1 - 0.2) and of 0.5/0.2. */
#define STEP_TAKEN  (-204)
#define STEP_TURNED 398
#define LATER_PART  4
#define SUM_LEAST   (-1000)
#define SUM_MOST    6000
#define HALF        (30 * MINUTE)

#define FILTER_BITS 512
#define CROWDED     (FILTER_BITS / 2)

#define DISGUISES      24 /* fingerprints, of 64 bits */
#define DISGUISE_WORTH 300

static const struct {
    points sum;
    uint32_t servers;
    points worth;
} levels[] = {{1200, 8, 300}, {1800, 16, 700}, {2400, 32, 1200}, {3000, 48, 1400}, {3600, 64, 1600}};
#define LEVELS (sizeof levels / sizeof levels[0])

struct settings {
    struct detector_settings base;
    duration again;
};

struct state {
    points sum;
    uint32_t half;                      /* the number of the half hour */
    uint16_t sessions[2];               /* that counted, in this half hour and in the one before */
    uint16_t turned[2];                 /* ... servers that turned the sender away */
    struct sketch met;                  /* servers */
    uint64_t away[2][FILTER_BITS / 64]; /* those that turned the sender away first */
    uint64_t hellos[2];
    struct standing standing, disguise;
};
static_assert(sizeof(struct state) <= 256, "small");

static const struct option options[] = {
    DETECTOR_OPTIONS("tls", struct settings, "16"),
    AGAIN_OPTION("tls", struct settings),
    {.key = NULL},
};

static void age(struct state *state, moment now)
{
    uint32_t half = standing_period(now, HALF);
    bool ahead = standing_is_ahead(state->half, half);
    if (half <= state->half && !ahead)
        return;
    uint32_t halves = ahead ? UINT32_MAX : half - state->half;
    bool next = halves == 1;
    state->sessions[1] = next ? state->sessions[0] : 0;
    state->turned[1] = next ? state->turned[0] : 0;
    state->hellos[1] = next ? state->hellos[0] : 0;
    state->sessions[0] = state->turned[0] = 0;
    state->hellos[0] = 0;
    for (int i = 0; i < FILTER_BITS / 64; i++) {
        state->away[1][i] = next ? state->away[0][i] : 0;
        state->away[0][i] = 0;
    }
    sketch_age(&state->met, halves);
    uint32_t hours = half / 2 > state->half / 2 ? half / 2 - state->half / 2 : 0;
    state->sum = ahead || hours > 12 ? 0 : state->sum / (1 << hours);
    state->half = half;
}

/* Three bits for each server. */
static bool filter_has(const uint64_t words[FILTER_BITS / 64], uint32_t hash)
{
    for (int i = 0; i < 3; i++, hash >>= 9)
        if ((words[hash / 64 % (FILTER_BITS / 64)] & UINT64_C(1) << hash % 64) == 0)
            return false;
    return true;
}

static void filter_add(uint64_t words[FILTER_BITS / 64], uint32_t hash)
{
    for (int i = 0; i < 3; i++, hash >>= 9)
        words[hash / 64 % (FILTER_BITS / 64)] |= UINT64_C(1) << hash % 64;
}

/* So full that it would say yes to whomever it is asked about. */
static bool filter_is_crowded(const uint64_t words[FILTER_BITS / 64])
{
    int bits = 0;
    for (int i = 0; i < FILTER_BITS / 64; i++)
        bits += __builtin_popcountll(words[i]);
    return bits > CROWDED;
}

static bool has_turned_away(const struct state *state, uint32_t server)
{
    return (filter_has(state->away[0], server) && !filter_is_crowded(state->away[0])) ||
           (filter_has(state->away[1], server) && !filter_is_crowded(state->away[1]));
}

/* So much the session moves the sum. */
static points step_of(struct state *state, const struct observation *seen)
{
    uint32_t server = recent_hash_address(&seen->server);
    bool turned = seen->close.tls_messages == 0 || seen->close.tls_replies_long > seen->close.tls_messages;
    bool first = sketch_add(&state->met, server), away = !first && has_turned_away(state, server);
    if (turned && away)
        return 0;
    state->sessions[0] += state->sessions[0] < UINT16_MAX;
    if (turned && first) {
        filter_add(state->away[0], server);
        state->turned[0] += state->turned[0] < UINT16_MAX;
    }
    if (turned)
        return first ? STEP_TURNED : STEP_TURNED / LATER_PART;
    if (!away)
        return first ? STEP_TAKEN : STEP_TAKEN / LATER_PART;
    for (int i = 0; i < 2; i++) { /* it was greylisted; the filter cannot forget it alone, but the figures can */
        if (!filter_has(state->away[i], server) || state->turned[i] == 0)
            continue;
        state->turned[i]--;
        break;
    }
    return STEP_TAKEN - STEP_TURNED;
}

static void weigh_session(const struct settings *settings, struct state *state, const struct observation *seen,
                          struct findings *findings)
{
    if (seen->close.tls_messages == 0 && seen->close.tls_commands == 0)
        return; /* a hello, and nothing behind it */
    points step = step_of(state, seen), sum = state->sum;
    sum = sum < SUM_LEAST || sum > SUM_MOST ? 0 : sum;
    sum += step;
    state->sum = sum < SUM_LEAST ? SUM_LEAST : sum > SUM_MOST ? SUM_MOST : sum;
    uint32_t turned = (uint32_t)state->turned[0] + state->turned[1];
    points worth = 0;
    for (size_t i = 0; i < LEVELS && state->sum >= levels[i].sum && turned >= levels[i].servers; i++)
        worth = levels[i].worth;
    points more = step > 0 && worth ? standing_raise(&state->standing, worth, seen->time, settings->again) : 0;
    if (!more)
        return;
    char address[ADDRESS_TEXT];
    findings_add(findings, more,
                 "about %u servers turned it away in %u encrypted sessions of the last hour; the last was %s", turned,
                 (uint32_t)state->sessions[0] + state->sessions[1], address_print(&seen->server, address));
}

static void weigh_hello(const struct settings *settings, struct state *state, const struct observation *seen,
                        struct findings *findings)
{
    uint64_t mixed = (seen->tls.fingerprint ^ seen->tls.fingerprint >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    state->hellos[0] |= UINT64_C(1) << (mixed >> 58);
    int hellos = __builtin_popcountll(state->hellos[0] | state->hellos[1]);
    if (hellos < DISGUISES)
        return;
    points more = standing_raise(&state->disguise, DISGUISE_WORTH, seen->time, settings->again);
    if (more)
        findings_add(findings, more, "more than %d kinds of TLS hello in the last hour, as if made up", hellos);
}

static void observe(const void *context, void *memory, const struct observation *seen, struct findings *findings)
{
    const struct settings *settings = context;
    struct state *state = memory;
    if (seen->server_port == 465 || seen->server_port == 587 ||
        (seen->kind == OBSERVATION_CLOSE && seen->close.tls == TLS_NONE))
        return;
    age(state, seen->time);
    if (seen->kind == OBSERVATION_TLS)
        weigh_hello(settings, state, seen, findings);
    else
        weigh_session(settings, state, seen, findings);
}

const struct detector detector_tls = {
    .name = "tls",
    .sees = "Encrypted sessions that many servers turn away, told by the lengths of records.",
    .wants = OBSERVATION_BIT(OBSERVATION_TLS) | OBSERVATION_BIT(OBSERVATION_CLOSE),
    .options = options,
    .settings_size = sizeof(struct settings),
    .state_size = sizeof(struct state),
    .observe = observe,
};
