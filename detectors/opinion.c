/* opinion: what the receivers think of its mail: refusals by policy, for the content, for the sender's repute.
 *
 * A newsletter to a neglected list is refused because addresses are dead; a bot with a good list is refused because its
 * mail is spam, and each receiver has filters that see what no watcher of the wire does: the text, the links, what
 * other victims got. Idea: a watcher can use all of them, since they answer in the clear ("the economy of reply
 * codes"): the same sequential test as in rejects, on another question, kept as a cumulative sum (Page, "Continuous
 * Inspection Schemes", 1954), so that it finds a good customer who turns bad.
 *
 * What counts (reply_reason.h reads the answers): a final refusal by policy or content, in full; one of the sender's
 * own address, by a third, since a list may name its predecessor or its whole network, and then all that use the list
 * refuse; an accepted recipient, against it. Unknown recipients are for rejects; what is temporary, full, or wrong with
 * the sender's name says nothing here.
 *
 * What is not independent: a receiver that has refused lately (one of the last eight that did) adds a quarter: what it
 * has against the sender it has said; and until three did, the sum stays at 9.5. Receivers are told apart by network,
 * since a large one has many servers with one opinion. Recipients that a server
 * accepts in one connection count by an eighth from the second on: a message to fifty has one content. So do those of a
 * network that accepts more than a quarter of all, and nothing else is read from these: it may be the sender's own.
 * Mail to those that were written to a moment ago (among the last 48 recipients) is a regular correspondence, or a
 * forwarding server that passes on others' spam to its few users: where more than one outcome in twelve is of that
 * kind, refusals count by a tenth; and until there are 24 outcomes, before which nobody can tell, the sum stays at 11.
 *
 * Whose mail it is. A forwarding server has senders of many domains and is refused for what others wrote; but its
 * recipients exist. So from five sender domains on, the sum stays at 5 as long as fewer than one recipient in 25 is
 * unknown: a bot that forges its senders has a list with holes.
 *
 * State (200 bytes): the sum, as much of it as was said, when both faded last; recipients and networks of servers by
 * their hash.
 *
 * Weights: the sum is a weight of evidence, and is said as it stands: each refusal 10*log10(share_abuser /
 * share_honest) points, 7 with the presets, each recipient accepted 0.37 less. It stays between -30, so that a run of
 * 50,000 messages is not accused for the bad luck of some dozen, and `most`: 11.9 is an alert alone, a throttle
 * with what else is seen, and no block together with burst and fanout, who see the shape of a newsletter (8 points, but
 * more where it opens 24 connections at once): one that many people call spam is slowed down and not cut off. It fades
 * like what was said of it, by half in an hour. In the laboratory honest mail of all sorts has up to 1.5 % refused like
 * this and spam 6 to 25 %; steps of 0.14 against 0.025 left three times as many abusers unstopped there. */
#include <assert.h>
#include <errno.h>
#include "detectors/detector.h"
#include "detectors/ratio.h"
#include "detectors/recent.h"
#include "detectors/reply_reason.h"
#include "detectors/share.h"
#include "detectors/standing.h"

#define MILLION       INT64_C(1000000)
#define RECIPIENTS    48
#define NETWORKS      8
#define CREDIT_MOST   DECIBANS(30)
#define SAID_LEAST    DECIBANS(1)
#define LISTED_PART   3
#define TOGETHER_PART 8 /* of recipients that one connection brings to a server, beyond the first */
#define AGAIN_PART    4
#define REGULAR_PART  10
#define REGULAR_FROM  12 /* one outcome in so many */
#define EARLY         24 /* outcomes, before which nobody knows whether they repeat */
#define EARLY_MOST    DECIBANS(11)
#define FEW_MOST      DECIBANS(9.5)
#define FEW_NETWORKS  3 /* that refused: one or two that have something against a sender are no throttle */
#define RELAYING      5 /* domains of envelope senders */
#define RELAYED_MOST  DECIBANS(5)
#define UNKNOWN_FROM  25  /* one outcome in so many */
#define OUTCOMES      64  /* counted, before both numbers are halved */
#define QUARTERS      4   /* steps of fading in each `again` */
#define QUARTER       861 /* 1024 * 2^(-1/4) */

