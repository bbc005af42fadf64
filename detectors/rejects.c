/* rejects: recipients that the servers do not know, and content that they refuse.
 *
 * Whoever mails those who asked for it knows their addresses; a bot works through bought and guessed lists. The
 * question "which of the two is this?" is put to a sequential probability ratio test (Wald, 1945), as Jung, Paxson,
 * Berger and Balakrishnan did for port scans ("Fast Portscan Detection Using Sequential Hypothesis Testing", 2004) and
 * Duan et al. for outgoing mail ("Detecting Spam Zombies by Monitoring Outgoing Messages", 2012): every outcome moves a
 * sum by its log-likelihood ratio, until the sum reaches a bound. The bounds follow from the error rates that the
 * operator allows, and no test needs fewer outcomes on average for the same errors.
 *
 * State: the sum, the figures for the reason, and the last 24 recipients, of which each counts once however
 * often it is tried (so does refused content of one envelope sender at one server); eight places (domains and servers,
 * place.h) with their refusals; the domains of envelope senders, a bit each.
 *
 * What counts (reply_reason.h reads the answers): a recipient accepted, against abuse; an unknown recipient, for it,
 * also where a temporary answer says so for certain; refusals by policy or for the content, for it by a quarter, since
 * they may concern a forwarded message. A full mailbox, grey lists, limits and faults do not count at all; nor does
 * what is wrong with the sender's name, SPF or DMARC: a forwarding server and a machine that is set up badly have that
 * with every recipient.
 *
 * A server that refuses the sender's own address, for a list or its repute, says nothing of the recipient: see opinion.
 *
 * In one connection a domain's recipients are not independent: where a domain has died, a newsletter that is sent in
 * groups has all its subscribers there refused at once. So only the first refused and the first accepted recipient of a
 * domain count in full in each connection, the others by a quarter.
 *
 * Whose addresses they were. The test is about mail to a list of the sender's own. Three kinds of honest machine have
 * addresses that others gave them, and are refused as often as those others please.
 *
 * Who asks whether an address exists, with a sender that only such questions have (the null sender, or Postfix's
 * double-bounce), and who bounces a little: these recipients stay out of the test, accepted or not. A question has no
 * content: after the first content of a double-bounce, or the fifth of the null sender in a day (the hundredth of who
 * relays, such as a backup MX that bounces to forged senders), they are mail.
 *
 * Who relays, such as a backup MX that drains what a dictionary attack left in its queue: mail from five domains and
 * more, refused by one primary server or for a few domains. One server and one domain have a bounded say: the first
 * refusal counts in full, the second by half, the third by a quarter, further ones not at all, until they have become
 * fewer than that again; each day halves their number. What is accepted there counts less in the same way.
 *
 * Who was found honest three times, with a domain that died in the middle of its list: the same, by domain alone.
 *
 * What does not count there is counted by domain in each hour, and read as what it also may be: someone who tries out
 * names. Where it is more than half as many as all recipients that were accepted in that hour, 100 are worth 2 points,
 * each doubling one more up to 6; with a sender that only asks two more up to 10, for content may yet speak for the
 * others.
 *
 * Names tried out at one domain or a few, with senders of five domains and more, look like a backup MX that drains a
 * dictionary attack. What tells the two apart is good mail: a backup MX was found honest before, and among what it
 * drains is mail that is taken. Where neither is so (never found honest, accepted less than a twentieth of what is
 * refused there), 100 such names in an hour, at all places together, are worth 3 points, each doubling two more, up to
 * 10: an alert, which others' word turns into a throttle. A backup MX that is new to us and has nothing but an attack
 * in its queue gets that as well; its queue waits, and a person sees who floods whom. It is no block: that one waits
 * for a detector that saw something else.
 *
 * What remains: nine good recipients before the attack are a history. Without any content, with a name that only asks,
 * at whatever domains, it is the same as callouts: these are noticed by their rate alone, here and in burst, and not
 * blocked by this detector; so is an attack from a machine that was found honest three times before. From a few sender
 * domains, and without a history, it is found as before. A backup MX whose queue holds mail of fewer than five sender
 * domains is taken for the attack itself.
 *
 * Weights: at the upper bound 10*log10((1 - false_negative) / false_positive) points, that is what the test proves; at
 * the lower bound as many are taken back as that proves. The test then begins anew. Its premise is that outcomes are
 * independent, which a dead domain in the middle of a good list violates: who has just been found honest three times or
 * more is credited with a quarter the first time, and in full when the next test says so again. For the same reason
 * `most` leaves a block to be corroborated by any other detector.
 *
 * The shares: lists kept well have 2 to 8 % stale addresses, so "honest" may have 15 %; bots were seen with 40 % and
 * more, mostly above 50 %. A sender at 8 % is accused about once in 10 million tests by these bounds. */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include "detectors/detector.h"
