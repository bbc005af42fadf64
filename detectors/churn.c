/* churn: a new envelope sender with each message.
 *
 * Idea: an honest machine writes under a few names: its owner's domains. A bot invents a sender for each message, of
 * letters as they fall, at ever new domains, so that no list of senders catches it. What honest mail shows many senders
 * for has a structure: mailing lists put the recipient into one sender of their own (VERP: list-bounces+user=domain@),
 * forwarding servers wrap the sender into one domain (SRS0=...), BATV signs it (prvs=...), a company has many names at
 * few domains, a shared host fifty domains with their mail. Only who relays the mail of others, a backup MX or a
 * forwarding server that keeps senders, has ever new domains as well; but few of those senders look like nothing.
 *
 * So what is looked at are senders of a domain that was not among the last sixteen, and whether their local parts look
 * random: of letters and digits alone, with consonants or changes between letters and digits as no name has them.
 * Chance letters do in two cases of three, names and the senders of newsletters hardly ever. Each such sender adds two
 * to a sum, each other one takes one away, never below nothing (Page's cumulative sum test, 1954): where one in six is
 * random, as in a night of much forwarded spam, the sum stays near nothing; where half are, it grows.
 *
 * State (176 bytes): domains in a sketch of an hour; servers and transactions in halves of it; the last sixteen
 * domains; the sum; what has been said.
 *
 * Weights: more domains in an hour than the limit (default 20), more than half as many as transactions: 2 points, 3 at
 * twice, 4 at four times. That is a relay's shape as well, hence weak; to fewer than five servers, as a backup MX has
 * them, it stays at 2. A sum that six random senders in a row would make, to five servers and more: 8 points; nine 10,
 * twelve 12. The worthier counts. The many names in HELO that go with it are helo's. */
#include <assert.h>
#include <string.h>
#include "detectors/detector.h"
#include "detectors/recent.h"
#include "detectors/sketch.h"
#include "detectors/standing.h"

#define HALVES       2
#define HALF         (HOUR / HALVES)
#define MANY_SERVERS 5
#define REMEMBERED   16
#define SUM_MOST     (UINT32_C(1) << 16)
#define LOCAL_LEAST  5
#define LOCAL_MOST   24

struct settings {
    struct detector_settings base;
    duration again;
    uint32_t domains, random;
};

struct state {
    struct sketch domains;
    uint64_t servers[HALVES]; /* a bit each */
    uint32_t half;            /* its number */
    uint32_t transactions[HALVES];
    uint32_t recent[REMEMBERED]; /* domains */
    uint32_t sum;                /* of random senders, twice, less the others */
    uint8_t next;
    struct standing standing;
};
static_assert(sizeof(struct state) <= 200, "small");

static const struct option options[] = {
    DETECTOR_OPTIONS("churn", struct settings, "12"),
    AGAIN_OPTION("churn", struct settings),
    COUNT_OPTION("churn", struct settings, domains, "20", .most = "500",
                 .text = "Different domains of envelope senders in one hour above which a sender stands out; 0: no "
                         "limit."),
    COUNT_OPTION("churn", struct settings, random, "6", .most = "500",
                 .text = "Envelope senders of random letters, in a row and each of another domain, from which on a "
                         "sender stands out; 0: no limit."),
    {.key = NULL},
};

/* What is left of a local part when letters and digits are looked at. */
struct shape {
    uint32_t letters, vowels, run, longest, rare, changes;
    bool digit_first;
};

static bool is_one_of(char c, const char *set)
{
    return strchr(set, c) != NULL;
}

/* False: other characters are in it, as in names and in all structured senders. */
static bool read_shape(struct text local, struct shape *shape)
{
    *shape = (struct shape){.digit_first = false};
    bool was_digit = false;
    for (size_t i = 0; i < local.length; i++) {
        char c = local.bytes[i] >= 'A' && local.bytes[i] <= 'Z' ? (char)(local.bytes[i] | 32) : local.bytes[i];
        bool digit = c >= '0' && c <= '9', letter = c >= 'a' && c <= 'z';
        if (!digit && !letter)
            return false;
        shape->changes += i > 0 && digit != was_digit;
        shape->digit_first |= i == 0 && digit;
        was_digit = digit;
        shape->letters += letter;
        bool vowel = letter && is_one_of(c, "aeiouy");
        shape->vowels += vowel;
        shape->run = letter && !vowel ? shape->run + 1 : 0;
        shape->longest = shape->run > shape->longest ? shape->run : shape->longest;
        char next = i + 1 < local.length ? (char)(local.bytes[i + 1] | 32) : '\0';
        shape->rare += letter && (is_one_of(c, "jxz") || (c == 'q' && next != 'u'));
    }
    return true;
}

