/* listed: the sender's address appears on blacklists.
 *
 * Whoever keeps a list has seen something: mail to a trap, a bot's handshake, complaints. How much its word counts is
 * for who asks it to say, by the list and its return code (DESIGN of the lists' weights: large receivers refuse by a
 * critical one; an informational one says that an address is dynamic, which is nobody's abuse).
 *
 * What matters more is whose listing it is. Addresses have tenants. A listing that was there before this sender's first
 * mail was earned by the one before him, and says little of him; so does one that comes up when he has been silent for
 * days, since lists look back. Only a listing that appears while the sender sends is his.
 *
 * Lists copy each other and stand on the same traps. Zones of one family (the name before the last dot: the parts of
 * zen.spamhaus.org, the levels of uceprotect.net) count as one, with their worst. Of several families the worst counts
 * in full, the next by half, the third by a quarter.
 *
 * State (120 bytes): when the sender's first and last connections were; eight families with what they say now.
 *
 * Weights: critical 8, high 5, medium 3, low 1. What is not the sender's own is worth 2 points in all at the most.
 * A listing that is seen again is said again on another day, for what is said fades; one that ends is taken back.
 * `most` is 8.9: refusals that name the address are counted by `rejects` as well (4 at the most), and the two together
 * are an alert and must stay below a throttle, since they are one fact. Nor is the fault always the sender's: an
 * honest machine is listed after one bad night. */
#include "detectors/detector.h"
#include "detectors/recent.h"
#include "detectors/standing.h"

#define FAMILIES   8
#define SILENCE    (3 * 24 * 3600) /* seconds */
#define OLD_MOST   DECIBANS(2)
#define WORTH_MOST DECIBANS(100)

struct settings {
    struct detector_settings base;
    duration again;
    points critical, high, medium, low;
};

struct family {
    uint32_t hash; /* 0: free */
    uint32_t day;  /* when it was last seen to list */
    uint16_t worth;
    uint8_t own; /* it came up while the sender sent */
};

struct state {
    uint32_t first, last; /* seconds, of the sender's connections */
    struct family families[FAMILIES];
    struct standing standing;
    uint32_t day; /* of the last saying */
    uint8_t next, reserved[3];
};

static const struct option options[] = {
    DETECTOR_OPTIONS("listed", struct settings, "8.9"),
    AGAIN_OPTION("listed", struct settings),
    POINTS_OPTION("listed", struct settings, critical, "8", .least = "0", .most = "100",
                  .text = "Points of a new listing by which large receivers refuse."),
    POINTS_OPTION("listed", struct settings, high, "5", .least = "0", .most = "100",
                  .text = "Points of a new listing on a list that many use."),
    POINTS_OPTION("listed", struct settings, medium, "3", .least = "0", .most = "100",
                  .text = "Points of a new listing on a list that some use."),
    POINTS_OPTION("listed", struct settings, low, "1", .least = "0", .most = "100",
                  .text = "Points of a new listing on a list that few use."),
    {.key = NULL},
};

static points weight_of(const struct settings *settings, enum listing_weight weight)
{
    switch (weight) {
    case LISTING_CRITICAL:
        return settings->critical;
    case LISTING_HIGH:
        return settings->high;
    case LISTING_MEDIUM:
        return settings->medium;
    case LISTING_LOW:
        return settings->low;
    default:
        return 0;
    }
}

/* Of "zen.spamhaus.org" and "key.zen.dq.spamhaus.net" it is "spamhaus". */
static uint32_t family_of(struct text zone)
{
    if (zone.length > 0 && zone.bytes[zone.length - 1] == '.')
        zone.length--;
    const char *dot = zone.length > 0 ? memrchr(zone.bytes, '.', zone.length) : NULL;
    if (dot)
        zone.length = (size_t)(dot - zone.bytes);
    const char *before = zone.length > 0 ? memrchr(zone.bytes, '.', zone.length) : NULL;
    if (before)
        zone = (struct text){before + 1, zone.length - (size_t)(before + 1 - zone.bytes)};
    return recent_hash(text_equals_nocase(zone, TEXT("abuseat")) ? TEXT("spamhaus") : zone);
}

static struct family *find(struct state *state, uint32_t hash)
{
    for (int i = 0; i < FAMILIES; i++)
        if (state->families[i].hash == hash)
            return &state->families[i];
    return NULL;
}

