/* fanout: mail to many servers and many domains in a short time.
 *
 * A customer's machine sends through one relay, or to the few servers of those it writes to. A bot that delivers by
 * itself walks from mail exchanger to mail exchanger. Idea: the fan-out measure of flow monitors (so many different
 * destinations on port 25 in some minutes), which also works where the dialogue is encrypted.
 *
 * State (288 bytes): four sketches of different servers and different recipient domains, in 5 minutes and in an hour;
 * how many connections and recipients there were in this half hour and the one before; for how many half hours hardly
 * any came twice.
 *
 * Weights: newsletters, mailing lists and servers with hundreds of mail domains have the same shape, so that it can
 * corroborate but never accuse alone: 2 points at the limit, 4 at twice, 4.5 at four times. More would make a throttle
 * of it together with what burst says of the same newsletter (its head says more). The four sketches see the same
 * traffic: the worthiest counts. Where the sender's own past is known and it is used to more, that stands in for a
 * limit that is lower. Ports 465 and 587 are left out: there one's own provider is asked to deliver.
 *
 * Never twice: a slow bot writes once a minute, to a new domain each time, day and night, and passes no limit but by
 * sheer patience. Honest mail comes back: to the large receivers, to those who answer, to the same customers. A company
 * of 200 that writes as often has each second or third recipient at a domain that it wrote to within the hour. What has
 * the bot's shape for a while is a report to every domain's postmaster, or a small newsletter to companies at ten a
 * minute: they come to an end, the bot does not. So half hours count in which 15 to 300 recipients (or connections,
 * where the dialogue is encrypted) were, within a tenth, all at different domains (servers): 2 of them in a row are
 * worth 4 points, 4 are 7, 8 are 11, and 10 (5 hours) 13, a throttle alone. One in which some do come back
 * takes two of them away, one that is silent or unclear takes one. Of who is used to half as many in such an hour this
 * is not said; so it speaks against the past of whoever has one, and no trust lessens it. */
#include <assert.h>
#include "detectors/detector.h"
#include "detectors/recent.h"
#include "detectors/sketch.h"
#include "detectors/standing.h"

enum thing { SERVERS, DOMAINS, THINGS };
#define WINDOWS 2

static const struct {
    duration length;
    const char *name;
} windows[WINDOWS] = {{5 * MINUTE, "5 minutes"}, {HOUR, "1 hour"}};
static const char *const thing_names[THINGS] = {"servers", "recipient domains"};

static const points worths[] = {200, 400, 450};
#define LEVELS ((int)(sizeof worths / sizeof worths[0]))

/* Worth of so many half hours in which hardly any came twice. */
static const struct {
    uint8_t halves;
    points worth;
} patience[] = {{2, 400}, {4, 700}, {8, 1100}, {10, 1300}, {12, 1520}};
#define PATIENCE    (sizeof patience / sizeof patience[0])
#define LONG        1 /* the window of an hour */
#define FEW         15
#define MANY        300
#define DIFFERENT   92 /* of 100: the sketch errs by some five */
#define RETURNING   85 /* below this, some do come twice */
#define HALVES_MOST 24

struct settings {
    struct detector_settings base;
    duration again;
    uint32_t servers_5m, servers_1h, domains_5m, domains_1h;
};

struct state {
    struct sketch sketches[THINGS][WINDOWS];
    uint32_t halves[WINDOWS];
    uint16_t all[THINGS][2];     /* in this half hour, and in the one before */
    uint8_t never_twice[THINGS]; /* for so many half hours */
    struct standing standing;
};
static_assert(sizeof(struct state) <= 300, "small");

static const struct option options[] = {
    DETECTOR_OPTIONS("fanout", struct settings, "15.5"),
    AGAIN_OPTION("fanout", struct settings),
    COUNT_OPTION("fanout", struct settings, servers_5m, "10", .most = "1000",
                 .text = "Different servers in 5 minutes above which a sender stands out; 0: no limit."),
    COUNT_OPTION("fanout", struct settings, servers_1h, "50", .most = "1000",
                 .text = "Different servers in one hour above which a sender stands out; 0: no limit."),
    COUNT_OPTION("fanout", struct settings, domains_5m, "20", .most = "1000",
                 .text = "Different recipient domains in 5 minutes above which a sender stands out; 0: no limit."),
    COUNT_OPTION("fanout", struct settings, domains_1h, "100", .most = "1000",
                 .text = "Different recipient domains in one hour above which a sender stands out; 0: no limit."),
    {.key = NULL},
};

/* The limit, or what the sender is used to: a tenth of what it does in such an hour, in five minutes. */
static uint32_t limit_of(const struct settings *settings, enum thing thing, int window, const struct known *known)
{
    uint32_t limits[THINGS][WINDOWS] = {[SERVERS] = {settings->servers_5m, settings->servers_1h},
                                        [DOMAINS] = {settings->domains_5m, settings->domains_1h}};
    uint32_t limit = limits[thing][window], usual = thing == SERVERS ? known->usual_connections : known->usual_messages;
    usual = window == LONG ? usual : usual / 10;
    return limit != 0 && usual > limit ? usual : limit;
}

