/* helo: how the machine introduces itself.
 *
 * A mail server says its own full name in HELO or EHLO (RFC 5321 4.1.1.1). Idea: what postmasters at the other end have
 * long held against it: bots say the address they were given, a bare word, a name built into them, the name of the very
 * server they talk to, or another name each time.
 *
 * State (232 bytes): the last 16 names and the names above them, in hashes; about how many names there were in this
 * hour and from how many addresses; recipient domains that were used as names; what has been said.
 *
 * Weights (of all that is true of a sender the worthiest counts, since all is about one name):
 *   1  the own address as a literal, which the RFC allows to a machine without a name; a name made of an address
 *   2  one recipient's domain as one's own name, the recipient being a stranger: contact forms do that
 *   2  a bare word, a literal from a private network: machines that nobody set up
 *   3  an address without brackets
 *   5  a literal with a public address that is not the client's, 8 where it is the server's
 *   4, 8, 12  more than 5, 10, 20 names in an hour, beyond one for each of the sender's addresses
 *   6, 10     the domains of two, three and more recipients as names, a new one each
 * and what the maps say: names of known bots up to 12, reserved names 2. `most` leaves a block to be corroborated.
 * Ports 465 and 587 are left out: people's mail programs say there what they like (RFC 6409). */
#include <assert.h>
#include "detectors/access_map.h"
#include "detectors/detector.h"
#include "detectors/recent.h"
#include "detectors/sketch.h"
#include "detectors/standing.h"

#define REMEMBERED 16
#define CLAIMED    4

struct settings {
    struct detector_settings base;
    duration again;
    struct option_words maps;
    points points, warning_points;
    uint32_t names;
    struct access_maps loaded;
};

struct state {
    uint32_t names[REMEMBERED], parents[REMEMBERED];
    uint32_t claimed[CLAIMED];                /* recipient domains that had been said as names */
    struct bitmap seen_names, seen_addresses; /* in this hour */
    uint32_t period;                          /* the hour */
    uint16_t greetings, claims;
    uint8_t next_name, next_claimed;
    struct standing standing;
};
static_assert(sizeof(struct state) <= 256, "small");

static const struct option options[] = {
    DETECTOR_OPTIONS("helo", struct settings, "12"),
    AGAIN_OPTION("helo", struct settings),
    WORDS_OPTION("helo", struct settings, maps, "builtin:helo_access", .local = true,
                 .text = "Access maps (Postfix's text form; \"pcre:\" before a file of patterns) for names in HELO."),
    POINTS_OPTION("helo", struct settings, points, "6", .least = "0", .most = "100",
                  .text = "Points of a name that a map rejects without saying points= itself."),
    POINTS_OPTION("helo", struct settings, warning_points, "2", .least = "0", .most = "100",
                  .text = "Points of a name that a map warns of without saying points= itself."),
    COUNT_OPTION(
        "helo", struct settings, names, "5", .most = "10000",
        .text =
            "Different names in one hour, beyond one for each address, above which a sender stands out; 0: no limit."),
    {.key = NULL},
};

static int load(void *context, const struct file_source *source, struct error *error)
{
    struct settings *settings = context;
    return access_maps_load(&settings->maps, source, &settings->loaded, error);
}

static void unload(void *context)
{
    struct settings *settings = context;
    access_maps_clear(&settings->loaded);
}

static void age(struct state *state, moment now)
{
    uint32_t period = standing_period(now, HOUR);
    if (period <= state->period && !standing_is_ahead(state->period, period))
        return;
    struct standing standing = state->standing;
    *state = (struct state){.period = period, .standing = standing};
}

static void say(const struct settings *settings, struct state *state, const struct observation *seen, points worth,
                struct findings *findings, const char *what, struct text name)
{
    points more = worth ? standing_raise(&state->standing, worth, seen->time, settings->again) : 0;
    if (more)
        findings_add(findings, more, "says \"%.*s\" in HELO: %s", SHOWN(name), what);
}

static bool is_private(const struct address *address)
{
    static const struct address networks[] = {
        {4, 8, {10}}, {4, 12, {172, 16}}, {4, 16, {192, 168}}, {4, 10, {100, 64}}, {6, 7, {0xfc}},
    };
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++)
        if (address_contains(&networks[i], address))
            return true;
    return address_is_special(address);
}

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]". */
static bool read_literal(struct text name, struct address *result)
{
    if (name.length < 3 || name.bytes[0] != '[' || name.bytes[name.length - 1] != ']')
        return false;
    struct text inner = {name.bytes + 1, name.length - 2};
    if (text_starts_nocase(inner, TEXT("IPv6:")))
        inner = (struct text){inner.bytes + 5, inner.length - 5};
    return !memchr(inner.bytes, '/', inner.length) && address_parse(inner, result);
}

/* Do the client's four numbers stand in the name, forwards or backwards, as names of dial-in lines have them? */
static bool is_made_of_address(struct text name, const struct address *client)
{
    if (client->family != 4)
        return false;
    unsigned numbers[64], count = 0;
    bool in_number = false;
    for (size_t i = 0; i < name.length && count < 64; i++) {
        bool digit = name.bytes[i] >= '0' && name.bytes[i] <= '9';
        if (digit && !in_number)
            numbers[count++] = 0;
        if (digit && numbers[count - 1] < 1000)
            numbers[count - 1] = numbers[count - 1] * 10 + (unsigned)(name.bytes[i] - '0');
        in_number = digit;
    }
    for (unsigned i = 0; i + 4 <= count; i++) {
        bool forwards = true, backwards = true;
        for (unsigned k = 0; k < 4; k++) {
            forwards = forwards && numbers[i + k] == client->bytes[k];
            backwards = backwards && numbers[i + k] == client->bytes[3 - k];
        }
        if (forwards || backwards)
            return true;
    }
    return false;
}

