/* protocol: clients that do not wait for their turn, and that leave without a word.
 *
 * A mail server reads the greeting before it speaks, sends commands together only to a server that offered PIPELINING,
 * and says QUIT. Programs that were made to send as much as possible do none of it. Idea: the tests that Postfix's
 * postscreen makes at the other end (pregreet, pipelining), and what spam traps report of those who hang up.
 *
 * State (40 bytes): what was counted in this hour, the servers that were left without QUIT, a bit each.
 *
 * Weights, at most 6: a connection with early talk is worth 2 points, three 4; commands pipelined unasked the same;
 * both together 6. Who pipelines before the greeting as Exim's PIPECONNECT allows is not counted. Printers, monitors
 * and old scripts leave without QUIT as well, and whoever is cut off by a timeout: 20 such connections of those in
 * which the server spoke, nine in ten of all, are worth 2 points; with four servers or more 3. Encrypted connections do
 * not show their QUIT. All of it is one clumsy program, so the worthiest counts. */
#include <assert.h>
#include "detectors/detector.h"
#include "detectors/recent.h"
#include "detectors/standing.h"

#define SEVERAL 4 /* servers */

struct settings {
    struct detector_settings base;
    duration again;
    uint32_t early, unasked, rude;
};

struct state {
    uint32_t hour;
    uint32_t all, early, unasked, rude; /* connections in this hour */
    uint64_t servers;                   /* of the rude ones, a bit each */
    struct standing standing;
};
static_assert(sizeof(struct state) <= 64, "small");

static const struct option options[] = {
    DETECTOR_OPTIONS("protocol", struct settings, "6"),
    AGAIN_OPTION("protocol", struct settings),
    COUNT_OPTION("protocol", struct settings, early, "3",
                 .text = "Connections in one hour in which the client spoke before the greeting; 0: no limit."),
    COUNT_OPTION("protocol", struct settings, unasked, "3",
                 .text =
                     "Connections in one hour with commands sent together though nobody offered that; 0: no limit."),
    COUNT_OPTION("protocol", struct settings, rude, "20",
                 .text = "Connections in one hour left without QUIT, where nearly all are; 0: no limit."),
    {.key = NULL},
};

static points worth_of(uint32_t number, uint32_t limit)
{
    return limit == 0 || number == 0 ? 0 : number < limit ? 200 : 400;
}

/* The server spoke, and the client, whose packets can be read, left it at that. */
static bool is_rude(const struct observation *seen)
{
    return seen->close.tls == TLS_NONE && seen->close.server_bytes > 0 && seen->close.commands > 0 &&
           seen->close.reason != CLOSE_QUIT && seen->close.reason != CLOSE_OPEN;
}

static void observe(const void *context, void *memory, const struct observation *seen, struct findings *findings)
{
    const struct settings *settings = context;
    struct state *state = memory;
    uint32_t hour = standing_period(seen->time, HOUR);
    if (hour > state->hour || standing_is_ahead(state->hour, hour))
        *state = (struct state){.hour = hour, .standing = state->standing};
    state->all++;
    state->early += seen->close.spoke_first;
    state->unasked += seen->close.unasked > 0;
    bool rude = is_rude(seen);
    state->rude += rude;
    if (rude)
        state->servers |= UINT64_C(1) << recent_hash_address(&seen->server) % 64;
    points early = worth_of(state->early, settings->early), unasked = worth_of(state->unasked, settings->unasked);
    points haste = early == 400 && unasked == 400 ? 600 : early > unasked ? early : unasked;
    points leaving = 0;
    if (settings->rude != 0 && state->rude >= settings->rude && state->rude / 9 >= (state->all - state->rude))
        leaving = __builtin_popcountll(state->servers) >= SEVERAL ? 300 : 200;
    points worth = haste > leaving ? haste : leaving;
    points more = worth ? standing_raise(&state->standing, worth, seen->time, settings->again) : 0;
    if (more)
        findings_add(
            findings, more,
            "of %u connections in this hour %u began before the greeting, %u sent commands together unasked, %u "
            "ended without QUIT",
            state->all, state->early, state->unasked, state->rude);
}

const struct detector detector_protocol = {
    .name = "protocol",
    .sees = "Clients that speak before the greeting, send commands together unasked, or never say QUIT.",
    .wants = OBSERVATION_BIT(OBSERVATION_CLOSE),
    .options = options,
    .settings_size = sizeof(struct settings),
    .state_size = sizeof(struct state),
    .observe = observe,
};
