/* evasion: whoever hides from a watcher, or behind addresses that are not his.
 *
 * Idea: Ptacek and Newsham ("Insertion, Evasion, and Denial of Service", 1998): what only a watcher takes, or only the
 * server, is sent to deceive the watcher. Mail software has no reason for any of it, a lossy path or a broken card
 * brings some of it about:
 *
 * Copies of sent bytes that differ. A retransmission has the same bytes, however it is cut, and a checksum that a card
 * is still to fill in is none of them. Only middleboxes that rewrite what is said (on the guest's own side) do it.
 *
 * Segments that the server may well ignore (a wrong checksum, too short a life). Broken drivers and packets that
 * overtake each other make some as well, so they are worth something only beside another trick. Nothing is missed by
 * that: what is inserted so stands where other bytes are sent then, and these are copies that differ.
 *
 * Odd packets: stacked VLAN tags of which one is empty, IP options, fragments of a few bytes. Filters by port do not
 * see them. An honest machine has none, or has them in all its traffic.
 *
 * Forged sources: connections that nobody answers, from ever new addresses of one guest's port (IPv6: networks of 64
 * bits). A guest may have many addresses of its own; what comes back to them it answers. So addresses from which a
 * connection ever came about are not counted, and their number is taken off the others.
 *
 * An attacker may forge his neighbour's address so that the neighbour is blocked. On a guest's port whatever is sent is
 * that guest's; elsewhere (the position is unknown, the address says who it is) connections that do not come about are
 * nobody's, and only what was seen inside of connections counts, at half.
 *
 * State (160 bytes): figures of this hour and the one before for each kind; two sketches of addresses.
 *
 * Weights: one connection with differing copies 6 points, three 10, ten 14; odd ones 4, 8, 12; forged sources from 16
 * 4, from 64 8, from 256 12. Different kinds are different tricks of one hand: the worthiest counts, and another one,
 * or three connections with doubtful segments, 2 points more. `most` is 16: a throttle alone, a block with whatever
 * else is seen. */
#include <assert.h>
#include "detectors/detector.h"
#include "detectors/recent.h"
#include "detectors/sketch.h"
#include "detectors/standing.h"

enum trick { DIFFERING, DOUBTED, ODD, FORGED, TRICKS };
#define LEVELS        3
#define DOUBTED_LEAST 3 /* segments in one connection */
#define ANOTHER       200
#define HALF_AN_HOUR  (30 * MINUTE)
#define IPV6_NETWORK  64

static const struct {
    uint32_t from[LEVELS]; /* connections, or addresses */
    points worth[LEVELS];
} scales[TRICKS] = {
    [DIFFERING] = {{1, 3, 10}, {600, 1000, 1400}},
    [DOUBTED] = {{3, 3, 3}, {0, 0, 0}},
    [ODD] = {{1, 3, 10}, {400, 800, 1200}},
    [FORGED] = {{16, 64, 256}, {400, 800, 1200}},
};

struct settings {
    struct detector_settings base;
    duration again;
};

struct state {
    uint32_t half;                   /* the number of the half hour */
    uint16_t connections[FORGED][2]; /* in this half hour, and in the one before */
    uint8_t kinds;                   /* enum origin_odd, of all odd ones */
    uint8_t reserved[3];
    struct sketch unanswered, opened; /* sources */
    struct standing standing;
};
static_assert(sizeof(struct state) <= 184, "small");

static const struct option options[] = {
    DETECTOR_OPTIONS("evasion", struct settings, "16"),
    AGAIN_OPTION("evasion", struct settings),
    {.key = NULL},
};

static void age(struct state *state, moment now)
{
    uint32_t half = standing_period(now, HALF_AN_HOUR);
    bool ahead = standing_is_ahead(state->half, half);
    if (half <= state->half && !ahead)
        return;
    uint32_t halves = ahead ? UINT32_MAX : half - state->half;
    for (int i = 0; i < FORGED; i++) {
        state->connections[i][1] = halves == 1 ? state->connections[i][0] : 0;
        state->connections[i][0] = 0;
    }
    state->kinds = halves == 1 ? state->kinds : 0;
    sketch_age(&state->unanswered, halves);
    sketch_age(&state->opened, halves);
    state->half = half;
}

static void count(struct state *state, enum trick trick)
{
    state->connections[trick][0] += state->connections[trick][0] < UINT16_MAX;
}

