/* Every detector's settings begin with struct detector_settings, and its section bears its name. */
#include "tests/lab/weights.h"

#include <math.h>
#include <string.h>

#define MILLION 1000000

size_t lab_weights_count(void)
{
    size_t count = 0;
    while (count < DETECTORS_MOST && detector_table[count] != NULL)
        count++;
    return count;
}

static struct detector_settings *settings_of(struct judge_settings *settings, size_t detector)
{
    for (const struct option_binding *binding = judge_settings_bindings(settings); binding->options; binding++)
        if (strcmp(binding->options[0].section, detector_table[detector]->name) == 0)
            return binding->settings;
    return NULL;
}

void lab_weights_get(struct judge_settings *settings, struct lab_weights *weights)
{
    *weights = (struct lab_weights){0};
    for (size_t i = 0; i < lab_weights_count(); i++) {
        const struct detector_settings *own = settings_of(settings, i);
        weights->weight[i] = own ? (double)own->weight / MILLION : 1;
        weights->most[i] = own ? own->most : 0;
    }
}

void lab_weights_set(struct judge_settings *settings, const struct lab_weights *weights)
{
    for (size_t i = 0; i < lab_weights_count(); i++) {
        struct detector_settings *own = settings_of(settings, i);
        if (own == NULL)
            continue;
        own->weight = (int32_t)lround(weights->weight[i] * MILLION);
        own->most = weights->most[i];
    }
}

void lab_weights_fit(const double fitted[], const struct lab_weights *before, struct lab_weights *result)
{
    *result = *before;
    for (size_t i = 0; i < lab_weights_count(); i++) {
        result->weight[i] = round(fitted[i] * 100) / 100;
        if (result->weight[i] < 1)
            result->most[i] = (points)lround(before->most[i] * result->weight[i]);
    }
}

void lab_weights_print(const struct lab_weights *weights, const struct lab_weights *shipped, FILE *out)
{
    for (size_t i = 0; i < lab_weights_count(); i++) {
        bool other = fabs(weights->weight[i] - shipped->weight[i]) > 1e-9;
        if (!other && weights->most[i] == shipped->most[i])
            continue;
        fprintf(out, "\n[%s]\nweight = %.2f\n", detector_table[i]->name, weights->weight[i]);
        if (weights->most[i] != shipped->most[i])
            fprintf(out, "most = %.2f\n", (double)weights->most[i] / DECIBANS(1));
    }
}
