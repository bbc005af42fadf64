/* envelope: senders and recipients that no honest mail has.
 *
 * Idea: what mail administrators keep in their access maps. Scripts and bots leave placeholders in the envelope
 * (you@example.com), the names of the machine itself (root@localhost.localdomain) and names reserved for examples
 * (RFC 2606, 6761). The maps are Postfix's own text, so that a site adds its own.
 *
 * A placeholder that a cron job was left with goes to one or two people; a bot's goes to everybody on its list. So the
 * recipients of senders that the maps reject are counted as well.
 *
 * State (96 bytes): the last eight junk addresses; what rejections and warnings of the maps have come to in this hour;
 * a sketch of rejected senders' recipients.
 *
 * Weights: a map's entry brings its own points (`points=3`) or those of the options, each address once in `again`.
 * Addresses that only show a badly configured machine are warnings in the shipped maps, and warnings together stay at 3
 * points: a cron job may mail root@localhost.localdomain for years and never cause an alert. Mail of a rejected sender
 * to more than ten recipients in an hour counts 3 points more, 5 above twenty, 7 above forty: with the placeholder's
 * own 3 that is all. `most` keeps all of it below a throttle: a shop that nobody gave its own address has an alert, and
 * a bot, whose burst and fanout the other detectors see, is throttled. */
#include <assert.h>
#include "detectors/access_map.h"
#include "detectors/detector.h"
#include "detectors/recent.h"
#include "detectors/sketch.h"
#include "detectors/standing.h"

#define REMEMBERED   8
#define SPREAD_FIRST 300
#define SPREAD_STEP  200
#define SPREAD_MOST  700
#define SUM_MOST     DECIBANS(1000)

struct settings {
    struct detector_settings base;
    duration again;
    struct option_words sender_maps, recipient_maps;
    points points, warning_points, warnings_most;
    uint32_t junk_recipients;
    struct access_maps senders, recipients; /* as loaded */
};

struct state {
    struct bitmap junk_recipients; /* of rejected senders, in this hour */
    uint32_t hour, period;         /* numbers of the hour, and of the `again` */
    uint32_t recent[REMEMBERED];
    uint8_t next;
    points rejected, warned; /* in this `again` */
    struct standing standing;
};
static_assert(sizeof(struct state) <= 256, "small");

static const struct option options[] = {
    DETECTOR_OPTIONS("envelope", struct settings, "10"),
    AGAIN_OPTION("envelope", struct settings),
    WORDS_OPTION("envelope", struct settings, sender_maps, "builtin:sender_access", .local = true,
                 .text =
                     "Access maps (Postfix's text form; \"pcre:\" before a file of patterns) for envelope senders."),
    WORDS_OPTION("envelope", struct settings, recipient_maps, "builtin:recipient_access", .local = true,
                 .text = "Access maps for envelope recipients."),
    POINTS_OPTION("envelope", struct settings, points, "3", .least = "0", .most = "100",
                  .text = "Points of an address that a map rejects without saying points= itself."),
    POINTS_OPTION("envelope", struct settings, warning_points, "1", .least = "0", .most = "100",
                  .text = "Points of an address that a map warns of without saying points= itself."),
    POINTS_OPTION("envelope", struct settings, warnings_most, "3", .least = "0", .most = "100",
                  .text = "The most that all warnings of the maps together count for."),
    COUNT_OPTION("envelope", struct settings, junk_recipients, "10", .most = "500",
                 .text = "Different recipients in one hour of mail whose sender a map rejects, above which that is no "
                         "forgotten setting; 0: no limit."),
    {.key = NULL},
};

static int load(void *context, const struct file_source *source, struct error *error)
{
    struct settings *settings = context;
    struct access_maps senders = {.count = 0};
    int failed = access_maps_load(&settings->sender_maps, source, &senders, error);
    if (failed)
        return failed;
    failed = access_maps_load(&settings->recipient_maps, source, &settings->recipients, error);
    if (failed) {
        access_maps_clear(&senders);
        return failed;
    }
    settings->senders = senders;
    return 0;
}

static void unload(void *context)
{
    struct settings *settings = context;
    access_maps_clear(&settings->senders);
    access_maps_clear(&settings->recipients);
}

static bool is_sound(const struct state *state)
{
    return state->rejected >= 0 && state->rejected <= SUM_MOST && state->warned >= 0 && state->warned <= SUM_MOST;
}

