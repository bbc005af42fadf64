/* complaint: those who got the sender's mail complain.
 *
 * Complaints mean nothing without the number of messages. Of a newsletter's readers one in a thousand complains,
 * whoever sends it; the large receivers take three in a thousand for the ceiling of what is decent. So each complaint
 * is weighed against the recipients that were accepted in the days before: how much likelier is this number of
 * complaints, where `share_abuser` of the recipients complain, than where `share_honest` do? For rare and independent
 * events (Poisson) that is 10*log10(abuser/honest) for each complaint, less 4.34*(abuser - honest) for each recipient.
 * Seven points and a twentieth with the presets: one in a hundred recipients breaks even with three in four hundred.
 * Both numbers fade by an eighth a day, since complaints come days after the mail.
 *
 * Reports of fraud and of viruses weigh three times as much as abuse, what is neither a quarter. "Not spam" takes one
 * back. Reports of failed authentication are about somebody who forged the sender's domain, or a forwarding server, and
 * are nothing here.
 *
 * Who complains may lie, or have a button that people take for "delete". One reporter counts in one day for two
 * complaints and one in fifty recipients, no more: for a sender with twenty recipients that is an alert, and no
 * throttle. And anybody can send a report with any address in it. Unless the message was found among those that this
 * sender sent, reports are worth 1 point, 2 where two reporters say so, and not one more whatever their number: nobody
 * gets his neighbour blocked by complaining.
 *
 * A name costs nothing either. Reporters whose names are only what their reports say ("claimed") count as one, all of
 * them together, and their "not spam" takes nothing back: a sender could write it himself. Who has one message of the
 * sender's, from an archive for all to read, can complain of it every day in many names: what claimed names say comes
 * to an alert, 10.9 points, and with what cannot be verified to 11.9; it adds nothing to more than that. What is
 * withdrawn, because a person found that it was no abuse, is taken back by what it counted for.
 *
 * What remains: who finds the sender's messages in nine names' mailboxes a day, of names that prove who they are, has
 * nine reporters' say. Whoever says "verified" answers for it.
 *
 * State (104 bytes): what was accepted and complained of, eight reporters of this day, and what was said.
 *
 * Weights: the ratio itself, up to `most`, which is below a block: few machines are so bad that only their complaints
 * show it, and these come too late to be the reason. */
#include <errno.h>
#include "detectors/detector.h"
#include "detectors/ratio.h"
#include "detectors/recent.h"
#include "detectors/standing.h"

#define REPORTERS    8
#define QUARTERS     4 /* of a complaint: what it is counted in */
#define COUNT_MOST   (UINT32_C(1) << 28)
#define OF_ONE       2  /* complaints of one reporter in a day, and */
#define OF_ONE_PART  50 /* one in so many recipients */
#define FADES_BY     8  /* an eighth a day */
#define WORTH_MOST   DECIBANS(100)
#define UNVERIFIED   DECIBANS(1)          /* each of two reporters */
#define CLAIMED_MOST (DECIBANS(109) / 10) /* names that nobody vouches for */

struct settings {
    struct detector_settings base;
    duration again;
    int32_t share_honest, share_abuser;
    points complaint; /* follows from them */
};

struct state {
    uint32_t day;
    uint32_t recipients, quarters; /* faded */
    uint32_t claimed;              /* of the quarters, those of names that nobody vouches for */
    struct reporter {
        uint32_t hash, quarters; /* in this day */
    } reporters[REPORTERS];
    uint8_t next, reserved[3];
    uint32_t unverified; /* the first reporter of those that could not be verified; 1: there were others */
    struct standing standing, doubtful;
};

static const struct option options[] = {
    DETECTOR_OPTIONS("complaint", struct settings, "17"),
    AGAIN_OPTION("complaint", struct settings),
    RATIO_OPTION("complaint", struct settings, share_honest, "0.003", .least = "0.0001", .most = "0.5",
                 .text = "Share of an honest sender's recipients who complain, at the worst."),
    RATIO_OPTION("complaint", struct settings, share_abuser, "0.015", .least = "0.0002", .most = "0.9",
                 .text = "Share of an abuser's recipients who complain, at the least."),
    {.key = NULL},
};

static bool check(const void *context, struct error *error)
{
    const struct settings *settings = context;
    if (settings->share_abuser >= 2 * settings->share_honest)
        return true;
    error_set(error, EINVAL, "share_abuser: is too near to share_honest; allowed is twice share_honest and more");
    return false;
}