/* What the form of the name alone is worth. */
static points form_worth(struct text name, const struct observation *seen, const char **what)
{
    struct address address;
    *what = "";
    if (read_literal(name, &address)) {
        if (address_equals(&address, &seen->origin.address)) {
            *what = "its own address in place of a name";
            return 100;
        }
        if (address_equals(&address, &seen->server)) {
            *what = "the address of the server that it talks to";
            return 800;
        }
        *what = is_private(&address) ? "an address of a private network" : "another machine's address";
        return is_private(&address) ? 200 : 500;
    }
    if (name.length > 0 && !memchr(name.bytes, '/', name.length) && address_parse(name, &address)) {
        *what = "an address without brackets";
        return 300;
    }
    if (!memchr(name.bytes, '.', name.length)) {
        *what = "a bare word, not the full name of a machine";
        return 200;
    }
    if (is_made_of_address(name, &seen->origin.address)) {
        *what = "a name made of its address";
        return 100;
    }
    return 0;
}

static void count_name(const struct settings *settings, struct state *state, const struct observation *seen,
                       struct findings *findings)
{
    struct text name = seen->helo.name, parent = name;
    text_split(&parent, '.');
    uint32_t hash = recent_hash(name);
    bitmap_add(&state->seen_addresses, recent_hash_address(&seen->origin.address));
    if (state->greetings < UINT16_MAX)
        state->greetings++;
    size_t place = state->next_name % REMEMBERED;
    if (recent_add(state->names, REMEMBERED, &state->next_name, hash))
        state->parents[place] = memchr(parent.bytes, '.', parent.length) ? recent_hash(parent) : 0;
    if (!bitmap_add(&state->seen_names, hash))
        return;
    uint32_t names = bitmap_count(&state->seen_names), addresses = bitmap_count(&state->seen_addresses);
    uint32_t usual = addresses + addresses / 4, beyond = names > usual ? names - usual : 0, limit = settings->names;
    if (limit == 0 || beyond <= limit || names * 2 < state->greetings)
        return;
    points worth = beyond > limit * 4 ? 1200 : beyond > limit * 2 ? 800 : 400;
    points more = standing_raise(&state->standing, worth, seen->time, settings->again);
    if (more)
        findings_add(findings, more, "%u names in %u HELOs within 1 hour; the limit is %u; the last was \"%.*s\"",
                     names, state->greetings, limit, SHOWN(name));
}

static void look_at_name(const struct settings *settings, struct state *state, const struct observation *seen,
                         struct findings *findings)
{
    struct text name = seen->helo.name;
    const char *what;
    points worth = form_worth(name, seen, &what);
    struct access_answer answer;
    if (access_maps_find_name(&settings->loaded, name, &answer)) {
        points own = answer.action == ACCESS_REJECTED ? settings->points
                     : answer.action == ACCESS_WARNED ? settings->warning_points
                                                      : 0;
        if (own > 0 && answer.points >= 0)
            own = answer.points;
        if (answer.action == ACCESS_ALLOWED)
            worth = 0;
        if (own > 0 && own >= worth) {
            worth = own;
            what = answer.text[0]                     ? answer.text
                   : answer.action == ACCESS_REJECTED ? "an access map rejects it"
                                                      : "an access map warns of it";
        }
    }
    say(settings, state, seen, worth, findings, what, name);
    count_name(settings, state, seen, findings);
}

/* Has a recipient's domain been said as the own name? */
static void look_at_recipient(const struct settings *settings, struct state *state, const struct observation *seen,
                              struct findings *findings)
{
    struct text domain = recent_domain(seen->recipient.address);
    if (domain.length == 0 || text_equals_nocase(domain, recent_domain(seen->recipient.from)))
        return; /* mail within one's own domain */
    uint32_t hash = recent_hash(domain);
    if (!recent_has(state->names, REMEMBERED, hash) && !recent_has(state->parents, REMEMBERED, hash))
        return;
    if (!recent_add(state->claimed, CLAIMED, &state->next_claimed, hash))
        return;
    if (state->claims < UINT16_MAX)
        state->claims++;
    points worth = state->claims >= 3 ? 1000 : state->claims == 2 ? 600 : 200;
    bool whole = recent_has(state->names, REMEMBERED, hash);
    points more = standing_raise(&state->standing, worth, seen->time, settings->again);
    if (more)
        findings_add(findings, more, "says %s\"%.*s\" in HELO: the domain of the recipient that it writes to",
                     whole ? "" : "a name within ", SHOWN(domain));
}

static void observe(const void *context, void *memory, const struct observation *seen, struct findings *findings)
{
    const struct settings *settings = context;
    struct state *state = memory;
    if (seen->server_port == 465 || seen->server_port == 587)
        return;
    age(state, seen->time);
    if (seen->kind == OBSERVATION_HELO)
        look_at_name(settings, state, seen, findings);
    else
        look_at_recipient(settings, state, seen, findings);
}

const struct detector detector_helo = {
    .name = "helo",
    .sees = "A machine that introduces itself with an address, a bare or reserved name, a known bot's or the "
            "recipient's name, or another name each time.",
    .wants = OBSERVATION_BIT(OBSERVATION_HELO) | OBSERVATION_BIT(OBSERVATION_RECIPIENT),
    .options = options,
    .settings_size = sizeof(struct settings),
    .state_size = sizeof(struct state),
    .load = load,
    .unload = unload,
    .observe = observe,
};
