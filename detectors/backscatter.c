/* backscatter: mail with the null sender, from a machine that sends hardly anything else.
 *
 * The null sender belongs to bounces and automatic answers (RFC 5321 4.5.5, RFC 3834). Idea: a server that accepts
 * everything and bounces what it cannot deliver sends bounces to whoever was forged, many unrelated domains, most of
 * which it has never exchanged mail with; and spam wears a bounce's clothes, since nobody can refuse bounces. A bomber
 * pours them over one person. Honest machines bounce a little beside their other mail.
 *
 * What counts is content: servers that ask whether an address exists (Exim's callouts, address verification) name the
 * null sender and a recipient, and leave. Reports on DMARC and TLS, which many send with the null sender, each night to
 * hundreds of domains, are told by their recipients' names and left out.
 *
 * State (240 bytes): recipients and domains of the null sender in sketches of an hour, and its servers; messages with
 * and without it, in halves of ten minutes and of an hour and in two days; what has been said.
 *
 * Weights, by recipients of such content in ten minutes (default limit 5) or in an hour (15): above the limit 3, at 1.6
 * times 6, at 2.4 times 10, at 3.2 times 16, a throttle alone. The two windows see the same mail: the worthier counts.
 * What an honest machine may show as well keeps it lower:
 *   0  at least half of the hour's messages have a sender: a forwarding server and its bounces
 *   4  neither of the two shapes below: a night's bounces to one list or one large provider; a backup MX that hands
 *      bounces to its primary
 *   9  one message in eight has a sender, in this hour or in the day with the one before; so does a company's night of
 *      holiday answers, and whoever has bounced five days' queue at once
 * The shapes: five domains and more at three servers and more; or four messages and more for each recipient, which is
 * somebody's bombardment. */
#include <assert.h>
#include <string.h>
#include "detectors/detector.h"
#include "detectors/recent.h"
#include "detectors/sketch.h"
#include "detectors/standing.h"

#define HALVES       2
#define MANY_DOMAINS 5
#define MANY_SERVERS 3
#define HEAP         4 /* messages for each recipient */
#define RARE         8 /* one in so many has a sender */
#define EXCUSED_MOST 16

enum window { MINUTES, HOURS, DAYS, WINDOWS };

static const struct {
    duration half;
    const char *name;
} windows[WINDOWS] = {{5 * MINUTE, "10 minutes"}, {30 * MINUTE, "1 hour"}, {DAY, "2 days"}};

/* Worth of so many tenths of the limit. */
static const struct {
    uint32_t tenths;
    points worth;
} levels[] = {{10, 300}, {16, 600}, {24, 1000}, {32, 1600}};
#define LEVELS       (sizeof levels / sizeof levels[0])
#define SHAPELESS    400
#define BESIDE_OTHER 900

struct settings {
    struct detector_settings base;
    duration again;
    uint32_t recipients_10m, recipients_1h;
};

/* In this half of the window, and in the one before. */
struct count {
    uint32_t half; /* its number */
    uint32_t messages[HALVES], nulls[HALVES], recipients[HALVES];
};

struct state {
    struct sketch recipients, domains; /* of the null sender, in an hour */
    uint64_t servers[HALVES];          /* likewise, a bit each */
    struct count counts[WINDOWS];
    uint8_t excused; /* reports whose content is still to come */
    struct standing standing;
};
static_assert(sizeof(struct state) <= 300, "small");

static const struct option options[] = {
    DETECTOR_OPTIONS("backscatter", struct settings, "16"),
    AGAIN_OPTION("backscatter", struct settings),
    COUNT_OPTION("backscatter", struct settings, recipients_10m, "5", .most = "10000",
                 .text = "Recipients of null-sender content in 10 minutes above which it is a flood; 0: no limit."),
    COUNT_OPTION("backscatter", struct settings, recipients_1h, "15", .most = "10000",
                 .text = "Recipients of null-sender content in one hour above which it is a flood; 0: no limit."),
    {.key = NULL},
};

static void age(struct state *state, moment now)
{
    for (int i = 0; i < WINDOWS; i++) {
        struct count *count = &state->counts[i];
        uint32_t half = standing_period(now, windows[i].half);
        bool ahead = standing_is_ahead(count->half, half);
        if (half <= count->half && !ahead)
            continue;
        bool next = half == count->half + 1;
        *count = (struct count){.half = half,
                                .messages = {0, next ? count->messages[0] : 0},
                                .nulls = {0, next ? count->nulls[0] : 0},
                                .recipients = {0, next ? count->recipients[0] : 0}};
        if (i == MINUTES)
            state->excused = 0;
        if (i != HOURS)
            continue;
        sketch_age(&state->recipients, next ? 1 : UINT32_MAX);
        sketch_age(&state->domains, next ? 1 : UINT32_MAX);
        state->servers[1] = next ? state->servers[0] : 0;
        state->servers[0] = 0;
    }
}

static uint64_t sum(const uint32_t halves[HALVES])
{
    return (uint64_t)halves[0] + halves[1];
}