/* Whether no person and no program that is meant to be read has chosen that. */
static bool looks_random(struct text local)
{
    struct shape shape;
    if (local.length < LOCAL_LEAST || local.length > LOCAL_MOST || !read_shape(local, &shape) || shape.letters < 3)
        return false;
    bool mixed = shape.changes >= 3 || (shape.changes == 2 && shape.digit_first);
    bool unspoken = shape.longest >= 5 || (shape.letters >= 6 && shape.vowels * 8 < shape.letters);
    return mixed || unspoken || shape.rare >= 3;
}

static void age(struct state *state, moment now)
{
    uint32_t half = standing_period(now, HALF);
    bool ahead = standing_is_ahead(state->half, half);
    if (half <= state->half && !ahead)
        return;
    bool next = half == state->half + 1;
    sketch_age(&state->domains, next ? 1 : UINT32_MAX);
    state->servers[1] = next ? state->servers[0] : 0;
    state->transactions[1] = next ? state->transactions[0] : 0;
    state->servers[0] = state->transactions[0] = 0;
    state->sum = next ? state->sum : 0;
    state->half = half;
}

static uint64_t sum(const uint32_t halves[HALVES])
{
    return (uint64_t)halves[0] + halves[1];
}

/* A relay, a primary: one server or a few. */
static bool is_for_few(const struct state *state)
{
    return __builtin_popcountll(state->servers[0] | state->servers[1]) < MANY_SERVERS;
}

static points domains_worth(const struct settings *settings, const struct state *state)
{
    uint64_t number = sketch_count(&state->domains), limit = settings->domains;
    if (limit == 0 || number <= limit || number * 2 <= sum(state->transactions))
        return 0;
    return number < limit * 2 || is_for_few(state) ? 200 : number >= limit * 4 ? 400 : 300;
}

static points random_worth(const struct settings *settings, const struct state *state)
{
    uint32_t limit = settings->random;
    if (limit == 0 || state->sum < limit * 2 || is_for_few(state))
        return 0;
    return state->sum >= limit * 4 ? 1200 : state->sum >= limit * 3 ? 1000 : 800;
}

/* The sum's way, up to a little more than what counts: who stops inventing senders is soon himself again. */
static void add_up(const struct settings *settings, struct state *state, bool random)
{
    uint32_t most = settings->random * 5 < SUM_MOST ? settings->random * 5 : SUM_MOST;
    if (random)
        state->sum += 2;
    else if (state->sum > 0)
        state->sum--;
    if (state->sum > most)
        state->sum = most;
}

static void observe(const void *context, void *memory, const struct observation *seen, struct findings *findings)
{
    const struct settings *settings = context;
    struct state *state = memory;
    struct text from = seen->transaction.from, domain = recent_domain(from);
    age(state, seen->time);
    if (domain.length == 0)
        return;
    state->transactions[0]++;
    state->servers[0] |= UINT64_C(1) << recent_hash_address(&seen->server) % 64;
    uint32_t hash = recent_hash(domain);
    sketch_add(&state->domains, hash);
    if (!recent_add(state->recent, REMEMBERED, &state->next, hash))
        return;
    bool random = looks_random((struct text){from.bytes, (size_t)(domain.bytes - from.bytes) - 1});
    add_up(settings, state, random);
    points weak = domains_worth(settings, state), strong = random ? random_worth(settings, state) : 0;
    points worth = weak > strong ? weak : strong;
    worth = worth < settings->base.most ? worth : settings->base.most;
    points more = worth ? standing_raise(&state->standing, worth, seen->time, settings->again) : 0;
    if (more)
        findings_add(findings, more,
                     "about %u domains of senders in %u transactions within 1 hour%s; the last was <%.*s>",
                     sketch_count(&state->domains), (unsigned)sum(state->transactions),
                     strong >= weak ? ", most senders of random letters" : "", SHOWN(from));
}

const struct detector detector_churn = {
    .name = "churn",
    .sees = "A new envelope sender with each message: random local parts at ever new domains.",
    .wants = OBSERVATION_BIT(OBSERVATION_TRANSACTION),
    .options = options,
    .settings_size = sizeof(struct settings),
    .state_size = sizeof(struct state),
    .observe = observe,
};