/* The family's room, or that of the one that says least. */
static struct family *room_for(struct state *state, uint32_t hash)
{
    struct family *found = find(state, hash);
    if (found)
        return found;
    found = &state->families[0];
    for (int i = 1; i < FAMILIES; i++)
        if (state->families[i].worth < found->worth)
            found = &state->families[i];
    *found = (struct family){.hash = hash};
    return found;
}

/* What all families say together: the worst in full, each further one by half of the one before. */
static points worth_of(const struct state *state)
{
    points own[FAMILIES] = {0}, other = 0, sum = 0;
    for (int i = 0; i < FAMILIES; i++) {
        points worth = state->families[i].worth;
        if (!state->families[i].own) {
            other = worth > other ? worth : other;
            continue;
        }
        for (int k = 0; k < FAMILIES; k++)
            if (worth > own[k]) {
                points less = own[k];
                own[k] = worth;
                worth = less;
            }
    }
    for (int i = 0; i < FAMILIES; i++)
        sum += own[i] >> i;
    other = other < OLD_MOST ? other : OLD_MOST;
    return sum > other ? sum : other;
}

static void forget_old(struct state *state, uint32_t day)
{
    for (int i = 0; i < FAMILIES; i++)
        if (state->families[i].day + 2 < day || standing_is_ahead(state->families[i].day, day))
            state->families[i] = (struct family){0};
    if (standing_is_ahead(state->day, day))
        state->day = 0;
}

/* Whether the listing came up while the sender sent. */
static bool is_own(const struct state *state, moment since, moment now)
{
    uint32_t appeared = standing_period(since > 0 && since < now ? since : now, SECOND);
    return state->first != 0 && appeared >= state->first && appeared <= (uint64_t)state->last + SILENCE;
}

static void take_back(struct state *state, const struct observation *seen, struct findings *findings)
{
    struct family *family = find(state, family_of(seen->listing.zone));
    if (family == NULL || family->worth == 0)
        return;
    points before = worth_of(state);
    *family = (struct family){0};
    points back = before - worth_of(state);
    if (back > state->standing.said)
        back = state->standing.said;
    if (back <= 0)
        return;
    state->standing.said -= back;
    findings_add(findings, -back, "no longer listed by %.*s", SHOWN(seen->listing.zone));
}

static void observe_listing(const struct settings *settings, struct state *state, const struct observation *seen,
                            struct findings *findings)
{
    uint32_t day = standing_period(seen->time, DAY);
    forget_old(state, day);
    if (state->standing.said < 0 || state->standing.said > WORTH_MOST)
        state->standing.said = 0;
    standing_raise(&state->standing, 0, seen->time, settings->again); /* what was said has faded since */
    if (!seen->listing.listed) {
        take_back(state, seen, findings);
        return;
    }
    points weight = weight_of(settings, seen->listing.weight);
    if (weight <= 0)
        return;
    points before = worth_of(state);
    struct family *family = room_for(state, family_of(seen->listing.zone));
    if (is_own(state, seen->listing.since, seen->time))
        family->own = 1;
    family->day = day;
    if (weight > family->worth)
        family->worth = (uint16_t)(weight < UINT16_MAX ? weight : UINT16_MAX);
    points worth = worth_of(state);
    if (worth <= before && day <= state->day)
        return;
    points more = standing_raise(&state->standing, worth, seen->time, settings->again);
    state->day = day;
    if (more)
        findings_add(findings, more, "listed by %.*s (%s)%s", SHOWN(seen->listing.zone),
                     listing_weight_name(seen->listing.weight),
                     family->own ? "" : "; since before it sent mail, or while it was silent");
}

static void observe(const void *context, void *memory, const struct observation *seen, struct findings *findings)
{
    struct state *state = memory;
    if (seen->kind == OBSERVATION_LISTING) {
        observe_listing(context, state, seen, findings);
        return;
    }
    uint32_t second = standing_period(seen->time, SECOND);
    if (state->first == 0 || state->first > second)
        state->first = second;
    state->last = second;
}

const struct detector detector_listed = {
    .name = "listed",
    .sees = "Blacklists that list the sender's address since it sends.",
    .wants = OBSERVATION_BIT(OBSERVATION_LISTING) | OBSERVATION_BIT(OBSERVATION_CONNECTION),
    .options = options,
    .settings_size = sizeof(struct settings),
    .state_size = sizeof(struct state),
    .observe = observe,
};
