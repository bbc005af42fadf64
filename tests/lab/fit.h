/* Fitting detectors' weights: logistic regression without a constant, P(abuser) = 1 / (1 + 10^(-score/10)) with score =
 * sum of weight * account in decibans, so that points are what they claim to be: weight of evidence. */
#ifndef TESTS_LAB_FIT_H
#define TESTS_LAB_FIT_H

#include "tests/lab/samples.h"

#define FIT_LEAST 0.1
#define FIT_MOST  3.0
/* How firmly a weight is held at 1: as firmly as by so many senders of one deviation. */
#define FIT_RIDGE 1.0

/* The weights that make the (balanced) samples most likely, each within its bounds. A detector that said nothing in any
 * sample keeps 1. The same samples in the same order give the same weights. False: no memory. */
bool fit_weights(const struct samples *, size_t detectors, double ridge, double weights[])
    __attribute__((warn_unused_result));
/* What so many points say: the probability of an abuser at prior odds of 1 to 1. */
double fit_probability(double decibans);

#endif
