/* bulk: near-identical bodies from several senders at once, of this node or, where a collector tells, of several.
 *
 * A run that is sent through stolen machines or logins has one text; names, numbers and random words differ from
 * message to message, which the likeness (common/words/likeness.h) overlooks. Idea: the clearing houses that count
 * checksums of bodies (DCC, Razor), on one node.
 *
 * What does this and is honest, and how it is told apart:
 *
 *   one sender: newsletters, circulars, shops and forums    one text to many is their trade: no points for it at all.
 *                                                           Volume is burst's and fanout's, and both together reach
 *                                                           19.7 points for a newsletter: one more would be a block
 *   many senders, few recipients: cron, panels, plugins     each must have sent it to `recipients` within the hour
 *   shops with the same template                            the text is known since a day and more: no points
 *   one customer on several addresses                       one domain in the envelope: half the points
 *   the node or the watcher was started today               a text's past cannot be known: half the points
 *   mailing lists, forwarders and backup MX that are given the same mail: three of them, each to ten and more within
 *   the hour; that happens, and three senders are worth little (4 points)
 *
 * Whoever copies a shop's template makes it neither new nor the shop's fault: it is known. A text that an honest sender
 * began today can be copied as well, by machines that somebody rents for it. So the first who sent a text has 4 points
 * at most, with what burst and fanout see of a newsletter's night less than a throttle; all who came after him are
 * charged. Of a real run that spares one machine, which others than this detector must see. Whoever sends one message
 * of his text a day before escapes this detector, and no other.
 *
 * Weights: 4 points at three senders, 8 at four, 11 at five, 16 (a throttle) at five of whom each has five times
 * `recipients`. Where a collector tells of a campaign, its senders stand in for those of this node: as many customers
 * as it counts are several, whatever the envelopes say, and its author is who sent the text before anybody told of it.
 * Whether the text has a past is known here alone, and who sent it to few here is charged nothing, unless the collector
 * has counted such a text itself, in messages that it was sent, to `counted` recipients and from as many customers as
 * `senders`: then each who sends it has 2 points, and 4 at five times as many. That is the run of which every machine
 * sends few. What panels and programs write alike is known to the collector by its age, and to us by the text's past.
 *
 * Eight senders of a body are told apart. A ninth, of a run that is spread over more, counts for itself what it sent
 * of bodies that eight others are sending: it is one of them as soon as it has sent as much as they must have.
 *
 * State: what has been said, and what was sent as a ninth (20 bytes). */
#include <assert.h>
#include "detectors/detector.h"
#include "detectors/standing.h"

struct settings {
    struct detector_settings base;
    duration again;
    uint32_t recipients, senders, counted;
};

struct state {
    struct standing standing;
    uint32_t half;     /* the half hour, counted from 1970 on, of ninth[0] */
    uint32_t ninth[2]; /* recipients as one of too many, in the half hour that runs and in the one before */
};
static_assert(sizeof(struct state) <= 32, "small");

#define MANY       5 /* times `recipients` */
#define AUTHORS    DECIBANS(4)
#define HALF       (30 * MINUTE)
#define NINTH_MOST UINT32_C(1000000)

static const struct option options[] = {
    DETECTOR_OPTIONS("bulk", struct settings, "16"),
    AGAIN_OPTION("bulk", struct settings),
    COUNT_OPTION("bulk", struct settings, recipients, "10", .least = "2", .most = "100000",
                 .text = "A sender takes part in a run when one body went to so many recipients within an hour."),
    COUNT_OPTION("bulk", struct settings, senders, "3", .least = "2", .most = "6",
                 .text = "So many senders with one and the same body are a run; two more are a large one."),
    COUNT_OPTION("bulk", struct settings, counted, "20", .least = "0", .most = "1000000",
                 .text =
                     "Where a collector counts a body to so many recipients over all nodes, each who sends it takes "
                     "part, however few he sends it to; 0: what it counts does not matter."),
    {.key = NULL},
};

/* Senders of it on all nodes, where they sent it to that many each on the average; 0: fewer, or nobody tells. Sums of
 * what others say say nothing of a sender here that is not among them. */
static uint32_t fleet_with(const struct alike *alike, uint32_t recipients)
{
    return alike->fleet_senders > 0 && alike->fleet_recipients / alike->fleet_senders >= recipients
               ? alike->fleet_senders
               : 0;
}

