/* Whether points are decibans: of senders at a score, how many are abusers, and how many the score says. */
#ifndef TESTS_LAB_RELIABILITY_H
#define TESTS_LAB_RELIABILITY_H

#include "tests/lab/samples.h"

struct reliability_bin {
    double least, most;        /* points; the last one has no end */
    size_t snapshots, senders; /* a sender counts in every bin that it was seen in */
    double weight;             /* of all samples, a share of 1 */
    double abusive, expected;  /* shares of 1 within the bin, weighed; both 0 where the bin is empty */
};
#define RELIABILITY_BINS 8

struct reliability {
    struct reliability_bin bins[RELIABILITY_BINS];
    /* How far `abusive` and `expected` lie apart, on the average of all samples, and of those outside the first bin:
     * no evidence says 1 to 1, but most senders without evidence are honest. */
    double error, error_of_evidence;
};

/* Of balanced samples. False: no memory. */
bool reliability_measure(const struct samples *, struct reliability *) __attribute__((warn_unused_result));

#endif