/* Whether one in so many of the messages has a sender. */
static bool has_senders(const struct count *count, uint32_t one_in)
{
    uint64_t all = sum(count->messages), nulls = sum(count->nulls);
    return all > nulls && (all - nulls) * one_in >= all;
}

static points worth_of(uint64_t number, uint32_t limit)
{
    if (limit == 0 || number <= limit)
        return 0;
    size_t level = 0;
    while (level + 1 < LEVELS && number * 10 >= (uint64_t)limit * levels[level + 1].tenths)
        level++;
    return levels[level].worth;
}

/* How much it can be at the most, by what an honest machine may show as well. */
static points most_of(const struct state *state)
{
    const struct count *hour = &state->counts[HOURS];
    if (has_senders(hour, 2))
        return 0;
    bool is_wide = sketch_count(&state->domains) >= MANY_DOMAINS &&
                   __builtin_popcountll(state->servers[0] | state->servers[1]) >= MANY_SERVERS;
    bool is_heap = sum(hour->recipients) >= (uint64_t)HEAP * sketch_count(&state->recipients);
    if (!is_wide && !is_heap)
        return SHAPELESS;
    return has_senders(hour, RARE) || has_senders(&state->counts[DAYS], RARE) ? BESIDE_OTHER : INT32_MAX;
}

/* Who takes reports on DMARC (RFC 7489) and TLS (RFC 8460). */
static bool takes_reports(struct text address)
{
    static const char *const words[] = {"dmarc", "rua@", "rua-", "-rua", "tlsrpt", "tls-rpt", "smtp-tls"};
    char lower[64];
    struct text head = {lower, address.length < sizeof lower ? address.length : sizeof lower};
    text_fold((struct text){address.bytes, head.length}, lower);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (memmem(head.bytes, head.length, words[i], strlen(words[i])))
            return true;
    return false;
}

static void look_at_recipient(struct state *state, const struct observation *seen)
{
    if (seen->recipient.reply.code / 100 != 2)
        return;
    if (takes_reports(seen->recipient.address)) {
        state->excused += state->excused < EXCUSED_MOST;
        return;
    }
    sketch_add(&state->recipients, recent_hash(seen->recipient.address));
    sketch_add(&state->domains, recent_hash(recent_domain(seen->recipient.address)));
    state->servers[0] |= UINT64_C(1) << recent_hash_address(&seen->server) % 64;
}

static void count_message(struct state *state, const struct observation *seen)
{
    bool null = seen->message.from.length == 0;
    if (null && state->excused > 0) {
        state->excused--;
        return;
    }
    for (int i = 0; i < WINDOWS; i++) {
        state->counts[i].messages[0]++;
        state->counts[i].nulls[0] += null;
        if (null)
            state->counts[i].recipients[0] += seen->message.recipients > 0 ? seen->message.recipients : 1;
    }
}

static void look_at_message(const struct settings *settings, struct state *state, const struct observation *seen,
                            struct findings *findings)
{
    if (seen->message.from.bytes == NULL)
        return; /* MAIL was not seen */
    count_message(state, seen);
    if (seen->message.from.length > 0)
        return;
    const uint32_t limits[DAYS] = {settings->recipients_10m, settings->recipients_1h};
    points worth = 0, most = most_of(state);
    int worthiest = 0;
    for (int i = 0; i < DAYS; i++) {
        points one = worth_of(sum(state->counts[i].recipients), limits[i]);
        if (one > worth) {
            worth = one;
            worthiest = i;
        }
    }
    worth = worth < most ? worth : most;
    worth = worth < settings->base.most ? worth : settings->base.most;
    points more = worth ? standing_raise(&state->standing, worth, seen->time, settings->again) : 0;
    if (!more)
        return;
    const struct count *count = &state->counts[worthiest];
    findings_add(findings, more,
                 "%u of %u messages have the null sender, to %u recipients in %s; the limit is %u; in 1 hour they went "
                 "to about %u different ones at %u domains",
                 (unsigned)sum(count->nulls), (unsigned)sum(count->messages), (unsigned)sum(count->recipients),
                 windows[worthiest].name, limits[worthiest], sketch_count(&state->recipients),
                 sketch_count(&state->domains));
}

static void observe(const void *context, void *memory, const struct observation *seen, struct findings *findings)
{
    const struct settings *settings = context;
    struct state *state = memory;
    age(state, seen->time);
    if (seen->kind == OBSERVATION_MESSAGE)
        look_at_message(settings, state, seen, findings);
    else if (seen->recipient.from.bytes != NULL && seen->recipient.from.length == 0)
        look_at_recipient(state, seen);
}

const struct detector detector_backscatter = {
    .name = "backscatter",
    .sees =
        "Mail with the null sender, to many unrelated domains or heaped on one recipient, from a machine that sends "
        "hardly anything else.",
    .wants = OBSERVATION_BIT(OBSERVATION_RECIPIENT) | OBSERVATION_BIT(OBSERVATION_MESSAGE),
    .options = options,
    .settings_size = sizeof(struct settings),
    .state_size = sizeof(struct state),
    .observe = observe,
};
