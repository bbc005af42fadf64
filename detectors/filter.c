/* filter: what content filters say of the sender's messages.
 *
 * Filters see a sample of the mail, and are often wrong: outgoing mail that is no spam is called so in 1 to 5 of a
 * hundred, advertising more often; and the sample is not drawn blindly, there is more of what looked suspicious. A
 * server that forwards its users' mail passes on spam that others wrote, up to a third of what it sends. The large
 * receivers call an address bad whose mail is spam in nine of ten verdicts, and good below one in ten. So "honest" may
 * have a third, and an abuser has four fifths, and the test between them is the same as in rejects: a sequential
 * probability ratio test (Wald, 1945), each verdict moving a sum until a bound is reached.
 *
 * Opinions of one body are one opinion. A newsletter that a filter takes for spam is taken for spam 50,000 times: with
 * the same words for why and the same score, a verdict counts once a day (the last 24 of them are remembered). A
 * verdict of twice the threshold and more counts double: filters are rarely so wrong.
 *
 * Certain findings are no opinions: viruses, and test patterns. One is worth `certain_points`, for an hour or so, not
 * more for more of them: a forwarding server passes on viruses as well. Whoever trusts the scanner sets both
 * `certain_points` and `most` to 20 or more; then one virus blocks.
 *
 * Weights: at the upper bound what the test proves, 10*log10((1 - false_negative) / false_positive), capped by `most`;
 * at the lower bound as much is taken back. Who was found honest three times running is accused by a quarter the first
 * time, and in full if the next test says so again. `most` is below a block: a filter alone stops nobody.
 *
 * What remains: a bot with one body for all its mail has one opinion against it here; bulk and the others see it. Two
 * filters that judge one message count twice, since nothing here says that it was one.
 *
 * State: 128 bytes. */
#include <errno.h>
#include "detectors/detector.h"
#include "detectors/ratio.h"
#include "detectors/recent.h"
#include "detectors/standing.h"

#define MILLION    INT64_C(1000000)
#define REMEMBERED 24
#define HONEST_RUN 3
#define SUM_MOST   DECIBANS(200)

struct settings {
    struct detector_settings base;
    duration again;
    int32_t false_positive, false_negative, share_honest, share_abuser;
    points certain_points;
    points spam, ham, abuser_at, honest_at; /* what follows from them */
};

struct state {
    points sum;
    points given; /* and not taken back */
    uint32_t spam, ham;
    uint32_t recent[REMEMBERED];
    uint32_t day;
    uint8_t next, honest_run, reserved[2];
    struct standing certain;
};

static const struct option options[] = {
    DETECTOR_OPTIONS("filter", struct settings, "17"),
    AGAIN_OPTION("filter", struct settings),
    RATIO_OPTION("filter", struct settings, false_positive, "0.001", .least = "0.000001", .most = "0.2",
                 .text = "How often the test may call an honest sender an abuser (one test is some ten verdicts)."),
    RATIO_OPTION("filter", struct settings, false_negative, "0.01", .least = "0.000001", .most = "0.2",
                 .text = "How often the test may call an abuser honest; it begins anew each time."),
    RATIO_OPTION("filter", struct settings, share_honest, "0.3", .least = "0.001", .most = "0.9",
                 .text = "Share of an honest sender's messages that filters call spam, at the worst."),
    RATIO_OPTION("filter", struct settings, share_abuser, "0.8", .least = "0.01", .most = "0.99",
                 .text = "Share of an abuser's messages that filters call spam, at the least."),
    POINTS_OPTION("filter", struct settings, certain_points, "12", .least = "0", .most = "100",
                  .text = "Points of a finding that is no matter of opinion, such as a virus; `most` caps it."),
    {.key = NULL},
};

static bool check(const void *context, struct error *error)
{
    const struct settings *settings = context;
    if (settings->share_abuser - settings->share_honest >= 50000)
        return true;
    error_set(error, EINVAL, "share_abuser: is not above share_honest; allowed is share_honest + 0.05 and more");
    return false;
}

