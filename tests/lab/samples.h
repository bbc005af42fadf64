/* What calibration learns from: accounts of senders whose truth is known, weighed so that a sender counts once however
 * often it was looked at, and honest and abusive ones come to the same sum: the odds before any evidence are 1 to 1. */
#ifndef TESTS_LAB_SAMPLES_H
#define TESTS_LAB_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "tests/lab/result.h"

struct sample {
    double accounts[DETECTORS_MOST]; /* decibans */
    double score;                    /* decibans, as the judge summed it */
    double weight;                   /* 1 / looks at that sender; after samples_balance() by side as well */
    uint32_t sender;                 /* tells senders apart; the same one before and after its abuse began is two */
    bool abusive;
};

struct samples {
    struct sample *items;
    size_t count, room;
    uint32_t senders;
};

/* False: no memory. */
bool samples_add(struct samples *, const struct lab_result *) __attribute__((warn_unused_result));
/* Both sides get half of the number of senders as their sum. Once, after the last samples_add(). */
void samples_balance(struct samples *);
void samples_clear(struct samples *);

#endif