static void age(const struct settings *settings, struct state *state, moment now)
{
    uint32_t hour = standing_period(now, HOUR);
    if (hour > state->hour || standing_is_ahead(state->hour, hour)) {
        state->junk_recipients = (struct bitmap){{0}};
        state->hour = hour;
    }
    uint32_t period = standing_period(now, settings->again);
    if (period > state->period || standing_is_ahead(state->period, period) || !is_sound(state)) {
        memset(state->recent, 0, sizeof state->recent);
        state->rejected = state->warned = 0;
        state->period = period;
    }
}

/* What it is worth that mail of rejected senders goes to so many. */
static points spread_worth(const struct settings *settings, const struct state *state)
{
    uint32_t recipients = bitmap_count(&state->junk_recipients), limit = settings->junk_recipients;
    if (limit == 0 || recipients <= limit)
        return 0;
    points worth = SPREAD_FIRST;
    for (; recipients / 2 >= limit && worth < SPREAD_MOST; recipients /= 2)
        worth += SPREAD_STEP;
    return worth < SPREAD_MOST ? worth : SPREAD_MOST;
}

/* All that stands against the sender now, less what has been said. */
static points raise(const struct settings *settings, struct state *state, moment now)
{
    points warned = state->warned < settings->warnings_most ? state->warned : settings->warnings_most;
    points worth = state->rejected + warned + spread_worth(settings, state);
    if (worth > settings->base.most)
        worth = settings->base.most;
    return standing_raise(&state->standing, worth, now, settings->again);
}

static void look_up(const struct settings *settings, struct state *state, const struct access_maps *maps,
                    struct text address, const char *what, moment now, struct findings *findings)
{
    struct access_answer answer;
    if (!access_maps_find_address(maps, address, &answer) || answer.action < ACCESS_WARNED)
        return;
    if (!recent_add(state->recent, REMEMBERED, &state->next, recent_hash(address)))
        return;
    bool rejected = answer.action == ACCESS_REJECTED;
    points worth = answer.points >= 0 ? answer.points : rejected ? settings->points : settings->warning_points;
    points *sum = rejected ? &state->rejected : &state->warned;
    *sum = *sum + worth < SUM_MOST ? *sum + worth : SUM_MOST;
    points more = raise(settings, state, now);
    if (more)
        findings_add(findings, more, "%s <%.*s>: %s", what, SHOWN(address),
                     answer.text[0] ? answer.text
                     : rejected     ? "an access map rejects it"
                                    : "an access map warns of it");
}

static void look_at_junk_sender(const struct settings *settings, struct state *state, const struct observation *seen,
                                struct findings *findings)
{
    struct text from = seen->recipient.from, recipient = seen->recipient.address;
    struct access_answer answer;
    if (from.length == 0 || !access_maps_find_address(&settings->senders, from, &answer) ||
        answer.action != ACCESS_REJECTED || !bitmap_add(&state->junk_recipients, recent_hash(recipient)) ||
        !spread_worth(settings, state))
        return;
    points more = raise(settings, state, seen->time);
    if (more)
        findings_add(findings, more,
                     "sender <%.*s> writes to about %u recipients in 1 hour; the limit is %u; the last was <%.*s>",
                     SHOWN(from), bitmap_count(&state->junk_recipients), settings->junk_recipients, SHOWN(recipient));
}

static void observe(const void *context, void *memory, const struct observation *seen, struct findings *findings)
{
    const struct settings *settings = context;
    struct state *state = memory;
    age(settings, state, seen->time);
    if (seen->kind == OBSERVATION_TRANSACTION) {
        look_up(settings, state, &settings->senders, seen->transaction.from, "sender", seen->time, findings);
    } else {
        look_up(settings, state, &settings->recipients, seen->recipient.address, "recipient", seen->time, findings);
        look_at_junk_sender(settings, state, seen, findings);
    }
}

const struct detector detector_envelope = {
    .name = "envelope",
    .sees = "Senders and recipients that no honest mail has, by access maps.",
    .wants = OBSERVATION_BIT(OBSERVATION_TRANSACTION) | OBSERVATION_BIT(OBSERVATION_RECIPIENT),
    .options = options,
    .settings_size = sizeof(struct settings),
    .state_size = sizeof(struct state),
    .load = load,
    .unload = unload,
    .observe = observe,
};
