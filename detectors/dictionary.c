/* dictionary: recipients that are guessed, one after the other.
 *
 * rejects asks how many recipients are unknown; here it is asked whether they come in an order that only a guesser has.
 * Idea: directory harvest attacks walk through a list at one domain, sorted or counted up, or try the names that
 * everybody has (info, sales, admin, john) at one domain after the other.
 *
 * Honest lists are sorted as well, by domain or by address. So order is held against nobody whose recipients exist: it
 * speaks only where half of those in the sequence are unknown, and a third of all in this hour. A domain that died in
 * the middle of a sorted newsletter is half of its sequence, not a third of its hour.
 *
 * State (240 bytes): four domains, each with the last local part (its first eight letters, its letters and its number
 * in hashes), the steps upwards in a row and the numbers counted up, how many of them were unknown, and which of the
 * common names were tried; the last local part at ever new domains; outcomes and common names in halves of an hour;
 * senders' domains and servers, a bit each.
 *
 * Weights: a step upwards is worth 3 points by chance (one in two), of which half is taken off since people sort, and
 * the first four are nothing: 4 points at 8 steps, 1 more for each two further ones, up to 9. A step back halves the
 * row. Numbers counted up by one: 4 points at 5 in a row, 7 at 10, 9 at 16. Common names at one domain: 4 points for 5
 * different ones, 7 for 8, 9 for 12; at several domains, where three in four of an hour's recipients are such: 4 for 12
 * recipients, 7 for 24. The same local part at ever new domains: 3 for 8 in a row, 5 for 16. All are faces of one
 * thing: the worthiest counts. `most` is 9, since rejects, which sees the same refusals, gives up to 17.
 *
 * Where the server accepts all (a catch-all), only 12 common names at one domain speak, with 2 points.
 *
 * Left out: the null sender and double-bounce, of servers that ask; rejects looks after those. Whoever relays (senders
 * of five domains and more) to at most two servers hands on what others guessed, as a backup MX does. */
#include <assert.h>
#include <string.h>
#include "detectors/detector.h"
#include "detectors/recent.h"
#include "detectors/standing.h"

#define HALVES      2
#define HALF        (HOUR / HALVES)
#define PLACES      4
#define RELAYING    5
#define FEW_SERVERS 2
#define CAUGHT      200

struct settings {
    struct detector_settings base;
    duration again;
};

/* A row of recipients that goes one way; `unknown` are those of them that the server did not know. */
struct row {
    uint8_t length, unknown;
};

/* A recipient domain and where the sequence there has come to. */
struct place {
    uint32_t hash;   /* of the domain; 0: free */
    uint32_t used;   /* when, in observations */
    uint64_t begin;  /* the last local part's first letters, as a number that sorts like them */
    uint32_t stem;   /* its hash without the number at its end */
    uint32_t number; /* at its end */
    struct row upwards, counted;
    uint8_t tried, tried_unknown; /* common names */
    uint64_t names;               /* which of them: a bit each */
};

struct state {
    struct place places[PLACES];
    uint64_t senders[HALVES]; /* of this day and of the one before */
    uint64_t servers[HALVES]; /* in this half hour and in the one before */
    uint32_t day, half, clock;
    uint16_t all[HALVES], unknown[HALVES], named[HALVES], named_unknown[HALVES];
    uint32_t same_local, same_domain; /* the last local part and its domain, in hashes */
    struct row same;
    struct standing standing;
};
static_assert(sizeof(struct state) <= 300, "small");

static const struct option options[] = {
    DETECTOR_OPTIONS("dictionary", struct settings, "9"),
    AGAIN_OPTION("dictionary", struct settings),
    {.key = NULL},
};

/* What guessers try first: RFC 2142's and other offices, and first names of many countries. At most 64. */
static const char *const common_names[] = {
    "info",      "sales",   "admin",   "support",  "contact",  "office",    "webmaster", "postmaster",
    "test",      "mail",    "help",    "service",  "billing",  "hr",        "jobs",      "news",
    "marketing", "root",    "hello",   "accounts", "finance",  "enquiries", "team",      "press",
    "john",      "david",   "michael", "robert",   "james",    "mary",      "peter",     "paul",
    "mike",      "chris",   "mark",    "steve",    "anna",     "maria",     "thomas",    "daniel",
    "andrew",    "alex",    "linda",   "susan",    "karen",    "lisa",      "laura",     "sarah",
    "richard",   "william", "george",  "joe",      "bob",      "tom",       "jim",       "kevin",
    "brian",     "eric",    "martin",  "frank",    "jennifer", "nancy",     "julia",     "jack"};
#define NAMES (sizeof common_names / sizeof common_names[0])
static_assert(NAMES <= 64, "a bit each");

enum outcome { NOTHING, ACCEPTED, UNKNOWN };

