/* envelope: senders and recipients that no honest mail has, and floods of mail with the null sender.
 *
 * Idea: what mail administrators keep in their access maps. Scripts and bots leave placeholders in the envelope
 * (you@example.com), the names of the machine itself (root@localhost.localdomain) and names reserved for examples
 * (RFC 2606, 6761). The maps are Postfix's own text, so that a site adds its own. The null sender belongs to bounces,
 * of which an honest machine that receives no mail for others sends few (RFC 5321 4.5.5): many, to many recipients, are
 * backscatter or spam in a bounce's clothes. Mail is what has content: servers that ask others whether an address
 * exists (Exim's callouts, address verification) name the null sender and a recipient, and leave.
 *
 * A placeholder that a cron job was left with goes to one or two people; a bot's goes to everybody on its list. So the
 * recipients of senders that the maps reject are counted as well.
 *
 * State (184 bytes): the last eight junk addresses; what rejections and warnings of the maps have come to in this hour;
 * transactions with and without a sender, and recipients of null-sender content, in two halves of an hour; a sketch of
 * the null sender's recipients, and one of rejected senders' recipients.
 *
 * Weights: a map's entry brings its own points (`points=3`) or those of the options, each address once in `again`.
 * Addresses that only show a badly configured machine are warnings in the shipped maps, and warnings together stay at 3
 * points: a cron job may mail root@localhost.localdomain for years and never cause an alert. Null-sender mail counts
 * where more than half of the transactions are such: 3 points above the limit, 2 more for each doubling, of not more
 * than twice the recipients that content went to. Mail of a rejected sender to more than ten recipients in an hour
 * counts 3 points more, 5 above twenty, 7 above forty: with the placeholder's own 3 that is all. `most` keeps all of it
 * below a throttle: a shop that nobody gave its own address has an alert, and a bot, whose burst and fanout the other
 * detectors see, is throttled. */
#include <assert.h>
#include "detectors/access_map.h"
#include "detectors/detector.h"
#include "detectors/recent.h"
#include "detectors/sketch.h"
#include "detectors/standing.h"

#define REMEMBERED  8
#define HALVES      2
#define FLOOD_FIRST 300
#define FLOOD_STEP  200
#define FLOOD_MOST  1000
#define SPREAD_MOST 700
#define SUM_MOST    DECIBANS(1000)

struct settings {
    struct detector_settings base;
    duration again;
    struct option_words sender_maps, recipient_maps;
    points points, warning_points, warnings_most;
    uint32_t null_recipients, junk_recipients;
    struct access_maps senders, recipients; /* as loaded */
};

struct state {
    struct sketch null_recipients;                /* in one hour */
    struct bitmap junk_recipients;                /* of rejected senders, in this hour */
    uint32_t transactions[HALVES], nulls[HALVES]; /* now, and the half hour before */
    uint32_t contents[HALVES];                    /* recipients that null-sender content went to */
    uint32_t half, period;                        /* numbers of the half hour, and of the `again` */
    uint32_t recent[REMEMBERED];
    uint8_t next;
    points rejected, warned; /* in this `again` */
    struct standing standing;
};
static_assert(sizeof(struct state) <= 256, "small");

static const struct option options[] = {
    DETECTOR_OPTIONS("envelope", struct settings, "10"),
    AGAIN_OPTION("envelope", struct settings),
    WORDS_OPTION("envelope", struct settings, sender_maps, "builtin:sender_access",
                 .text =
                     "Access maps (Postfix's text form; \"pcre:\" before a file of patterns) for envelope senders."),
    WORDS_OPTION("envelope", struct settings, recipient_maps, "builtin:recipient_access",
                 .text = "Access maps for envelope recipients."),
    POINTS_OPTION("envelope", struct settings, points, "3", .least = "0", .most = "100",
                  .text = "Points of an address that a map rejects without saying points= itself."),
    POINTS_OPTION("envelope", struct settings, warning_points, "1", .least = "0", .most = "100",
                  .text = "Points of an address that a map warns of without saying points= itself."),
    POINTS_OPTION("envelope", struct settings, warnings_most, "3", .least = "0", .most = "100",
                  .text = "The most that all warnings of the maps together count for."),
    COUNT_OPTION("envelope", struct settings, null_recipients, "5", .most = "500",
                 .text =
                     "Different recipients of null-sender mail in one hour above which it is a flood; 0: no limit."),
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
    uint32_t half = standing_period(now, HOUR / HALVES);
    bool ahead = standing_is_ahead(state->half, half);
    if (half > state->half || ahead) {
        uint32_t passed = ahead ? UINT32_MAX : half - state->half;
        sketch_age(&state->null_recipients, passed);
        if (half / HALVES != state->half / HALVES)
            state->junk_recipients = (struct bitmap){{0}};
        state->transactions[1] = passed == 1 ? state->transactions[0] : 0;
        state->nulls[1] = passed == 1 ? state->nulls[0] : 0;
        state->contents[1] = passed == 1 ? state->contents[0] : 0;
        state->transactions[0] = state->nulls[0] = state->contents[0] = 0;
        state->half = half;
    }
    uint32_t period = standing_period(now, settings->again);
    if (period > state->period || standing_is_ahead(state->period, period) || !is_sound(state)) {
        memset(state->recent, 0, sizeof state->recent);
        state->rejected = state->warned = 0;
        state->period = period;
    }
}

