/* A judge with detectors of the test's own, and everything it says as lines of text.
 *
 * The detectors stand in the place of the program's table. "says" and "adds" believe what a HELO name tells them
 * ("12.5 reason" from a server on port 25 or 587): so a test says how many points an observation is worth. "ticks"
 * counts the whole seconds that it was handed. Times in lines are seconds since BEGIN. */
#ifndef TESTS_COURT_H
#define TESTS_COURT_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "agent/judge/judge.h"
#include "common/buffer.h"
#include "detectors/standing.h"

#define BEGIN   (INT64_C(1795420800) * SECOND)
#define AT(s)   (BEGIN + (moment)((s) * (double)SECOND))
#define SAYS    25
#define ADDS    587  /* "adds" is joint */
#define SOFT    465  /* "ticks" believes these, and is soft */
#define TICK_ME 2525 /* a HELO to this port makes "ticks" add its tick count from then on */

/* Where a test does not say otherwise: few, for each court's memory is cleared. */
#define COURT_PLACES TEXT("[sender]\nsenders = 16384\nsketches = 2000\nbusy = 1024\n")

struct plain_settings {
    struct detector_settings base;
    duration again;
};
struct plain_state {
    uint64_t seen, ticks;
};

static uint32_t court_told_usual; /* what the last asked was told of the usual connections */

/* Happens in the middle of a detector's work, with the record half-changed. */
static void (*court_in_between)(void);

static inline void obey(const void *settings, void *state, const struct observation *observation,
                        struct findings *findings, uint16_t port)
{
    (void)settings;
    ((struct plain_state *)state)->seen++;
    court_told_usual = observation->known.usual_connections;
    if (court_in_between)
        court_in_between();
    if (observation->server_port != port)
        return;
    char said[1024], *reason;
    snprintf(said, sizeof said, "%.*s", (int)observation->helo.name.length, observation->helo.name.bytes);
    double value = strtod(said, &reason);
    findings_add(findings, (points)(value * 100 + (value < 0 ? -0.5 : 0.5)), "%s",
                 *reason == ' ' ? reason + 1 : "said");
}

static inline void says(const void *settings, void *state, const struct observation *observation,
                        struct findings *findings)
{
    obey(settings, state, observation, findings, SAYS);
}

static inline void adds(const void *settings, void *state, const struct observation *observation,
                        struct findings *findings)
{
    obey(settings, state, observation, findings, ADDS);
}

static inline void ticks(const void *settings, void *state, const struct observation *observation,
                         struct findings *findings)
{
    struct plain_state *mine = state;
    if (observation->kind == OBSERVATION_TICK) {
        mine->ticks++;
        assert_int_equal(observation->time % SECOND, 0);
    } else if (observation->server_port == TICK_ME) {
        findings_add(findings, 1, "%" PRIu64 " ticks", mine->ticks);
    } else if (observation->server_port == SOFT) {
        obey(settings, state, observation, findings, SOFT);
    }
}

static const struct option says_options[] = {
    DETECTOR_OPTIONS("says", struct plain_settings, "60"), AGAIN_OPTION("says", struct plain_settings), {.key = NULL}};
static const struct option adds_options[] = {DETECTOR_OPTIONS("adds", struct plain_settings, "30"), {.key = NULL}};
static const struct option ticks_options[] = {DETECTOR_OPTIONS("ticks", struct plain_settings, "30"), {.key = NULL}};

static const struct detector detector_says = {
    .name = "says",
    .sees = "What it is told.",
    .wants = OBSERVATION_BIT(OBSERVATION_HELO),
    .options = says_options,
    .settings_size = sizeof(struct plain_settings),
    .state_size = sizeof(struct plain_state),
    .observe = says,
};
static const struct detector detector_adds = {
    .name = "adds",
    .sees = "The same.",
    .wants = OBSERVATION_BIT(OBSERVATION_HELO),
    .options = adds_options,
    .settings_size = sizeof(struct plain_settings),
    .state_size = sizeof(struct plain_state),
    .observe = adds,
    .joint = true,
};
#ifdef COURT_WITH_TICKS
#define TICKING OBSERVATION_BIT(OBSERVATION_TICK)
#else
#define TICKING 0
#endif
static const struct detector detector_ticks = {
    .name = "ticks",
    .sees = "The time.",
    .wants = OBSERVATION_BIT(OBSERVATION_HELO) | TICKING,
    .options = ticks_options,
    .settings_size = sizeof(struct plain_settings),
    .state_size = sizeof(struct plain_state),
    .observe = ticks,
    .soft = true,
};
const struct detector *const detector_table[] = {&detector_says, &detector_adds, &detector_ticks, NULL};

struct court {
    struct judge_settings *settings;
    struct senders_shape shape;
    void *memory;
    size_t size;
    struct senders *senders;
    struct judge *judge;
    struct buffer lines;
    uint64_t last_order;
    bool with_evidence;
    bool later; /* hear() lets observations wait for their batch */
};

/* By how much the clock was set back: lines go on as if it had not been. */
static duration court_set_back;

static inline const char *seconds(moment time, char result[32])
{
    if (time == 0)
        return "-";
    duration since = time + court_set_back - BEGIN;
    if (since % SECOND == 0)
        snprintf(result, 32, "%" PRId64, since / SECOND);
    else
        snprintf(result, 32, "%.3f", (double)since / (double)SECOND);
    return result;
}