#include "detectors/place.h"
#include "detectors/ratio.h"
#include "detectors/recent.h"
#include "detectors/reply_reason.h"
#include "detectors/standing.h"

#define MILLION         INT64_C(1000000)
#define REMEMBERED      24
#define HONEST_RUN      3
#define POLICY_PART     4
#define GROUPS          4
#define GROUP_PART      4
#define SUM_MOST        DECIBANS(200)
#define BOUNCES_MOST    5   /* content with the null sender in a day */
#define BOUNCES_RELAYED 100 /* of who relays others' mail */
#define RELAYING        5   /* domains of envelope senders */
#define NOTED_FIRST     100
#define NOTED_MOST      600
#define ASKED_MOST      1000
#define TRIED_PART      20 /* accepted, of what was refused */

enum outcome { NOTHING, ACCEPTED, UNKNOWN, POLICY, OUTCOMES };

struct settings {
    struct detector_settings base;
    duration again;
    int32_t false_positive, false_negative, share_honest, share_abuser;
    points steps[OUTCOMES], abuser_at, honest_at; /* what follows from them, see load() */
};

struct state {
    points sum;
    points given; /* and not taken back */
    uint32_t accepted, refused;
    uint32_t recent[REMEMBERED];
    uint32_t groups[GROUPS]; /* connection, domain and outcome, in a hash */
    uint8_t next, honest_run, next_group;
    uint8_t messages; /* 1: a message is among the refused */
    uint8_t contents; /* with a name that only asks, in this day */
    uint32_t hour, day;
    uint32_t accepted_now; /* recipients, in this hour */
    struct places places;
    uint64_t senders[2]; /* the domains of envelope senders: of this day, and of the one before */
    uint32_t tried_now;  /* unknown at whatever places, kept out of the test, in this hour */
    struct standing standing;
};
static_assert(sizeof(struct state) <= 300, "small");