/* Recipients of the last hour's null-sender mail. Those that refused it are a part of it, as long as there is some. */
static uint32_t null_mail(const struct state *state)
{
    uint32_t recipients = sketch_count(&state->null_recipients);
    uint64_t most = 2 * ((uint64_t)state->contents[0] + state->contents[1]);
    return recipients < most ? recipients : (uint32_t)most;
}

/* What the null-sender mail of the last hour is worth. */
static points flood_worth(const struct settings *settings, const struct state *state)
{
    uint32_t recipients = null_mail(state), limit = settings->null_recipients;
    uint32_t all = state->transactions[0] + state->transactions[1], nulls = state->nulls[0] + state->nulls[1];
    if (limit == 0 || recipients <= limit || nulls <= all / 2)
        return 0;
    points worth = FLOOD_FIRST;
    for (; recipients / 2 >= limit && worth < FLOOD_MOST; recipients /= 2)
        worth += FLOOD_STEP;
    return worth < FLOOD_MOST ? worth : FLOOD_MOST;
}

/* What it is worth that mail of rejected senders goes to so many. */
static points spread_worth(const struct settings *settings, const struct state *state)
{
    uint32_t recipients = bitmap_count(&state->junk_recipients), limit = settings->junk_recipients;
    if (limit == 0 || recipients <= limit)
        return 0;
    points worth = FLOOD_FIRST;
    for (; recipients / 2 >= limit && worth < SPREAD_MOST; recipients /= 2)
        worth += FLOOD_STEP;
    return worth < SPREAD_MOST ? worth : SPREAD_MOST;
}

/* All that stands against the sender now, less what has been said. */
static points raise(const struct settings *settings, struct state *state, moment now)
{
    points warned = state->warned < settings->warnings_most ? state->warned : settings->warnings_most;
    points worth = state->rejected + warned + flood_worth(settings, state) + spread_worth(settings, state);
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

static void look_at_null_sender(const struct settings *settings, struct state *state, const struct observation *seen,
                                struct findings *findings)
{
    struct text recipient = seen->recipient.address;
    bool known = seen->recipient.from.bytes != NULL; /* else MAIL was not seen */
    if (!known || seen->recipient.from.length > 0)
        return;
    sketch_add(&state->null_recipients, recent_hash(recipient));
    if (!flood_worth(settings, state))
        return;
    points more = raise(settings, state, seen->time);
    if (more)
        findings_add(findings, more,
                     "%u of %u mails have the null sender, to about %u recipients in 1 hour; the limit is %u; the last "
                     "was <%.*s>",
                     state->nulls[0] + state->nulls[1], state->transactions[0] + state->transactions[1],
                     null_mail(state), settings->null_recipients, SHOWN(recipient));
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
        state->transactions[0]++;
        state->nulls[0] += seen->transaction.from.length == 0;
        look_up(settings, state, &settings->senders, seen->transaction.from, "sender", seen->time, findings);
    } else if (seen->kind == OBSERVATION_MESSAGE) {
        if (seen->message.from.length == 0)
            state->contents[0] += seen->message.recipients > 0 ? seen->message.recipients : 1;
    } else {
        look_up(settings, state, &settings->recipients, seen->recipient.address, "recipient", seen->time, findings);
        look_at_null_sender(settings, state, seen, findings);
        look_at_junk_sender(settings, state, seen, findings);
    }
}

const struct detector detector_envelope = {
    .name = "envelope",
    .sees = "Senders and recipients that no honest mail has, by access maps, and floods of mail with the null sender.",
    .wants = OBSERVATION_BIT(OBSERVATION_TRANSACTION) | OBSERVATION_BIT(OBSERVATION_RECIPIENT) |
             OBSERVATION_BIT(OBSERVATION_MESSAGE),
    .options = options,
    .settings_size = sizeof(struct settings),
    .state_size = sizeof(struct state),
    .load = load,
    .unload = unload,
    .observe = observe,
};
