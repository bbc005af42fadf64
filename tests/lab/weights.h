/* Detectors' weights and ceilings, into settings and as a configuration file says them. */
#ifndef TESTS_LAB_WEIGHTS_H
#define TESTS_LAB_WEIGHTS_H

#include <stdio.h>
#include "agent/judge/judge.h"

struct lab_weights {
    double weight[DETECTORS_MOST]; /* in the order of detector_table */
    points most[DETECTORS_MOST];
};

size_t lab_weights_count(void); /* detectors in the table */
void lab_weights_get(struct judge_settings *, struct lab_weights *);
void lab_weights_set(struct judge_settings *, const struct lab_weights *);
/* What a fit comes to: weights with two digits, as they are printed. Where a weight is below 1 the ceiling comes down
 * with it: the judge multiplies first and then holds the account at the ceiling, so that without this a detector that
 * says too much would still come to its ceiling, only later. A ceiling is never raised: what one detector alone may do
 * to a sender is no matter of statistics. */
void lab_weights_fit(const double fitted[], const struct lab_weights *before, struct lab_weights *result);
/* A section for each detector whose weight or ceiling differs from `shipped`. */
void lab_weights_print(const struct lab_weights *, const struct lab_weights *shipped, FILE *);

#endif
