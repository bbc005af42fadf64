/* trap: recipients that only a spammer knows.
 *
 * Idea: the spam traps of block lists. An address that nobody ever had, or that was given to nobody but a web page's
 * source, is on no honest list; who writes to it has bought, guessed or scraped his own. Which addresses those are only
 * their owner knows: the maps are the site's, in Postfix's text form, and none is shipped. Shipped is what scrapers
 * make of web pages: pieces of the page around the address ("mailto:", "%20", "u003e"), names of pictures
 * (logo@2x.png), numbers of messages taken for addresses.
 *
 * State (88 bytes): the traps hit and artefacts met in this day, in hashes; the worthiest trap; the sum of artefacts;
 * what has been said.
 *
 * Weights: the first trap counts what its entry says (`points=`), else 8: below an alert, for a typing mistake or an
 * enemy who signs the trap up to a newsletter does that to honest senders. A second one in the same day counts half as
 * much again (12), a third doubles the first (16); the same trap again counts nothing more. Artefacts are warnings:
 * they add up to 6 at most, for people paste "mailto:" into forms and lists are kept badly. `most` leaves a block to be
 * corroborated. How the server answers makes no difference.
 *
 * The null sender is left out: bounces and callouts go to whoever was forged as a sender, traps among them. So are
 * ports 465 and 587, where the provider has its own traps. */
#include <assert.h>
#include "detectors/access_map.h"
#include "detectors/detector.h"
#include "detectors/recent.h"
#include "detectors/standing.h"

#define REMEMBERED 8
#define SUM_MOST   DECIBANS(1000)

struct settings {
    struct detector_settings base;
    duration again;
    struct option_words recipient_maps;
    points points, warning_points, warnings_most;
    struct access_maps recipients; /* as loaded */
};

struct state {
    uint32_t traps[REMEMBERED], artefacts[REMEMBERED];
    uint32_t day;
    points worthiest, warned;
    uint8_t hits, next_trap, next_artefact;
    struct standing standing;
};
static_assert(sizeof(struct state) <= 96, "small");

static const struct option options[] = {
    DETECTOR_OPTIONS("trap", struct settings, "16"),
    AGAIN_OPTION("trap", struct settings),
    WORDS_OPTION("trap", struct settings, recipient_maps, "pcre:builtin:trap_access", .local = true,
                 .text = "Access maps (Postfix's text form; \"pcre:\" before a file of patterns) of recipients that "
                         "only a spammer knows: a rejection is a trap, a warning what scrapers leave."),
    POINTS_OPTION("trap", struct settings, points, "8", .least = "0", .most = "100",
                  .text = "Points of the first trap, where its map does not say points= itself; a second one counts "
                          "half as much more, a third as much more."),
    POINTS_OPTION("trap", struct settings, warning_points, "3", .least = "0", .most = "100",
                  .text = "Points of a recipient that a map warns of without saying points= itself."),
    POINTS_OPTION("trap", struct settings, warnings_most, "6", .least = "0", .most = "100",
                  .text = "The most that all warnings of the maps together count for."),
    {.key = NULL},
};

static int load(void *context, const struct file_source *source, struct error *error)
{
    struct settings *settings = context;
    return access_maps_load(&settings->recipient_maps, source, &settings->recipients, error);
}

static void unload(void *context)
{
    struct settings *settings = context;
    access_maps_clear(&settings->recipients);
}

static void age(struct state *state, moment now)
{
    uint32_t day = standing_period(now, DAY);
    bool is_sound = state->worthiest >= 0 && state->worthiest <= SUM_MOST && state->warned >= 0 &&
                    state->warned <= SUM_MOST && state->hits <= 3;
    if (day <= state->day && !standing_is_ahead(state->day, day) && is_sound)
        return;
    *state = (struct state){.day = day, .standing = state->standing};
}

/* True where that one is new in this day. */
static bool count(const struct settings *settings, struct state *state, const struct access_answer *answer,
                  uint32_t hash)
{
    if (answer->action == ACCESS_WARNED) {
        if (!recent_add(state->artefacts, REMEMBERED, &state->next_artefact, hash))
            return false;
        points sum = state->warned + (answer->points >= 0 ? answer->points : settings->warning_points);
        state->warned = sum < settings->warnings_most ? sum : settings->warnings_most;
        return true;
    }
    if (!recent_add(state->traps, REMEMBERED, &state->next_trap, hash))
        return false;
    points own = answer->points >= 0 ? answer->points : settings->points;
    state->worthiest = own > state->worthiest ? own : state->worthiest;
    state->hits += state->hits < 3;
    return true;
}

static points worth_of(const struct settings *settings, const struct state *state)
{
    points worth = state->hits == 0 ? 0 : state->worthiest + state->worthiest * (state->hits - 1) / 2;
    worth += state->warned;
    return worth < settings->base.most ? worth : settings->base.most;
}

static void observe(const void *context, void *memory, const struct observation *seen, struct findings *findings)
{
    const struct settings *settings = context;
    struct state *state = memory;
    struct text from = seen->recipient.from, recipient = seen->recipient.address;
    if (seen->server_port == 465 || seen->server_port == 587 || (from.bytes != NULL && from.length == 0))
        return;
    struct access_answer answer;
    if (!access_maps_find_address(&settings->recipients, recipient, &answer) || answer.action < ACCESS_WARNED)
        return;
    age(state, seen->time);
    if (!count(settings, state, &answer, recent_hash(recipient)))
        return;
    points more = standing_raise(&state->standing, worth_of(settings, state), seen->time, settings->again);
    if (!more)
        return;
    bool is_trap = answer.action == ACCESS_REJECTED;
    findings_add(findings, more, "recipient <%.*s>: %s; %u traps today", SHOWN(recipient),
                 answer.text[0] ? answer.text
                 : is_trap      ? "a trap, which only a spammer knows"
                                : "what scrapers of web pages leave",
                 state->hits);
}

const struct detector detector_trap = {
    .name = "trap",
    .sees = "Recipients that only a spammer knows: the site's own traps, and what scrapers of web pages take for "
            "addresses.",
    .wants = OBSERVATION_BIT(OBSERVATION_RECIPIENT),
    .options = options,
    .settings_size = sizeof(struct settings),
    .state_size = sizeof(struct state),
    .load = load,
    .unload = unload,
    .observe = observe,
};
