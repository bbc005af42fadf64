/* One weight after the other by Newton's step, over and over, until none moves. The loss is convex and each weight has
 * its own bounds, so this comes to the one lowest point. Where the loss is nearly straight Newton's step goes too far
 * and comes back; a weight that turns round may from then on take only half the step. */
#include "tests/lab/fit.h"

#include <math.h>
#include <stdlib.h>
#include "common/cleanup.h"

#define SWEEPS      1000
#define STILL       1e-7
#define FIRST_STEP  0.5
#define PER_DECIBAN 0.23025850929940457 /* ln(10) / 10 */

double fit_probability(double decibans)
{
    return 1 / (1 + exp(-PER_DECIBAN * decibans));
}

struct weight_state {
    double step;
    int direction;
};

static void free_numbers(double **numbers)
{
    free(*numbers);
    *numbers = NULL;
}

static double bounded(double value, double least, double most)
{
    return value < least ? least : value > most ? most : value;
}

/* Moves one weight and the scores with it; how far it went. */
static double move(const struct samples *samples, size_t detector, double ridge, double *weight, double *scores,
                   struct weight_state *state)
{
    double slope = ridge * (*weight - 1), curvature = ridge;
    for (size_t i = 0; i < samples->count; i++) {
        const struct sample *sample = &samples->items[i];
        double logit = PER_DECIBAN * sample->accounts[detector];
        if (logit == 0)
            continue;
        double probability = fit_probability(scores[i]);
        slope += sample->weight * (probability - sample->abusive) * logit;
        curvature += sample->weight * probability * (1 - probability) * logit * logit;
    }
    if (curvature <= 0)
        return 0;
    int direction = slope < 0 ? 1 : -1;
    if (state->direction == -direction)
        state->step /= 2;
    state->direction = direction;
    double wanted = *weight + bounded(-slope / curvature, -state->step, state->step);
    double moved = bounded(wanted, FIT_LEAST, FIT_MOST) - *weight;
    *weight += moved;
    for (size_t i = 0; i < samples->count && moved != 0; i++)
        scores[i] += moved * samples->items[i].accounts[detector];
    return fabs(moved);
}

bool fit_weights(const struct samples *samples, size_t detectors, double ridge, double weights[])
{
    CLEANUP(free_numbers) double *scores = calloc(samples->count + 1, sizeof *scores);
    struct weight_state states[DETECTORS_MOST];
    if (scores == NULL)
        return false;
    for (size_t d = 0; d < detectors; d++) {
        weights[d] = 1;
        states[d] = (struct weight_state){.step = FIRST_STEP};
    }
    for (size_t i = 0; i < samples->count; i++)
        for (size_t d = 0; d < detectors; d++)
            scores[i] += samples->items[i].accounts[d];
    double furthest = 1;
    for (int sweep = 0; sweep < SWEEPS && furthest > STILL; sweep++) {
        furthest = 0;
        for (size_t d = 0; d < detectors; d++)
            furthest = fmax(furthest, move(samples, d, ridge, &weights[d], scores, &states[d]));
    }
    return true;
}