struct settings {
    struct detector_settings base;
    duration again;
    int32_t share_honest, share_abuser;
    points refused, accepted; /* what follows from them */
};

struct state {
    points sum, said;
    uint32_t step; /* the number of the quarter to which both have faded */
    uint32_t recipients[RECIPIENTS], networks[NETWORKS];
    uint32_t refusals, accepted; /* since the sum was last at nothing, for the reason */
    struct share accepting;
    uint32_t together; /* the connection of the last that was accepted, in a hash */
    uint16_t outcomes, repeated, unknown;
    uint8_t next_recipient, next_network;
    uint64_t senders; /* domains, a bit each */
};
static_assert(sizeof(struct state) <= 300, "small");

static const struct option options[] = {
    DETECTOR_OPTIONS("opinion", struct settings, "11.9"),
    AGAIN_OPTION("opinion", struct settings),
    RATIO_OPTION("opinion", struct settings, share_honest, "0.02", .least = "0.001", .most = "0.5",
                 .text = "Share of its mail that an honest sender has refused by policy or for the content, at the "
                         "worst."),
    RATIO_OPTION("opinion", struct settings, share_abuser, "0.1", .least = "0.01", .most = "0.9",
                 .text = "Share of its mail that an abuser has refused so."),
    {.key = NULL},
};

static bool check(const void *context, struct error *error)
{
    const struct settings *settings = context;
    if (settings->share_abuser - settings->share_honest >= 10000)
        return true;
    error_set(error, EINVAL, "share_abuser: is not above share_honest; allowed is share_honest + 0.01 and more");
    return false;
}

static int load(void *context, const struct file_source *source, struct error *error)
{
    (void)source, (void)error;
    struct settings *settings = context;
    uint64_t honest = (uint64_t)settings->share_honest, abuser = (uint64_t)settings->share_abuser;
    settings->refused = ratio_points(abuser, honest);
    settings->accepted = ratio_points(MILLION - abuser, MILLION - honest);
    return 0;
}

static points faded(points amount, uint32_t steps)
{
    for (; steps > 0 && amount != 0; steps--)
        amount = amount * QUARTER / 1024;
    return amount;
}

static void age(const struct settings *settings, struct state *state, moment now)
{
    uint32_t step = standing_period(now, settings->again / QUARTERS);
    if (state->sum < -CREDIT_MOST || state->sum > settings->base.most || state->said < 0 ||
        state->said > settings->base.most || standing_is_ahead(state->step, step)) {
        *state = (struct state){.step = step}; /* another process left these bytes, or the clock was set back */
        return;
    }
    if (step <= state->step)
        return;
    uint32_t steps = step - state->step;
    if (steps >= DAY / HOUR * QUARTERS)
        state->senders = 0;
    state->sum = steps < 64 ? faded(state->sum, steps) : 0;
    state->said = steps < 64 ? faded(state->said, steps) : 0;
    state->step = step;
}

/* Whether most of its mail goes to those that it has just written to. */
static bool is_regular(struct state *state, struct text recipient)
{
    bool fresh = recent_add(state->recipients, RECIPIENTS, &state->next_recipient, recent_hash(recipient));
    if (state->outcomes >= OUTCOMES) {
        state->outcomes /= 2;
        state->repeated /= 2;
        state->unknown /= 2;
    }
    state->outcomes++;
    state->repeated += !fresh;
    return state->repeated * REGULAR_FROM > state->outcomes;
}

/* How high the sum may stand now. */
static points most_of(const struct settings *settings, const struct state *state)
{
    points most = settings->base.most;
    uint32_t networks = 0;
    for (int i = 0; i < NETWORKS; i++)
        networks += state->networks[i] != 0;
    if (networks < FEW_NETWORKS && most > FEW_MOST)
        most = FEW_MOST;
    if (state->outcomes < EARLY && most > EARLY_MOST)
        most = EARLY_MOST;
    bool relays = __builtin_popcountll(state->senders) >= RELAYING;
    if (relays && state->unknown * UNKNOWN_FROM < state->outcomes && most > RELAYED_MOST)
        most = RELAYED_MOST;
    return most;
}