static uint32_t source_of(const struct address *address)
{
    struct address network = address->family == 6 ? address_mask(address, IPV6_NETWORK) : *address;
    return recent_hash_address(&network);
}

static bool has(const struct sketch *sketch, uint32_t hash)
{
    struct sketch copy = *sketch;
    return !sketch_add(&copy, hash);
}

/* Nearly nothing does, and then the state, which is cold, is not touched. */
static bool matters(const struct observation *seen)
{
    if (seen->kind == OBSERVATION_CONNECTION)
        return seen->origin.port != 0;
    return seen->close.conflicts > 0 || seen->close.doubted >= DOUBTED_LEAST || seen->origin.odd != 0;
}

static void note_source(struct state *state, const struct observation *seen)
{
    uint32_t source = source_of(&seen->origin.address);
    if (seen->connection.outcome == CONNECTION_UNANSWERED) {
        if (!has(&state->opened, source))
            sketch_add(&state->unanswered, source);
    } else {
        sketch_add(&state->opened, source);
    }
}

static void note_connection(struct state *state, const struct observation *seen)
{
    if (seen->close.conflicts > 0)
        count(state, DIFFERING);
    if (seen->close.doubted >= DOUBTED_LEAST)
        count(state, DOUBTED);
    if (seen->origin.odd != 0)
        count(state, ODD);
    state->kinds |= seen->origin.odd;
}

static uint32_t number_of(const struct state *state, enum trick trick)
{
    if (trick != FORGED)
        return (uint32_t)state->connections[trick][0] + state->connections[trick][1];
    uint32_t unanswered = sketch_count(&state->unanswered), opened = sketch_count(&state->opened);
    return unanswered > 2 * opened ? unanswered - 2 * opened : 0;
}

static points worth_of(uint32_t number, enum trick trick)
{
    points worth = 0;
    for (int i = 0; i < LEVELS && number >= scales[trick].from[i]; i++)
        worth = scales[trick].worth[i];
    return worth;
}

static void say(const struct state *state, enum trick trick, points more, struct findings *findings)
{
    uint32_t number = number_of(state, trick);
    if (trick == FORGED)
        findings_add(findings, more, "in the last hour about %u source addresses whose connections nobody answers",
                     number);
    else if (trick == ODD)
        findings_add(findings, more, "in the last hour %u connections in odd packets%s%s%s", number,
                     state->kinds & ODD_TAGS ? " (stacked tags)" : "",
                     state->kinds & ODD_OPTIONS ? " (IP options)" : "",
                     state->kinds & ODD_FRAGMENTS ? " (tiny fragments)" : "");
    else
        findings_add(findings, more, "in the last hour %u connections in which bytes were sent again as other bytes",
                     number);
}

static void observe(const void *context, void *memory, const struct observation *seen, struct findings *findings)
{
    const struct settings *settings = context;
    struct state *state = memory;
    if (!matters(seen))
        return;
    age(state, seen->time);
    if (seen->kind == OBSERVATION_CONNECTION)
        note_source(state, seen);
    else
        note_connection(state, seen);
    points worthiest = 0;
    enum trick trick = DIFFERING;
    uint32_t tricks = 0;
    for (int i = 0; i < TRICKS; i++) {
        uint32_t number = number_of(state, (enum trick)i);
        points worth = worth_of(number, (enum trick)i);
        tricks += number >= scales[i].from[0];
        if (worth <= worthiest)
            continue;
        worthiest = worth;
        trick = (enum trick)i;
    }
    if (worthiest == 0)
        return;
    points worth = worthiest + (tricks > 1 ? ANOTHER : 0);
    worth = seen->origin.port == 0 ? worth / 2 : worth;
    points more = standing_raise(&state->standing, worth, seen->time, settings->again);
    if (more)
        say(state, trick, more, findings);
}

const struct detector detector_evasion = {
    .name = "evasion",
    .sees = "Whoever hides from a watcher: retransmissions that differ, odd packets, forged sources.",
    .wants = OBSERVATION_BIT(OBSERVATION_CONNECTION) | OBSERVATION_BIT(OBSERVATION_CLOSE),
    .options = options,
    .settings_size = sizeof(struct settings),
    .state_size = sizeof(struct state),
    .observe = observe,
};