static enum outcome outcome_of(const struct reply *reply)
{
    if (reply->code >= 200 && reply->code < 300)
        return ACCEPTED;
    if (reply->enhanced != 0) /* 5.1.7 and 5.1.8 are about the sender's address */
        return reply->enhanced / 100 == 501 && reply->enhanced % 100 < 7 ? UNKNOWN : NOTHING;
    return reply->code == 550 || reply->code == 551 || reply->code == 553 ? UNKNOWN : NOTHING;
}

static void age_day(struct state *state, moment now)
{
    uint32_t day = standing_period(now, DAY);
    if (day <= state->day && !standing_is_ahead(state->day, day))
        return;
    state->senders[1] = day == state->day + 1 ? state->senders[0] : 0;
    state->senders[0] = 0;
    state->day = day;
}

static void age(struct state *state, moment now)
{
    uint32_t half = standing_period(now, HALF);
    age_day(state, now);
    if (half <= state->half && !standing_is_ahead(state->half, half))
        return;
    bool next = half == state->half + 1;
    if (!next) {
        memset(state->places, 0, sizeof state->places);
        state->same = (struct row){0};
    }
    uint16_t *counts[] = {state->all, state->unknown, state->named, state->named_unknown};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        counts[i][1] = next ? counts[i][0] : 0;
        counts[i][0] = 0;
    }
    state->servers[1] = next ? state->servers[0] : 0;
    state->servers[0] = 0;
    state->half = half;
}

static uint32_t sum(const uint16_t halves[HALVES])
{
    return (uint32_t)halves[0] + halves[1];
}

static void count(uint16_t *number)
{
    *number += *number < UINT16_MAX;
}

/* One more in the row, or half of it is forgotten. */
static void go_on(struct row *row, bool on, bool unknown)
{
    if (!on) {
        row->length /= 2;
        row->unknown /= 2;
        return;
    }
    if (row->length == UINT8_MAX) {
        row->length /= 2;
        row->unknown /= 2;
    }
    row->length++;
    row->unknown = (uint8_t)(row->unknown + unknown);
}

/* The first eight letters as a number that sorts like them. */
static uint64_t begin_of(struct text local)
{
    char lower[8] = {0};
    text_fold((struct text){local.bytes, local.length < 8 ? local.length : 8}, lower);
    uint64_t result = 0;
    for (size_t i = 0; i < 8; i++)
        result = result << 8 | (uint8_t)lower[i];
    return result;
}

/* The number at its end, of at most nine digits; `stem` is what stands before. */
static uint32_t number_of(struct text local, struct text *stem)
{
    uint32_t number = 0, scale = 1;
    *stem = local;
    while (stem->length > 0 && scale < 1000000000 && stem->bytes[stem->length - 1] >= '0' &&
           stem->bytes[stem->length - 1] <= '9') {
        number += (uint32_t)(stem->bytes[--stem->length] - '0') * scale;
        scale *= 10;
    }
    return number;
}

/* Its number among the common names, or -1. */
static int common_name(struct text local)
{
    for (size_t i = 0; i < NAMES; i++)
        if (text_equals_nocase(local, text_of(common_names[i])))
            return (int)i;
    return -1;
}

/* That domain's place; where it has none, the one that was not used for longest. */
static struct place *place_of(struct state *state, uint32_t hash)
{
    struct place *oldest = &state->places[0];
    state->clock++;
    for (size_t i = 0; i < PLACES; i++) {
        struct place *place = &state->places[i];
        if (place->hash == hash) {
            place->used = state->clock;
            return place;
        }
        if (state->clock - place->used > state->clock - oldest->used)
            oldest = place;
    }
    *oldest = (struct place){.hash = hash, .used = state->clock};
    return oldest;
}

static void follow(struct place *place, struct text local, bool unknown)
{
    uint64_t begin = begin_of(local);
    struct text stem;
    uint32_t number = number_of(local, &stem), hash = recent_hash(stem);
    bool numbered = stem.length < local.length;
    if (begin != place->begin)
        go_on(&place->upwards, begin > place->begin, unknown);
    if (hash != place->stem || number != place->number)
        go_on(&place->counted, numbered && hash == place->stem && number == place->number + 1, unknown);
    place->begin = begin;
    place->stem = hash;
    place->number = number;
}

static void follow_names(struct state *state, struct place *place, struct text local, bool unknown)
{
    int name = common_name(local);
    if (name < 0)
        return;
    count(&state->named[0]);
    if (unknown)
        count(&state->named_unknown[0]);
    if ((place->names >> name & 1) != 0)
        return;
    place->names |= UINT64_C(1) << name;
    place->tried++;
    place->tried_unknown = (uint8_t)(place->tried_unknown + unknown);
}

/* The same local part at another domain than before. */
static void follow_same(struct state *state, struct text local, uint32_t domain, bool unknown)
{
    uint32_t hash = recent_hash(local);
    if (hash == state->same_local && domain == state->same_domain)
        return;
    if (hash == state->same_local)
        go_on(&state->same, true, unknown);
    else
        state->same = (struct row){1, unknown};
    state->same_local = hash;
    state->same_domain = domain;
}