/* How many of them sent it to that many. */
static uint32_t senders_with(const struct alike *alike, uint32_t recipients)
{
    uint32_t count = 0, fleet = fleet_with(alike, recipients);
    while (count < ALIKE_SENDERS && alike->recipients[count] >= recipients)
        count++;
    return fleet > count ? fleet : count;
}

/* What this sender sent of the body; where it is not among those told apart, of all such bodies. */
static uint32_t own_of(struct state *state, const struct observation *seen)
{
    const struct alike *alike = seen->message.alike;
    if (alike->own > 0 || alike->senders < ALIKE_SENDERS || alike->known || seen->message.reply.code / 100 != 2)
        return alike->own;
    uint32_t half = standing_period(seen->time, HALF), more = seen->message.recipients;
    if (half != state->half) {
        state->ninth[1] = half == state->half + 1 ? state->ninth[0] : 0;
        state->ninth[0] = 0;
        state->half = half;
    }
    more = more == 0 ? 1 : more < NINTH_MOST ? more : NINTH_MOST;
    state->ninth[0] = state->ninth[0] < NINTH_MOST ? state->ninth[0] + more : NINTH_MOST;
    return state->ninth[0] + (state->ninth[1] < NINTH_MOST ? state->ninth[1] : NINTH_MOST);
}

static points worth_of(const struct settings *settings, const struct alike *alike, uint32_t own)
{
    if (alike->known || own < settings->recipients)
        return 0;
    uint32_t senders = senders_with(alike, settings->recipients), large = settings->senders + 2;
    points worth = senders < settings->senders ? 0 : senders == settings->senders ? 400 : senders < large ? 800 : 1100;
    if (own >= MANY * settings->recipients && senders_with(alike, MANY * settings->recipients) >= large)
        worth = 1600;
    bool first_of_all = alike->author && (alike->fleet_senders == 0 || alike->fleet_later);
    if (first_of_all && worth > AUTHORS)
        worth = AUTHORS;
    bool one_customer = alike->domains <= 1 && alike->fleet_customers <= 1;
    return alike->watched && !one_customer ? worth : worth / 2;
}

/* What the collector counted itself is worth, to whom of those who sent it. */
static points worth_of_count(const struct settings *settings, const struct alike *alike)
{
    if (settings->counted == 0 || alike->known || alike->counted_recipients < settings->counted ||
        alike->counted_customers < settings->senders || (alike->author && alike->counted_later))
        return 0;
    points worth = alike->counted_recipients >= MANY * settings->counted ? 400 : 200;
    return alike->watched ? worth : worth / 2;
}

static void say_count(struct findings *findings, points more, const struct alike *alike)
{
    findings_add(findings, more,
                 "%u customers on %u nodes sent one body to %u recipients within 1 day, as the collector counts, and "
                 "this sender did too",
                 alike->counted_customers, alike->counted_nodes, alike->counted_recipients);
}

static void say(struct findings *findings, points more, const struct alike *alike, uint32_t recipients, uint32_t own)
{
    uint32_t senders = senders_with(alike, recipients);
    if (senders == fleet_with(alike, recipients))
        findings_add(findings, more,
                     "%u senders of %u customers on %u nodes sent one body to %u recipients within 1 hour, this one "
                     "to %u",
                     senders, alike->fleet_customers, alike->fleet_nodes, alike->fleet_recipients, own);
    else
        findings_add(findings, more,
                     "%u senders sent one body to %u recipients and more each within 1 hour, this one to %u", senders,
                     recipients, own);
}

static void observe(const void *context, void *memory, const struct observation *seen, struct findings *findings)
{
    const struct settings *settings = context;
    struct state *state = memory;
    const struct alike *alike = seen->message.alike;
    if (alike == NULL)
        return;
    uint32_t own = own_of(state, seen);
    points worth = worth_of(settings, alike, own), by_count = worth_of_count(settings, alike);
    bool by_count_alone = by_count > worth;
    if (by_count_alone)
        worth = by_count;
    if (worth > settings->base.most)
        worth = settings->base.most;
    points more = worth > 0 ? standing_raise(&state->standing, worth, seen->time, settings->again) : 0;
    if (more && by_count_alone)
        say_count(findings, more, alike);
    else if (more)
        say(findings, more, alike, settings->recipients, own);
}

const struct detector detector_bulk = {
    .name = "bulk",
    .sees = "One and the same body, but for names, numbers and padding, from several senders at once.",
    .wants = OBSERVATION_BIT(OBSERVATION_MESSAGE),
    .options = options,
    .settings_size = sizeof(struct settings),
    .state_size = sizeof(struct state),
    .observe = observe,
    .joint = true,
};
