/* fanout: mail to many servers and many domains in a short time.
 *
 * A customer's machine sends through one relay, or to the few servers of those it writes to. A bot that delivers by
 * itself walks from mail exchanger to mail exchanger. Idea: the fan-out measure of flow monitors (so many different
 * destinations on port 25 in some minutes), which also works where the dialogue is encrypted.
 *
 * State (272 bytes): four sketches of different servers and different recipient domains, in 5 minutes and in an hour.
 *
 * Weights: newsletters, mailing lists and servers with hundreds of mail domains have the same shape, so that it can
 * corroborate but never accuse alone: 2 points at the limit, 4 at twice, 4.5 at four times. More would make a block of
 * it together with burst, which sees the same flood of a newsletter (its head says more). The four sketches see the
 * same traffic: the worthiest counts. Ports 465 and 587 are left out: there one's own provider is
 * asked to deliver. */
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

struct settings {
    struct detector_settings base;
    duration again;
    uint32_t servers_5m, servers_1h, domains_5m, domains_1h;
};

struct state {
    struct sketch sketches[THINGS][WINDOWS];
    uint32_t halves[WINDOWS];
    struct standing standing;
};
static_assert(sizeof(struct state) <= 300, "small");

static const struct option options[] = {
    DETECTOR_OPTIONS("fanout", struct settings, "4.5"),
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

static uint32_t limit_of(const struct settings *settings, enum thing thing, int window)
{
    if (thing == SERVERS)
        return window == 0 ? settings->servers_5m : settings->servers_1h;
    return window == 0 ? settings->domains_5m : settings->domains_1h;
}

static void age(struct state *state, moment now)
{
    for (int i = 0; i < WINDOWS; i++) {
        uint32_t half = standing_period(now, windows[i].length / 2);
        bool ahead = standing_is_ahead(state->halves[i], half);
        if (half <= state->halves[i] && !ahead)
            continue;
        for (int thing = 0; thing < THINGS; thing++)
            sketch_age(&state->sketches[thing][i], ahead ? UINT32_MAX : half - state->halves[i]);
        state->halves[i] = half;
    }
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
    points most = 0;
    int worthiest = 0;
    for (int i = 0; i < WINDOWS; i++) {
        struct sketch *sketch = &state->sketches[thing][i];
        points worth = sketch_add(sketch, hash) ? worth_of(sketch_count(sketch), limit_of(settings, thing, i)) : 0;
        if (worth > most) {
            most = worth;
            worthiest = i;
        }
    }
    points more = most ? standing_raise(&state->standing, most, seen->time, settings->again) : 0;
    if (!more)
        return;
    char address[ADDRESS_TEXT];
    struct text example = thing == SERVERS ? text_of(address_print(&seen->server, address)) : domain;
    findings_add(findings, more, "about %u different %s in %s; the limit is %u; the last was %.*s",
                 sketch_count(&state->sketches[thing][worthiest]), thing_names[thing], windows[worthiest].name,
                 limit_of(settings, thing, worthiest), SHOWN(example));
}

const struct detector detector_fanout = {
    .name = "fanout",
    .sees = "Mail to many different servers and recipient domains within 5 minutes or an hour, the shape of a bot that "
            "delivers by itself.",
    .wants = OBSERVATION_BIT(OBSERVATION_CONNECTION) | OBSERVATION_BIT(OBSERVATION_RECIPIENT),
    .options = options,
    .settings_size = sizeof(struct settings),
    .state_size = sizeof(struct state),
    .observe = observe,
};