static bool is_half(uint32_t unknown, uint32_t all)
{
    return unknown * 2 >= all;
}

struct level {
    uint32_t from;
    points worth;
};

static points level_of(uint32_t number, uint32_t unknown, const struct level *levels, size_t count)
{
    points worth = 0;
    for (size_t i = 0; i < count && number >= levels[i].from; i++)
        worth = levels[i].worth;
    return is_half(unknown, number) ? worth : 0;
}

#define LEVEL_OF(number, unknown, ...)                                                                                 \
    level_of(number, unknown, (const struct level[]){__VA_ARGS__},                                                     \
             sizeof((const struct level[]){__VA_ARGS__}) / sizeof(struct level))

/* What speaks most, and how it is said. */
struct sign {
    points worth;
    uint32_t number;
    const char *what;
};

static void consider(struct sign *sign, points worth, uint32_t number, const char *what)
{
    if (worth > sign->worth)
        *sign = (struct sign){worth, number, what};
}

static struct sign weigh(const struct state *state, const struct place *place)
{
    struct sign sign = {.worth = 0};
    if (place->tried >= 12)
        sign = (struct sign){CAUGHT, place->tried, "common names at one domain"};
    if (sum(state->unknown) * 3 < sum(state->all))
        return sign;
    const struct row *up = &place->upwards, *counted = &place->counted, *same = &state->same;
    uint32_t named = sum(state->named);
    points steps = up->length < 8 || !is_half(up->unknown, up->length) ? 0 : 400 + (up->length - 8) / 2 * 100;
    consider(&sign, steps < 900 ? steps : 900, up->length, "recipients in alphabetical order at one domain");
    consider(&sign, LEVEL_OF(counted->length, counted->unknown, {5, 400}, {10, 700}, {16, 900}), counted->length,
             "recipients counted up at one domain");
    consider(&sign, LEVEL_OF(place->tried, place->tried_unknown, {5, 400}, {8, 700}, {12, 900}), place->tried,
             "common names at one domain");
    if (named * 4 >= sum(state->all) * 3)
        consider(&sign, LEVEL_OF(named, sum(state->named_unknown), {12, 400}, {24, 700}), named,
                 "recipients with common names at several domains");
    consider(&sign, LEVEL_OF(same->length, same->unknown, {8, 300}, {16, 500}), same->length,
             "times the same name at another domain");
    return sign;
}

static bool relays(const struct state *state)
{
    return __builtin_popcountll(state->senders[0] | state->senders[1]) >= RELAYING &&
           __builtin_popcountll(state->servers[0] | state->servers[1]) <= FEW_SERVERS;
}

/* Callouts, and Postfix's address verification. */
static bool only_asks(struct text from)
{
    return (from.bytes != NULL && from.length == 0) || text_starts_nocase(from, TEXT("double-bounce@"));
}

static void observe(const void *context, void *memory, const struct observation *seen, struct findings *findings)
{
    const struct settings *settings = context;
    struct state *state = memory;
    struct text address = seen->recipient.address, domain = recent_domain(address), from = seen->recipient.from;
    enum outcome outcome = outcome_of(&seen->recipient.reply);
    if (outcome == NOTHING || domain.length == 0 || only_asks(from))
        return;
    age(state, seen->time);
    bool unknown = outcome == UNKNOWN;
    struct text local = {address.bytes, (size_t)(domain.bytes - address.bytes) - 1};
    uint32_t hash = recent_hash(domain);
    if (from.bytes != NULL) /* else it was not seen */
        state->senders[0] |= UINT64_C(1) << recent_hash(recent_domain(from)) % 64;
    state->servers[0] |= UINT64_C(1) << recent_hash_address(&seen->server) % 64;
    count(&state->all[0]);
    if (unknown)
        count(&state->unknown[0]);
    struct place *place = place_of(state, hash);
    follow(place, local, unknown);
    follow_names(state, place, local, unknown);
    follow_same(state, local, hash, unknown);
    struct sign sign = weigh(state, place);
    points worth = relays(state) ? 0 : sign.worth;
    worth = worth < settings->base.most ? worth : settings->base.most;
    points more = worth ? standing_raise(&state->standing, worth, seen->time, settings->again) : 0;
    if (more)
        findings_add(findings, more, "%u %s; %u of %u recipients unknown within 1 hour; the last was <%.*s>",
                     sign.number, sign.what, sum(state->unknown), sum(state->all), SHOWN(address));
}

const struct detector detector_dictionary = {
    .name = "dictionary",
    .sees = "Recipients that are guessed one after the other: sorted, counted up, or the names that everybody has.",
    .wants = OBSERVATION_BIT(OBSERVATION_RECIPIENT),
    .options = options,
    .settings_size = sizeof(struct settings),
    .state_size = sizeof(struct state),
    .observe = observe,
};