static const struct option options[] = {
    DETECTOR_OPTIONS("rejects", struct settings, "17"),
    AGAIN_OPTION("rejects", struct settings),
    RATIO_OPTION("rejects", struct settings, false_positive, "0.0001", .least = "0.000001", .most = "0.2",
                 .text = "How often the test may call an honest sender an abuser (one test is some ten recipients)."),
    RATIO_OPTION("rejects", struct settings, false_negative, "0.01", .least = "0.000001", .most = "0.2",
                 .text = "How often the test may call an abuser honest; it begins anew each time."),
    RATIO_OPTION("rejects", struct settings, share_honest, "0.15", .least = "0.001", .most = "0.9",
                 .text = "Share of its recipients that an honest sender has refused, at the worst."),
    RATIO_OPTION("rejects", struct settings, share_abuser, "0.5", .least = "0.01", .most = "0.99",
                 .text = "Share of its recipients that an abuser has refused, at the least."),
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

static enum outcome outcome_of(const struct reply *reply, bool content)
{
    bool final = reply->code >= 500;
    switch (reply_reason(reply)) {
    case REPLY_ACCEPTED:
        return content ? NOTHING : ACCEPTED; /* its recipients have counted already */
    case REPLY_UNKNOWN_USER:
        return content ? final ? POLICY : NOTHING : UNKNOWN;
    case REPLY_POLICY:
    case REPLY_CONTENT:
        return final ? POLICY : NOTHING;
    default:
        return NOTHING;
    }
}

/* What one outcome moves the sum by: the logarithm of how much likelier it is from an abuser. And the bounds. All of it
 * follows from the settings, and is reckoned once: it is asked for with every recipient. */
static int load(void *context, const struct file_source *source, struct error *error)
{
    (void)source, (void)error;
    struct settings *settings = context;
    uint64_t honest = (uint64_t)settings->share_honest, abuser = (uint64_t)settings->share_abuser;
    uint64_t alpha = (uint64_t)settings->false_positive, beta = (uint64_t)settings->false_negative;
    settings->steps[ACCEPTED] = ratio_points(MILLION - abuser, MILLION - honest);
    settings->steps[UNKNOWN] = ratio_points(abuser, honest);
    settings->steps[POLICY] = settings->steps[UNKNOWN] / POLICY_PART;
    settings->abuser_at = ratio_points(MILLION - beta, alpha);
    settings->honest_at = ratio_points(beta, MILLION - alpha);
    return 0;
}

/* Whether the same was said of the same domain in the same connection. */
static bool is_of_group(struct state *state, const struct observation *seen, enum outcome outcome)
{
    if (seen->kind != OBSERVATION_RECIPIENT || seen->origin.client_port == 0)
        return false;
    uint32_t connection = (uint32_t)seen->origin.client_port << 2 | (uint32_t)outcome;
    uint32_t hash = recent_hash(recent_domain(seen->recipient.address)) ^ connection * UINT32_C(2654435761);
    return !recent_add(state->groups, GROUPS, &state->next_group, hash ? hash : 1);
}

static void age(struct state *state, moment now)
{
    uint32_t hour = standing_period(now, HOUR), day = standing_period(now, DAY);
    bool ahead = standing_is_ahead(state->hour, hour) || standing_is_ahead(state->day, day);
    if (hour <= state->hour && !ahead)
        return;
    uint32_t days = ahead ? UINT32_MAX : day - state->day;
    state->accepted_now = state->tried_now = 0;
    places_age(&state->places, days);
    if (days > 0) {
        state->contents = 0;
        state->senders[1] = days == 1 ? state->senders[0] : 0;
        state->senders[0] = 0;
    }
    state->hour = hour;
    state->day = day;
}

/* Whose name that is: nobody's mail begins like this, but the questions of mail servers and their bounces. */
static bool is_asking_name(struct text from)
{
    if (from.bytes == NULL || from.length == 0)
        return from.bytes != NULL;
    const char *at = memrchr(from.bytes, '@', from.length);
    struct text local = {from.bytes, at ? (size_t)(at - from.bytes) : from.length};
    return text_equals_nocase(local, TEXT("double-bounce"));
}

static bool relays(const struct state *state)
{
    return __builtin_popcountll(state->senders[0] | state->senders[1]) >= RELAYING;
}

/* A question has no content, and bounces are few. */
static bool is_question(const struct state *state, struct text from)
{
    uint8_t bounces = relays(state) ? BOUNCES_RELAYED : BOUNCES_MOST;
    return is_asking_name(from) && state->contents <= (from.length == 0 ? bounces : 0);
}

/* What the place had refused before; what it accepts is not among it. */
static uint8_t said(struct state *state, uint32_t hash, enum outcome outcome)
{
    return outcome == ACCEPTED ? places_refusals(&state->places, hash) : places_refuse(&state->places, hash);
}

/* By how many halvings the outcome counts less, since server or domain have had their say; PLACE_FULL_SAY: not at all.
 * Both outcomes alike: were what is accepted there to count in full, a list that is half refused would pass for a good
 * one.
 */
static uint8_t lessening(struct state *state, const struct observation *seen, enum outcome outcome, bool content)
{
    uint8_t server = said(state, recent_hash_address(&seen->server), outcome), domain = 0, least = 0;
    if (!content)
        domain = said(state, recent_hash(recent_domain(seen->recipient.address)), outcome);
    if (relays(state))
        least = server > domain ? server : domain;
    else if (state->honest_run >= HONEST_RUN)
        least = domain;
    return least < PLACE_FULL_SAY ? least : PLACE_FULL_SAY;
}

/* Names that are tried out at few places, with hardly any that exist, by a machine without a history of good mail. */
static points worth_of_trying(const struct state *state)
{
    points worth = 0;
    if (state->honest_run > 0 || state->accepted_now > state->tried_now / TRIED_PART)
        return 0;
    for (uint32_t number = state->tried_now; number >= NOTED_FIRST && worth < ASKED_MOST; number /= 2)
        worth += worth == 0 ? 300 : 200;
    return worth < ASKED_MOST ? worth : ASKED_MOST;
}

/* What is kept out of the test: how much of it one domain has refused in this hour. */
static void note(const struct settings *settings, struct state *state, const struct observation *seen, bool question,
                 struct findings *findings)
{
    uint32_t noted = places_note(&state->places, recent_hash(recent_domain(seen->recipient.address)));
    points worth = 0, most = question ? ASKED_MOST : NOTED_MOST;
    uint32_t number = noted > state->accepted_now / 2 ? noted : 0;
    for (; number >= NOTED_FIRST && worth < most; number /= 2)
        worth += worth == 0 ? 200 : worth < NOTED_MOST ? 100 : 200;
    const char *where = "one domain";
    if (!question) {
        state->tried_now += state->tried_now < UINT32_MAX;
        points tried = worth_of_trying(state);
        if (tried > worth) {
            worth = tried;
            noted = state->tried_now;
            where = "a few places, hardly any accepted,";
        }
    }
    points more = worth > 0 ? standing_raise(&state->standing, worth, seen->time, settings->again) : 0;
    if (more)
        findings_add(findings, more, "%u unknown recipients at %s within an hour; the last: %u for %.*s", noted, where,
                     seen->recipient.reply.code, SHOWN(seen->recipient.address));
}

static void begin_anew(struct state *state)
{
    state->sum = 0;
    state->accepted = state->refused = 0;
    state->messages = 0;
}

static void accuse(const struct settings *settings, struct state *state, const struct observation *seen, points proven,
                   struct findings *findings)
{
    bool doubted = state->honest_run >= HONEST_RUN;
    points more = doubted ? proven / 4 : proven;
    bool content = seen->kind == OBSERVATION_MESSAGE;
    const struct reply *reply = content ? &seen->message.reply : &seen->recipient.reply;
    struct text example = content ? seen->message.from : seen->recipient.address;
    findings_add(findings, more, "%u of %u recipients%s refused; the last: %u for %s%.*s%s", state->refused,
                 state->refused + state->accepted, state->messages ? " and messages" : "", reply->code,
                 content ? "content from " : "", SHOWN(example), doubted ? "; accepted well before" : "");
    state->given += more;
    if (state->given > settings->base.most)
        state->given = settings->base.most;
    state->honest_run = 0;
    begin_anew(state);
}

static void acquit(struct state *state, points proven, struct findings *findings)
{
    if (state->given > 0) {
        points back = state->given < proven ? state->given : proven;
        findings_add(findings, -back, "the last %u recipients: %u accepted, %u refused; earlier points taken back",
                     state->accepted + state->refused, state->accepted, state->refused);
        state->given -= back;
    }
    if (state->honest_run < UINT8_MAX)
        state->honest_run++;
    begin_anew(state);
}

/* The test: one more outcome. */
static void test(const struct settings *settings, struct state *state, const struct observation *seen,
                 enum outcome outcome, uint8_t halvings, struct findings *findings)
{
    bool content = seen->kind == OBSERVATION_MESSAGE;
    state->sum += settings->steps[outcome] / (is_of_group(state, seen, outcome) ? GROUP_PART : 1) / (1 << halvings);
    if (outcome == ACCEPTED)
        state->accepted++;
    else
        state->refused++;
    if (content)
        state->messages = 1;

    if (state->sum > 0 && state->sum >= settings->abuser_at)
        accuse(settings, state, seen, settings->abuser_at, findings);
    else if (state->sum <= 0 && state->sum <= settings->honest_at)
        acquit(state, -settings->honest_at, findings);
}

static void observe(const void *context, void *memory, const struct observation *seen, struct findings *findings)
{
    const struct settings *settings = context;
    struct state *state = memory;
    bool content = seen->kind == OBSERVATION_MESSAGE;
    struct text from = content ? seen->message.from : seen->recipient.from;
    enum outcome outcome = outcome_of(content ? &seen->message.reply : &seen->recipient.reply, content);
    if (content && is_asking_name(from)) {
        age(state, seen->time);
        state->contents += state->contents < UINT8_MAX;
    }
    if (outcome == NOTHING)
        return;
    uint32_t hash =
        content ? recent_hash(from) * 31 ^ recent_hash_address(&seen->server) : recent_hash(seen->recipient.address);
    if (!recent_add(state->recent, REMEMBERED, &state->next, hash ? hash : 1))
        return;
    if (state->sum < -SUM_MOST || state->sum > SUM_MOST || state->given < 0 || state->given > settings->base.most) {
        begin_anew(state); /* these bytes were left by another process: no test comes to that */
        state->given = 0;
    }
    age(state, seen->time);
    state->accepted_now += outcome == ACCEPTED;
    if (is_question(state, from)) {
        if (outcome == UNKNOWN)
            note(settings, state, seen, true, findings);
        return;
    }
    if (from.length > 0)
        state->senders[0] |= UINT64_C(1) << recent_hash(recent_domain(from)) % 64;
    uint8_t halvings = lessening(state, seen, outcome, content);
    if (halvings < PLACE_FULL_SAY)
        test(settings, state, seen, outcome, halvings, findings);
    else if (outcome == UNKNOWN)
        note(settings, state, seen, false, findings);
}

const struct detector detector_rejects = {
    .name = "rejects",
    .sees = "Too many recipients that the servers do not know: a sequential test with stated error rates.",
    .wants = OBSERVATION_BIT(OBSERVATION_RECIPIENT) | OBSERVATION_BIT(OBSERVATION_MESSAGE),
    .options = options,
    .settings_size = sizeof(struct settings),
    .state_size = sizeof(struct state),
    .check = check,
    .load = load,
    .observe = observe,
};
