/* Samples into bins by score. */
#include "tests/lab/reliability.h"

#include <math.h>
#include <stdlib.h>
#include "tests/lab/fit.h"

static const double edges[RELIABILITY_BINS] = {0, 2.5, 5, 7.5, 10, 12.5, 15, 20};

static size_t bin_of(double score)
{
    size_t bin = RELIABILITY_BINS - 1;
    while (bin > 0 && score < edges[bin])
        bin--;
    return bin;
}

/* Sums become shares. */
static void finish(struct reliability *result)
{
    double all = 0, evidence = 0;
    for (size_t b = 0; b < RELIABILITY_BINS; b++)
        all += result->bins[b].weight;
    for (size_t b = 0; b < RELIABILITY_BINS; b++) {
        struct reliability_bin *bin = &result->bins[b];
        if (bin->weight <= 0)
            continue;
        bin->abusive /= bin->weight;
        bin->expected /= bin->weight;
        bin->weight /= all;
        double apart = bin->weight * fabs(bin->abusive - bin->expected);
        result->error += apart;
        if (b > 0) {
            result->error_of_evidence += apart;
            evidence += bin->weight;
        }
    }
    if (evidence > 0)
        result->error_of_evidence /= evidence;
}

bool reliability_measure(const struct samples *samples, struct reliability *result)
{
    *result = (struct reliability){0};
    uint8_t *seen = calloc((size_t)samples->senders + 1, sizeof *seen); /* a bit for each bin */
    if (seen == NULL)
        return false;
    for (size_t b = 0; b < RELIABILITY_BINS; b++) {
        result->bins[b].least = edges[b];
        result->bins[b].most = b + 1 < RELIABILITY_BINS ? edges[b + 1] : INFINITY;
    }
    for (size_t i = 0; i < samples->count; i++) {
        const struct sample *sample = &samples->items[i];
        size_t index = bin_of(sample->score);
        struct reliability_bin *bin = &result->bins[index];
        bin->snapshots++;
        bin->senders += (seen[sample->sender] >> index & 1) == 0;
        seen[sample->sender] |= (uint8_t)(1U << index);
        bin->weight += sample->weight;
        bin->abusive += sample->abusive ? sample->weight : 0;
        bin->expected += sample->weight * fit_probability(sample->score);
    }
    free(seen);
    finish(result);
    return true;
}
