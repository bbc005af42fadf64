/* A detector under test: its settings from a configuration's text, one sender's state, and what it has found.
 *
 * findings_add() is implemented here as a recorder. The account fades and is capped as the policy's presets have it, so
 * that a test can say what a sender would stand at. */
#ifndef TESTS_UNIT_DETECTORS_RECORDER_H
#define TESTS_UNIT_DETECTORS_RECORDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/words/evidence.h"
#include "detectors/detector.h"

#define NOON (INT64_C(1764331200) * SECOND)

struct findings {
    moment time;    /* of the observation */
    uint32_t calls; /* so many findings */
    uint32_t firm;  /* of them so many firmly */
    points last, sum;
    double account, peak; /* decibans */
    moment account_time;
    double most;
    char reason[EVIDENCE_REASON];
};

static inline void record(struct findings *findings, points added, const char *reason, va_list arguments)
{
    findings->calls++;
    findings->last = added;
    findings->sum += added;
    double faded = findings->account * exp2(-(double)(findings->time - findings->account_time) / (double)HOUR);
    findings->account_time = findings->time;
    findings->account = fmin(fmax(faded + added / 100.0, 0), findings->most);
    findings->peak = fmax(findings->peak, findings->account);
    vsnprintf(findings->reason, sizeof findings->reason, reason, arguments);
}

void findings_add(struct findings *findings, points added, const char *reason, ...)
{
    va_list arguments;
    va_start(arguments, reason);
    record(findings, added, reason, arguments);
    va_end(arguments);
}

void findings_add_firmly(struct findings *findings, points added, const char *reason, ...)
{
    findings->firm++;
    va_list arguments;
    va_start(arguments, reason);
    record(findings, added, reason, arguments);
    va_end(arguments);
}

struct subject {
    const struct detector *detector;
    void *settings, *state;
    struct option_binding bindings[2];
    struct findings findings;
};

/* "builtin:NAME" from the tree, everything else as it stands. */
static int recorder_read(void *context, const char *name, struct text *result, struct error *error)
{
    char **kept = context, path[600];
    snprintf(path, sizeof path, "%s%s", strncmp(name, "builtin:", 8) == 0 ? "conf/maps/" : "",
             strncmp(name, "builtin:", 8) == 0 ? name + 8 : name);
    FILE *file = fopen(path, "r");
    if (!file)
        return error_set(error, 2, "cannot read %s", path);
    free(*kept);
    *kept = calloc(1, 1 << 20);
    *result = (struct text){*kept, fread(*kept, 1, 1 << 20, file)};
    fclose(file);
    return 0;
}

static inline struct subject subject_create(const struct detector *detector, const char *configuration)
{
    struct subject subject = {
        .detector = detector, .settings = calloc(1, detector->settings_size), .state = calloc(1, detector->state_size)};
    subject.bindings[0] =
        (struct option_binding){.options = detector->options, .settings = subject.settings, .check = detector->check};
    struct error error = {0};
    if (options_read(subject.bindings, text_of(configuration), "test.conf", &error) < 0)
        fail_msg("%s", error.text);
    char *kept = NULL;
    struct file_source source = {recorder_read, &kept};
    if (detector->load && detector->load(subject.settings, &source, &error) < 0)
        fail_msg("%s", error.text);
    free(kept);
    subject.findings.most = ((struct detector_settings *)subject.settings)->most / 100.0;
    return subject;
}

static inline void subject_destroy(struct subject *subject)
{
    if (subject->detector->unload)
        subject->detector->unload(subject->settings);
    options_clear(subject->bindings);
    free(subject->settings);
    free(subject->state);
}

/* The same settings, a sender never seen before. */
static inline void subject_forget(struct subject *subject)
{
    memset(subject->state, 0, subject->detector->state_size);
    subject->findings = (struct findings){.most = subject->findings.most};
}

static inline points subject_observe(struct subject *subject, const struct observation *seen)
{
    points before = subject->findings.sum;
    if (subject->detector->wants & OBSERVATION_BIT(seen->kind)) {
        subject->findings.time = seen->time;
        subject->detector->observe(subject->settings, subject->state, seen, &subject->findings);
    }
    return subject->findings.sum - before;
}

static inline double subject_account(const struct subject *subject, moment now)
{
    return subject->findings.account * exp2(-(double)(now - subject->findings.account_time) / (double)HOUR);
}

/* What is wrong with a configuration; NULL: nothing. Borrowed until the next call. */
static inline const char *configuration_error(const struct detector *detector, const char *configuration)
{
    static struct error error;
    error = (struct error){0};
    void *settings = calloc(1, detector->settings_size);
    struct option_binding bindings[2] = {
        {.options = detector->options, .settings = settings, .check = detector->check}};
    int result = options_read(bindings, text_of(configuration), "test.conf", &error);
    options_clear(bindings);
    free(settings);
    return result < 0 ? error.text : NULL;
}

/* Observations, as short as a test needs them. */
static inline struct observation observation_of(enum observation_kind kind, moment time, uint32_t server)
{
    struct observation seen = {.kind = kind, .time = time, .server_port = 25};
    seen.server =
        address_from_ipv4((const uint8_t[]){100, (uint8_t)(server >> 16), (uint8_t)(server >> 8), (uint8_t)server});
    seen.origin.address = address_from_ipv4((const uint8_t[]){203, 0, 113, 7});
    return seen;
}

static inline struct observation recipient_of(moment time, const char *from, const char *address, uint16_t code,
                                              uint16_t enhanced)
{
    struct observation seen = observation_of(OBSERVATION_RECIPIENT, time, 1);
    seen.recipient.from = text_of(from);
    seen.recipient.address = text_of(address);
    seen.recipient.reply = (struct reply){.code = code, .enhanced = enhanced, .phrase = TEXT("")};
    return seen;
}

static inline struct observation helo_of(moment time, const char *name)
{
    struct observation seen = observation_of(OBSERVATION_HELO, time, 1);
    seen.helo.name = text_of(name);
    return seen;
}

/* The same row of numbers on every machine. */
static inline uint32_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

#endif