static int load(void *context, const struct file_source *source, struct error *error)
{
    (void)source, (void)error;
    struct settings *settings = context;
    settings->complaint = ratio_points((uint64_t)settings->share_abuser, (uint64_t)settings->share_honest);
    return 0;
}

static void age(struct state *state, moment now)
{
    uint32_t day = standing_period(now, DAY);
    if (standing_is_ahead(state->day, day) || state->recipients > COUNT_MOST || state->quarters > COUNT_MOST ||
        state->claimed > state->quarters)
        *state = (struct state){.day = day}; /* left by another process, or by another clock */
    if (day <= state->day)
        return;
    memset(state->reporters, 0, sizeof state->reporters);
    state->unverified = 0;
    for (uint32_t days = day - state->day; days > 0 && (state->recipients | state->quarters) != 0; days--) {
        state->recipients -= (state->recipients + FADES_BY - 1) / FADES_BY;
        state->quarters -= (state->quarters + FADES_BY - 1) / FADES_BY;
        state->claimed -= (state->claimed + FADES_BY - 1) / FADES_BY;
        state->claimed = state->claimed < state->quarters ? state->claimed : state->quarters;
    }
    state->day = day;
}

/* What a report of that type counts, in quarters. */
static uint32_t weight_of(enum complaint_type type)
{
    switch (type) {
    case COMPLAINT_ABUSE:
    case COMPLAINT_NOT_SPAM:
        return QUARTERS;
    case COMPLAINT_FRAUD:
    case COMPLAINT_VIRUS:
        return 3 * QUARTERS;
    case COMPLAINT_OTHER:
        return 1;
    default:
        return 0;
    }
}

static uint32_t reporter_of(const struct observation *seen)
{
    return recent_hash(seen->complaint.claimed ? TEXT("?") : seen->complaint.reporter);
}

static uint32_t most_of_one(const struct state *state)
{
    return (OF_ONE + state->recipients / OF_ONE_PART) * QUARTERS;
}

/* How much of it still counts, after what this reporter has said today. */
static uint32_t allow(struct state *state, uint32_t hash, uint64_t quarters)
{
    uint32_t i = 0;
    while (i < REPORTERS && state->reporters[i].hash != hash)
        i++;
    if (i == REPORTERS) {
        i = state->next % REPORTERS;
        state->next = (uint8_t)((i + 1) % REPORTERS);
        state->reporters[i] = (struct reporter){.hash = hash};
    }
    struct reporter *reporter = &state->reporters[i];
    uint32_t most = most_of_one(state);
    uint32_t room = most > reporter->quarters ? most - reporter->quarters : 0;
    uint32_t allowed = quarters < room ? (uint32_t)quarters : room;
    reporter->quarters += allowed;
    return allowed;
}

/* What it counted for, when it is withdrawn: no more than the reporter's say of this day. What was said on a day before
 * is not known any more. */
static uint32_t give_back(struct state *state, uint32_t hash, uint64_t quarters)
{
    uint32_t most = most_of_one(state), i = 0;
    while (i < REPORTERS && state->reporters[i].hash != hash)
        i++;
    if (i < REPORTERS)
        most = state->reporters[i].quarters;
    uint32_t back = quarters < most ? (uint32_t)quarters : most;
    if (i < REPORTERS)
        state->reporters[i].quarters -= back;
    return back;
}

static points worth_of_some(const struct settings *settings, const struct state *state, uint32_t quarters)
{
    int64_t for_it = (int64_t)quarters * settings->complaint / QUARTERS;
    int64_t against =
        (int64_t)state->recipients * (settings->share_abuser - settings->share_honest) / 1000 * 4343 / 10000;
    int64_t worth = for_it - against;
    int64_t most = settings->base.most < WORTH_MOST ? settings->base.most : WORTH_MOST;
    return (points)(worth < 0 ? 0 : worth < most ? worth : most);
}

static points worth_of(const struct settings *settings, const struct state *state)
{
    points all = worth_of_some(settings, state, state->quarters);
    points vouched = worth_of_some(settings, state, state->quarters - state->claimed);
    points most = vouched > CLAIMED_MOST ? vouched : CLAIMED_MOST;
    return all < most ? all : most;
}