static int load(void *context, const struct file_source *source, struct error *error)
{
    (void)source, (void)error;
    struct settings *settings = context;
    uint64_t honest = (uint64_t)settings->share_honest, abuser = (uint64_t)settings->share_abuser;
    settings->spam = ratio_points(abuser, honest);
    settings->ham = ratio_points(MILLION - abuser, MILLION - honest);
    settings->abuser_at =
        ratio_points(MILLION - (uint64_t)settings->false_negative, (uint64_t)settings->false_positive);
    settings->honest_at =
        ratio_points((uint64_t)settings->false_negative, MILLION - (uint64_t)settings->false_positive);
    return 0;
}

static void begin_anew(struct state *state)
{
    state->sum = 0;
    state->spam = state->ham = 0;
}

static void accuse(const struct settings *settings, struct state *state, const struct observation *seen,
                   struct findings *findings)
{
    bool doubted = state->honest_run >= HONEST_RUN;
    points more = doubted ? settings->abuser_at / 4 : settings->abuser_at;
    findings_add(findings, more, "%u of %u messages are spam to filters; the last: %.*s, %d.%02d of %d.%02d%s",
                 state->spam, state->spam + state->ham, SHOWN(seen->filter.filter), seen->filter.score / 100,
                 seen->filter.score % 100, seen->filter.threshold / 100, seen->filter.threshold % 100,
                 doubted ? "; found good before" : "");
    state->given += more;
    if (state->given > settings->base.most)
        state->given = settings->base.most;
    state->honest_run = 0;
    begin_anew(state);
}

static void acquit(const struct settings *settings, struct state *state, struct findings *findings)
{
    if (state->given > 0) {
        points back = state->given < -settings->honest_at ? state->given : -settings->honest_at;
        findings_add(findings, -back, "the last %u messages: %u good, %u spam to filters; earlier points taken back",
                     state->ham + state->spam, state->ham, state->spam);
        state->given -= back;
    }
    state->honest_run += state->honest_run < UINT8_MAX;
    begin_anew(state);
}

static void find_certain(const struct settings *settings, struct state *state, const struct observation *seen,
                         struct findings *findings)
{
    points more = standing_raise(&state->certain, settings->certain_points, seen->time, settings->again);
    struct text what = seen->filter.symbols.length > 0 ? seen->filter.symbols : seen->filter.action;
    if (more)
        findings_add(findings, more, "%.*s found %.*s in a message", SHOWN(seen->filter.filter), SHOWN(what));
}

/* Whether the same was said for the same reason today, and remember it. */
static bool is_repeated(struct state *state, const struct observation *seen, bool spam)
{
    uint32_t day = standing_period(seen->time, DAY);
    if (day > state->day || standing_is_ahead(state->day, day)) {
        state->day = day;
        memset(state->recent, 0, sizeof state->recent);
    }
    uint32_t hash = recent_hash(seen->filter.symbols) * 31 ^ (uint32_t)seen->filter.score * UINT32_C(2654435761) ^ spam;
    return !recent_add(state->recent, REMEMBERED, &state->next, hash ? hash : 1);
}

static void observe(const void *context, void *memory, const struct observation *seen, struct findings *findings)
{
    const struct settings *settings = context;
    struct state *state = memory;
    if (state->sum < -SUM_MOST || state->sum > SUM_MOST || state->given < 0 || state->given > settings->base.most) {
        begin_anew(state); /* these bytes were left by another process: no test comes to that */
        state->given = 0;
    }
    if (seen->filter.certain) {
        find_certain(settings, state, seen, findings);
        return;
    }
    int32_t score = seen->filter.score, threshold = seen->filter.threshold;
    if (threshold <= 0)
        return; /* a filter without a threshold has no verdict */
    bool spam = score >= threshold;
    if (spam && is_repeated(state, seen, spam)) /* good ones count each: ordinary mail all looks alike to a filter */
        return;
    state->sum += !spam ? settings->ham : score / 2 >= threshold ? 2 * settings->spam : settings->spam;
    if (spam)
        state->spam++;
    else
        state->ham++;
    if (state->sum > 0 && state->sum >= settings->abuser_at)
        accuse(settings, state, seen, findings);
    else if (state->sum < 0 && state->sum <= settings->honest_at)
        acquit(settings, state, findings);
}

const struct detector detector_filter = {
    .name = "filter",
    .sees = "Messages that content filters call spam, or find a virus in.",
    .wants = OBSERVATION_BIT(OBSERVATION_FILTER),
    .options = options,
    .settings_size = sizeof(struct settings),
    .state_size = sizeof(struct state),
    .check = check,
    .load = load,
    .observe = observe,
};