/* The half hour is over, and so many have passed. */
static void end_half_hour(struct state *state, enum thing thing, uint32_t passed)
{
    uint16_t *all = state->all[thing];
    uint32_t sum = all[0] + all[1], different = sketch_count(&state->sketches[thing][LONG]);
    uint8_t *run = &state->never_twice[thing];
    uint8_t back = 1;
    if (all[0] >= FEW && all[0] <= MANY && all[1] <= MANY && different * 100 >= sum * DIFFERENT) {
        *run += *run < HALVES_MOST;
        back = 0;
    } else if (all[0] >= FEW && different * 100 < sum * RETURNING) {
        back = 2;
    }
    uint32_t lost = back + (passed < HALVES_MOST ? passed - 1 : HALVES_MOST);
    *run = lost < *run && *run <= HALVES_MOST ? (uint8_t)(*run - lost) : 0;
    all[1] = passed == 1 ? all[0] : 0;
    all[0] = 0;
}

static void age(struct state *state, moment now)
{
    for (int i = 0; i < WINDOWS; i++) {
        uint32_t half = standing_period(now, windows[i].length / 2);
        bool ahead = standing_is_ahead(state->halves[i], half);
        if (half <= state->halves[i] && !ahead)
            continue;
        for (int thing = 0; thing < THINGS; thing++) {
            if (i == LONG)
                end_half_hour(state, thing, ahead ? UINT32_MAX : half - state->halves[i]);
            sketch_age(&state->sketches[thing][i], ahead ? UINT32_MAX : half - state->halves[i]);
        }
        state->halves[i] = half;
    }
}

static points worth_of_patience(const struct state *state, enum thing thing, const struct known *known)
{
    uint32_t usual = thing == SERVERS ? known->usual_connections : known->usual_messages;
    points worth = 0;
    for (size_t i = 0; i < PATIENCE; i++)
        if (state->never_twice[thing] >= patience[i].halves)
            worth = patience[i].worth;
    return usual >= state->all[thing][1] ? 0 : worth; /* what is usual is of a whole hour */
}

static points worth_of(uint32_t number, uint32_t limit)
{
    if (limit == 0 || number <= limit)
        return 0;
    int level = 0;
    while (level + 1 < LEVELS && number / 2 >= limit) {
        number /= 2;
        level++;
    }
    return worths[level];
}

static void say_patience(const struct settings *settings, struct state *state, enum thing thing, points worth,
                         const struct observation *seen, struct findings *findings)
{
    points more = standing_raise(&state->standing, worth, seen->time, settings->again);
    if (more)
        findings_add_firmly(findings, more, "for %u.%c hours hardly one of its %s twice; %u in the last half hour",
                            state->never_twice[thing] / 2, state->never_twice[thing] % 2 ? '5' : '0',
                            thing_names[thing], state->all[thing][1]);
}

static void observe(const void *context, void *memory, const struct observation *seen, struct findings *findings)
{
    const struct settings *settings = context;
    struct state *state = memory;
    if (seen->server_port == 465 || seen->server_port == 587)
        return;
    enum thing thing = seen->kind == OBSERVATION_CONNECTION ? SERVERS : DOMAINS;
    struct text domain = thing == DOMAINS ? recent_domain(seen->recipient.address) : TEXT("");
    if (thing == DOMAINS && domain.length == 0)
        return;
    uint32_t hash = thing == SERVERS ? recent_hash_address(&seen->server) : recent_hash(domain);
    age(state, seen->time);
    /* What a grey list defers comes back, and is not mail that returns. */
    bool deferred = thing == DOMAINS && seen->recipient.reply.code / 100 == 4;
    state->all[thing][0] += !deferred && state->all[thing][0] < UINT16_MAX;
    points most = 0, patient = worth_of_patience(state, thing, &seen->known);
    int worthiest = 0;
    for (int i = 0; i < WINDOWS; i++) {
        struct sketch *sketch = &state->sketches[thing][i];
        points worth =
            sketch_add(sketch, hash) ? worth_of(sketch_count(sketch), limit_of(settings, thing, i, &seen->known)) : 0;
        if (worth > most) {
            most = worth;
            worthiest = i;
        }
    }
    if (patient > most) {
        say_patience(settings, state, thing, patient, seen, findings);
        return;
    }
    points more = most ? standing_raise(&state->standing, most, seen->time, settings->again) : 0;
    if (!more)
        return;
    char address[ADDRESS_TEXT];
    struct text example = thing == SERVERS ? text_of(address_print(&seen->server, address)) : domain;
    findings_add(findings, more, "about %u different %s in %s; the limit is %u; the last was %.*s",
                 sketch_count(&state->sketches[thing][worthiest]), thing_names[thing], windows[worthiest].name,
                 limit_of(settings, thing, worthiest, &seen->known), SHOWN(example));
}

const struct detector detector_fanout = {
    .name = "fanout",
    .sees = "Mail to many different servers and recipient domains within 5 minutes or an hour, or for hours to ever "
            "new ones: the shape of a bot that delivers by itself.",
    .wants = OBSERVATION_BIT(OBSERVATION_CONNECTION) | OBSERVATION_BIT(OBSERVATION_RECIPIENT),
    .options = options,
    .settings_size = sizeof(struct settings),
    .state_size = sizeof(struct state),
    .observe = observe,
    .soft = true,
};