static void take_back(const struct settings *settings, struct state *state, const struct observation *seen,
                      uint32_t quarters, struct findings *findings)
{
    state->quarters -= quarters < state->quarters ? quarters : state->quarters;
    if (seen->complaint.claimed)
        state->claimed -= quarters < state->claimed ? quarters : state->claimed;
    state->claimed = state->claimed < state->quarters ? state->claimed : state->quarters;
    standing_raise(&state->standing, 0, seen->time, settings->again); /* what was said has faded since */
    points back = state->standing.said - worth_of(settings, state);
    if (back <= 0)
        return;
    state->standing.said -= back;
    findings_add(findings, -back, "%.*s: not %s after all", SHOWN(seen->complaint.reporter),
                 seen->complaint.withdrawn ? "abuse" : "spam");
}

/* Where several reporters said so, the others' word stands. */
static void doubt_no_more(const struct settings *settings, struct state *state, const struct observation *seen,
                          struct findings *findings)
{
    points left = state->unverified == 1 ? UNVERIFIED : 0;
    standing_raise(&state->doubtful, 0, seen->time, settings->again); /* what was said has faded since */
    points back = state->doubtful.said - left;
    if (back <= 0)
        return;
    if (left == 0)
        state->unverified = 0;
    state->doubtful.said -= back;
    findings_add(findings, -back, "%.*s: not abuse after all", SHOWN(seen->complaint.reporter));
}

/* Anybody can say so. */
static void doubt(const struct settings *settings, struct state *state, const struct observation *seen,
                  struct findings *findings)
{
    if (seen->complaint.type == COMPLAINT_NOT_SPAM)
        return;
    uint32_t hash = reporter_of(seen);
    if (state->unverified == 0)
        state->unverified = hash;
    else if (state->unverified != hash)
        state->unverified = 1;
    points more = standing_raise(&state->doubtful, state->unverified == 1 ? 2 * UNVERIFIED : UNVERIFIED, seen->time,
                                 settings->again);
    if (more)
        findings_add(findings, more, "%.*s reports %s, of a message that was not seen here",
                     SHOWN(seen->complaint.reporter), complaint_type_name(seen->complaint.type));
}

static void observe_complaint(const struct settings *settings, struct state *state, const struct observation *seen,
                              struct findings *findings)
{
    uint64_t quarters = weight_of(seen->complaint.type) * (uint64_t)(seen->complaint.count ? seen->complaint.count : 1);
    if (quarters == 0)
        return;
    bool takes_back = seen->complaint.type == COMPLAINT_NOT_SPAM;
    if (takes_back && (seen->complaint.withdrawn || seen->complaint.claimed))
        return;
    if (!seen->complaint.verified && !seen->complaint.withdrawn) {
        doubt(settings, state, seen, findings);
        return;
    }
    if (!seen->complaint.verified) {
        doubt_no_more(settings, state, seen, findings);
        return;
    }
    if (seen->complaint.withdrawn) {
        take_back(settings, state, seen, give_back(state, reporter_of(seen), quarters), findings);
        return;
    }
    uint32_t allowed = allow(state, reporter_of(seen), quarters);
    if (takes_back) {
        take_back(settings, state, seen, allowed, findings);
        return;
    }
    state->quarters += allowed;
    state->claimed += seen->complaint.claimed ? allowed : 0;
    points more = standing_raise(&state->standing, worth_of(settings, state), seen->time, settings->again);
    if (more)
        findings_add(findings, more, "%u complaints of some %u recipients in these days; the last: %s, by %.*s",
                     (state->quarters + QUARTERS - 1) / QUARTERS, state->recipients,
                     complaint_type_name(seen->complaint.type), SHOWN(seen->complaint.reporter));
}

static void observe(const void *context, void *memory, const struct observation *seen, struct findings *findings)
{
    struct state *state = memory;
    age(state, seen->time);
    if (seen->kind == OBSERVATION_COMPLAINT) {
        observe_complaint(context, state, seen, findings);
        return;
    }
    if (seen->message.reply.code / 100 != 2)
        return;
    uint32_t more = seen->message.recipients > 0 ? seen->message.recipients : 1;
    state->recipients = more < COUNT_MOST - state->recipients ? state->recipients + more : COUNT_MOST;
}

const struct detector detector_complaint = {
    .name = "complaint",
    .sees = "Complaints, held against the number of messages that were sent.",
    .wants = OBSERVATION_BIT(OBSERVATION_COMPLAINT) | OBSERVATION_BIT(OBSERVATION_MESSAGE),
    .options = options,
    .settings_size = sizeof(struct settings),
    .state_size = sizeof(struct state),
    .check = check,
    .load = load,
    .observe = observe,
};