static points step_of(const struct settings *settings, struct state *state, const struct observation *seen,
                      enum reply_reason reason, bool regular)
{
    if (reason == REPLY_ACCEPTED) {
        uint32_t connection = recent_hash_address(&seen->server) ^ (uint32_t)seen->origin.client_port << 16;
        bool together = seen->origin.client_port != 0 && connection == state->together;
        state->together = connection;
        return together ? settings->accepted / TOGETHER_PART : settings->accepted;
    }
    points worth = reason == REPLY_LISTED ? settings->refused / LISTED_PART : settings->refused;
    if (!recent_add(state->networks, NETWORKS, &state->next_network, recent_hash_network(&seen->server)))
        worth /= AGAIN_PART;
    return regular ? worth / REGULAR_PART : worth;
}

static void add(const struct settings *settings, struct state *state, points step)
{
    points most = most_of(settings, state);
    state->sum += step;
    state->sum = state->sum > most ? most : state->sum;
    state->sum = state->sum < -CREDIT_MOST ? -CREDIT_MOST : state->sum;
}

static void say(struct state *state, const struct reply *reply, struct findings *findings)
{
    points standing = state->sum > 0 ? state->sum : 0, more = standing - state->said;
    if (more < SAID_LEAST && more > -SAID_LEAST)
        return;
    if (more > 0)
        findings_add(findings, more, "%u of %u recipients and messages refused by policy or content; the last: %u %.*s",
                     state->refusals, state->refusals + state->accepted, reply->code, SHOWN(reply->phrase));
    else
        findings_add(findings, more,
                     "%u of %u recipients and messages refused by policy or content; earlier points "
                     "taken back",
                     state->refusals, state->refusals + state->accepted);
    state->said = standing;
}

static void observe(const void *context, void *memory, const struct observation *seen, struct findings *findings)
{
    const struct settings *settings = context;
    struct state *state = memory;
    bool content = seen->kind == OBSERVATION_MESSAGE;
    const struct reply *reply = content ? &seen->message.reply : &seen->recipient.reply;
    bool accepted = reply->code >= 200 && reply->code < 300;
    if ((content && accepted) || (reply->code < 500 && !accepted))
        return; /* its recipients have counted already; what is temporary says nothing */
    enum reply_reason reason = reply_reason(reply);
    bool refused = reason == REPLY_POLICY || reason == REPLY_CONTENT || reason == REPLY_LISTED;
    bool unknown = !content && reason == REPLY_UNKNOWN_USER;
    if (!refused && !unknown && reason != REPLY_ACCEPTED)
        return;
    age(settings, state, seen->time);
    struct text from = content ? seen->message.from : seen->recipient.from;
    if (from.length > 0)
        state->senders |= UINT64_C(1) << recent_hash(recent_domain(from)) % 64;
    bool large = reason == REPLY_ACCEPTED && share_count(&state->accepting, recent_hash_network(&seen->server)) > 0;
    if (large) { /* nor does it tell whom the sender writes to */
        add(settings, state, settings->accepted / TOGETHER_PART);
        state->accepted++;
        say(state, reply, findings);
        return;
    }
    bool regular =
        content ? state->repeated * REGULAR_FROM > state->outcomes : is_regular(state, seen->recipient.address);
    if (unknown) {
        state->unknown++;
        return;
    }
    if (state->sum <= 0 && state->said == 0 && refused)
        state->refusals = state->accepted = 0;
    add(settings, state, step_of(settings, state, seen, reason, regular));
    state->refusals += refused;
    state->accepted += !refused;
    say(state, reply, findings);
}

const struct detector detector_opinion = {
    .name = "opinion",
    .sees = "What receivers think of its mail: too much of it is refused by policy or for its content.",
    .wants = OBSERVATION_BIT(OBSERVATION_RECIPIENT) | OBSERVATION_BIT(OBSERVATION_MESSAGE),
    .options = options,
    .settings_size = sizeof(struct settings),
    .state_size = sizeof(struct state),
    .check = check,
    .load = load,
    .observe = observe,
};