static inline void note_verdict(void *context, const struct verdict_change *c)
{
    struct court *court = context;
    char at[32], until[32], who[SENDER_TEXT];
    assert_true(buffer_printf(&court->lines, "%s %s %s->%s score %d.%02d until %s repeats %u%s%s%s\n",
                              seconds(c->time, at), sender_print(&c->record->sender, who), verdict_name(c->before),
                              verdict_name(c->verdict), c->score / 100, c->score % 100, seconds(c->hold_until, until),
                              c->repeats, c->author == ORDER_BY_PERSON ? " by person" : "", c->why ? ": " : "",
                              c->why ? c->why : ""));
}

static inline void note_order(void *context, const struct order *order)
{
    struct court *court = context;
    char until[32], who[SENDER_TEXT], rate[32] = "";
    if (order->rate)
        snprintf(rate, sizeof rate, " rate %u", order->rate);
    assert_true(buffer_printf(&court->lines, "order %s %s until %s%s%s\n", deed_name(order->deed),
                              sender_print(&order->target, who), seconds(order->until, until), rate,
                              order->author == ORDER_BY_PERSON ? " by person" : ""));
    assert_true(order->id > court->last_order);
    court->last_order = order->id;
}

static inline void note_evidence(void *context, const struct sender_record *record, const struct evidence *evidence,
                                 points added)
{
    struct court *court = context;
    char at[32], who[SENDER_TEXT];
    if (court->with_evidence)
        assert_true(buffer_printf(&court->lines, "%s %s %s %+d now %d: %s\n", seconds(evidence->time, at),
                                  sender_print(&record->sender, who), evidence->detector, added, evidence->points,
                                  evidence->reason));
}

static inline void note_storm(void *context, moment time, bool begins, uint32_t ordered, uint32_t active)
{
    struct court *court = context;
    char at[32];
    assert_true(buffer_printf(&court->lines, "%s storm %s: %u of %u\n", seconds(time, at), begins ? "begins" : "ends",
                              ordered, active));
}

static inline struct judge_listener court_listener(struct court *court)
{
    return (struct judge_listener){court, note_verdict, note_order, note_evidence, note_storm, NULL};
}

static inline struct judge_settings *court_settings(const char *configuration)
{
    struct error error = {0};
    struct judge_settings *settings = judge_settings_create(&error);
    assert_non_null(settings);
    const struct option_layer layers[] = {{.text = COURT_PLACES}, {.text = text_of(configuration), .name = "test"}};
    if (judge_settings_read_layers(settings, NULL, layers, 2, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(judge_settings_load(settings, NULL, &error), 0);
    return settings;
}

static inline void court_begin(struct court *court, const char *configuration)
{
    struct error error = {0};
    memset(court, 0, sizeof *court);
    buffer_init(&court->lines, 64 * 1024 * 1024);
    court->settings = court_settings(configuration);
    judge_settings_shape(court->settings, &court->shape);
    court->size = senders_memory(&court->shape);
    court->memory = aligned_alloc(64, (court->size + 63) / 64 * 64);
    assert_non_null(court->memory);
    memset(court->memory, 0, court->size);
    court->senders = senders_place(court->memory, &court->shape, &error);
    assert_non_null(court->senders);
    struct judge_listener listener = court_listener(court);
    court->judge = judge_create(court->settings, court->senders, &listener, &error);
    assert_non_null(court->judge);
}

static inline void court_end(struct court *court)
{
    judge_destroy(&court->judge);
    senders_release(&court->senders);
    free(court->memory);
    judge_settings_destroy(&court->settings);
    buffer_clear(&court->lines);
}

static inline struct sender who(const char *text)
{
    struct sender sender;
    assert_true(sender_parse(text_of(text), &sender));
    return sender;
}

/* A HELO that is worth something to the detector on that port. */
static inline void hear(struct court *court, double at, const char *sender, uint16_t port, const char *worth)
{
    struct observation observation = {.kind = OBSERVATION_HELO, .time = AT(at), .server_port = port};
    assert_true(address_parse(text_of(sender), &observation.origin.address));
    char passing[1024]; /* as in a packet: gone after the call */
    snprintf(passing, sizeof passing, "%s", worth);
    observation.helo.name = text_of(passing);
    (court->later ? judge_hear : judge_observe)(court->judge, &observation);
    memset(passing, '7', sizeof passing);
}

static inline void until(struct court *court, double at)
{
    judge_tick(court->judge, AT(at));
}

/* What was said since the last time. */
static inline void expect(struct court *court, const char *want)
{
    char *got = strndup(court->lines.bytes ? court->lines.bytes : "", court->lines.length);
    assert_string_equal(got, want);
    free(got);
    buffer_drop_front(&court->lines, court->lines.length);
}

static inline struct judge_view court_look(struct court *court, double at, const char *sender)
{
    struct judge_view view;
    struct sender name = who(sender);
    struct sender_record *record = senders_find(court->senders, &name);
    assert_non_null(record);
    judge_look(court->judge, record, AT(at), &view);
    return view;
}

static inline int court_command(struct court *court, double at, const char *sender, enum deed deed, duration length,
                                const char *why)
{
    struct error error = {0};
    struct sender name = who(sender);
    int status = judge_command(court->judge, &name, deed, AT(at), length, 0, why, &error);
    assert_true(status >= 0 || error.text[0] != '\0');
    return status;
}

#endif
