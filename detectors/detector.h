/* The detector's interface.
 *
 * The story of one message: a customer's machine opens a connection (OBSERVATION_CONNECTION), greets (HELO), names a
 * sender (TRANSACTION) and recipients (RECIPIENT, each with the server's answer), sends content (MESSAGE) and goes
 * (CLOSE). The judge hands each of these, in order of time, to every detector that wants its kind, together with that
 * detector's state for this sender. A detector looks, updates its state, and says findings_add() where it found
 * something: so many points, for a reason that a person can read. That is all it can do. It allocates nothing, asks no
 * clock, opens nothing: the same observations give the same findings, live and in replay, on every machine.
 *
 * Adding a detector is one file, one word in table.c, its test, and its section in docs/detectors.md. */
#ifndef DETECTORS_DETECTOR_H
#define DETECTORS_DETECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/error.h"
#include "common/option.h"
#include "common/words/observation.h"
#include "common/words/points.h"

struct findings; /* the judge's; a detector only adds to it */

/* Add (or with negative points take back) weight of evidence. What a detector has said of a sender adds up in an
 * account that fades with the policy's half-life and stays between 0 and the detector's `most`. The reason replaces the
 * one before; it is cut at EVIDENCE_REASON and made printable. It says what was seen, with figures and an example. */
void findings_add(struct findings *, points, const char *reason, ...) __attribute__((format(printf, 3, 4)));

/* The same, of a soft detector where the sender's own past speaks against it: what is said so, trust does not lessen.
 */
void findings_add_firmly(struct findings *, points, const char *reason, ...) __attribute__((format(printf, 3, 4)));

/* How a process gives a detector the files that its settings name: the content, borrowed until the call returns. A name
 * that begins with "builtin:" is a shipped file. 0 or a negative errno. */
struct file_source {
    int (*read)(void *context, const char *name, struct text *result, struct error *);
    void *context;
};

struct detector {
    const char *name;                                    /* as in configuration and evidence; at most 15 characters */
    const char *sees;                                    /* one sentence for the manual and `explain` */
    uint32_t wants;                                      /* OBSERVATION_BIT()s; others are not delivered */
    const struct option *options;                        /* its section; the first three by DETECTOR_OPTIONS */
    size_t settings_size, state_size;                    /* owned by the caller, zeroed before first use */
    bool (*check)(const void *settings, struct error *); /* options against each other; NULL: ranges say it all */
    /* Read the files named, reckon what follows from the options; NULL: nothing. */
    int (*load)(void *settings, const struct file_source *, struct error *);
    void (*unload)(void *settings); /* give back what load took; NULL: none */
    void (*observe)(const void *settings, void *state, const struct observation *, struct findings *);
    /* It sees shape or volume only, so that its points are lessened for who has long been clean (agent/judge/trust.h).
     */
    bool soft;
    /* What it sees takes several senders at once, so that many of them are stopped for it is no sign of a mistake
     * (agent/judge/storm.h). */
    bool joint;
};

/* The beginning of every detector's settings. */
struct detector_settings {
    bool enabled;
    points most;    /* its account's ceiling */
    int32_t weight; /* millionths: all its points are multiplied by this; from calibration */
};
#define DETECTOR_OPTIONS(section_, settings, most_preset)                                                              \
    {.section = section_,                                                                                              \
     .key = "enabled",                                                                                                 \
     .type = OPTION_FLAG,                                                                                              \
     .offset = offsetof(settings, base.enabled),                                                                       \
     .preset = "yes",                                                                                                  \
     .reload = true,                                                                                                   \
     .text = "Whether this detector is asked at all."},                                                                \
        {.section = section_,                                                                                          \
         .key = "most",                                                                                                \
         .type = OPTION_POINTS,                                                                                        \
         .offset = offsetof(settings, base.most),                                                                      \
         .preset = most_preset,                                                                                        \
         .least = "0",                                                                                                 \
         .most = "100",                                                                                                \
         .reload = true,                                                                                               \
         .text = "The most points that this detector alone can hold against a sender."},                               \
    {                                                                                                                  \
        .section = section_, .key = "weight", .type = OPTION_RATIO, .offset = offsetof(settings, base.weight),         \
        .preset = "1", .least = "0", .most = "10", .reload = true,                                                     \
        .text = "What this detector's points are multiplied by; calibration sets it."                                  \
    }

/* The one list, ended by NULL. */
extern const struct detector *const detector_table[];
#define DETECTORS_MOST 24

#endif
