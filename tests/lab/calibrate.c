/* Three rounds of runs: the fitting seeds with all weights 1, so that an account holds what its detector said; the
 * reporting seeds with the weights as configured; and the same with those fitted. The last is no arithmetic on the
 * second: verdicts, ceilings and fading all take part again. */
#include "tests/lab/calibrate.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "common/json.h"
#include "tests/lab/fit.h"
#include "tests/lab/reliability.h"
#include "tests/lab/report.h"
#include "tests/lab/weights.h"

#define RECORD_MOST ((size_t)1 << 16)

struct round {
    struct samples samples;
    struct report report;
};

static bool take(void *context, const struct lab_result *result)
{
    struct round *round = context;
    return samples_add(&round->samples, result) && report_add(&round->report, result);
}

static void round_clear(struct round *round)
{
    samples_clear(&round->samples);
    report_clear(&round->report);
}

static int run_round(const struct calibration *calibration, const struct lab_weights *weights, bool fitting,
                     const char *progress, struct round *round, struct error *error)
{
    struct lab_jobs jobs = calibration->jobs;
    jobs.first = fitting ? calibration->fit_first : calibration->report_first;
    jobs.last = fitting ? calibration->fit_last : calibration->report_last;
    jobs.settings = calibration->settings;
    jobs.progress = jobs.progress ? progress : NULL;
    lab_weights_set(calibration->settings, weights);
    int status = lab_jobs_run(&jobs, take, round, error);
    samples_balance(&round->samples);
    return status;
}

/* --- what is printed --- */

static void print_sides(const struct samples *samples, FILE *out)
{
    bool seen[2] = {false, false};
    for (size_t i = 0; i < samples->count; i++)
        seen[samples->items[i].abusive] = true;
    if (samples->count > 0 && (!seen[0] || !seen[1]))
        fprintf(out, "# There are no %s senders among these; nothing can be learnt from one side alone.\n",
                seen[0] ? "abusive" : "honest");
}

static void print_bins(const struct reliability *table, FILE *out)
{
    fprintf(out, "  %-13s %9s %8s %9s %9s %9s\n", "points", "snapshots", "senders", "weight", "abusive", "expected");
    for (size_t b = 0; b < RELIABILITY_BINS; b++) {
        const struct reliability_bin *bin = &table->bins[b];
        char range[32];
        if (isinf(bin->most))
            snprintf(range, sizeof range, "%.1f and more", bin->least);
        else
            snprintf(range, sizeof range, "%.1f - %.1f", bin->least, bin->most);
        fprintf(out, "  %-13s %9zu %8zu %7.1f %% ", range, bin->snapshots, bin->senders, 100 * bin->weight);
        if (bin->weight > 0)
            fprintf(out, "%7.1f %% %7.1f %%\n", 100 * bin->abusive, 100 * bin->expected);
        else
            fprintf(out, "%9s %9s\n", "-", "-");
    }
    fprintf(out, "  Expected calibration error %.1f %%; of those with 2.5 points and more %.1f %%.\n",
            100 * table->error, 100 * table->error_of_evidence);
    const struct reliability_bin *below = &table->bins[3], *above = &table->bins[4];
    double weight = below->weight + above->weight;
    if (weight > 0)
        fprintf(out, "  About 10 points (7.5 to 12.5): %.1f in 11 are abusers; the points say %.1f.\n",
                11 * (below->weight * below->abusive + above->weight * above->abusive) / weight,
                11 * (below->weight * below->expected + above->weight * above->expected) / weight);
}

static const char *const how_weighed =
    "# Fitted on accounts as they stand with all weights 1: faded, and held at each detector's `most`. The agent\n"
    "# multiplies before it holds an account at `most`. So `most` comes down with a weight below 1; with one above 1 "
    "it\n"
    "# stays, and an account that is at its `most` gains nothing. The tables below are of runs, with all of that in "
    "them.\n";

static bool print_tables(const struct calibration *calibration, struct round rounds[3], FILE *out)
{
    struct reliability tables[3];
    if (!reliability_measure(&rounds[1].samples, &tables[1]) || !reliability_measure(&rounds[2].samples, &tables[2]))
        return false;
    for (int i = 2; i >= 1; i--) {
        fprintf(out, "\nSeeds %" PRIu64 "-%" PRIu64 " with the weights %s\n", calibration->report_first,
                calibration->report_last, i == 2 ? "fitted" : "as configured");
        print_bins(&tables[i], out);
        report_print_aims(&rounds[i].report, out, calibration->colour);
    }
    fprintf(out,
            "\nEach sender weighs the same however often it was looked at, honest and abusive ones the same in sum.\n"
            "Abusive: the share of abusers among those seen with so many points; expected: what the points say.\n");
    return true;
}

/* All but the weights as comments, so that the whole is a configuration file. */
static void print_comments(const char *text, FILE *out)
{
    while (*text != '\0') {
        int length = (int)strcspn(text, "\n");
        fprintf(out, "#%s%.*s\n", length > 0 ? " " : "", length, text);
        text += length + (text[length] == '\n');
    }
}

static bool print_text(const struct calibration *calibration, const struct lab_weights *fitted,
                       const struct lab_weights *before, struct round rounds[3], FILE *out)
{
    fprintf(out,
            "# Weights from seeds %" PRIu64 "-%" PRIu64 ": %" PRIu32
            " senders, %zu snapshots. This is a file for --config.\n",
            calibration->fit_first, calibration->fit_last, rounds[0].samples.senders, rounds[0].samples.count);
    fprintf(out, "%s", how_weighed);
    print_sides(&rounds[0].samples, out);
    lab_weights_print(fitted, before, out);
    char *text = NULL;
    size_t length = 0;
    FILE *tables = open_memstream(&text, &length);
    bool good = tables != NULL && print_tables(calibration, rounds, tables);
    good = (tables == NULL || fclose(tables) == 0) && good;
    if (good)
        print_comments(text, out);
    free(text);
    return good;
}

static bool write_line(struct buffer *line, FILE *out)
{
    bool good = fwrite(line->bytes, 1, line->length, out) == line->length;
    line->length = 0;
    return good;
}

static bool print_json(const struct lab_weights *fitted, struct round rounds[3], FILE *out)
{
    struct buffer line;
    buffer_init(&line, RECORD_MOST);
    bool good = true;
    for (size_t i = 0; i < lab_weights_count() && good; i++) {
        struct json json = json_begin(&line);
        json_string(&json, "record", "weight");
        json_string(&json, "detector", detector_table[i]->name);
        json_hundredths(&json, "weight", lround(fitted->weight[i] * 100));
        json_hundredths(&json, "most", fitted->most[i]);
        good = json_end(&json) && write_line(&line, out);
    }
    for (int i = 1; i <= 2 && good; i++) {
        struct reliability table;
        good = reliability_measure(&rounds[i].samples, &table);
        for (size_t b = 0; b < RELIABILITY_BINS && good; b++) {
            const struct reliability_bin *bin = &table.bins[b];
            struct json json = json_begin(&line);
            json_string(&json, "record", "reliability");
            json_string(&json, "weights", i == 1 ? "configured" : "fitted");
            json_hundredths(&json, "points", lround(bin->least * 100));
            json_unsigned(&json, "snapshots", bin->snapshots);
            json_unsigned(&json, "senders", bin->senders);
            json_hundredths(&json, "percent_weight", lround(bin->weight * 10000));
            json_hundredths(&json, "percent_abusive", lround(bin->abusive * 10000));
            json_hundredths(&json, "percent_expected", lround(bin->expected * 10000));
            good = json_end(&json) && write_line(&line, out);
        }
    }
    buffer_clear(&line);
    return good;
}

/* --- the three rounds --- */

static int run_all(const struct calibration *calibration, const struct lab_weights *before, struct round rounds[3],
                   FILE *out, struct error *error)
{
    struct lab_weights plain = *before, fitted;
    double found[DETECTORS_MOST];
    for (size_t i = 0; i < DETECTORS_MOST; i++)
        plain.weight[i] = 1;
    int status = run_round(calibration, &plain, true, "fitting", &rounds[0], error);
    if (status < 0)
        return status;
    if (!fit_weights(&rounds[0].samples, lab_weights_count(), FIT_RIDGE, found))
        return error_set(error, ENOMEM, "no memory for the fit");
    lab_weights_fit(found, before, &fitted);
    status = run_round(calibration, before, false, "as configured", &rounds[1], error);
    if (status == 0)
        status = run_round(calibration, &fitted, false, "as fitted", &rounds[2], error);
    if (status < 0)
        return status;
    bool good =
        calibration->json ? print_json(&fitted, rounds, out) : print_text(calibration, &fitted, before, rounds, out);
    return good ? 0 : error_set(error, ENOMEM, "cannot print the calibration");
}

int calibrate(const struct calibration *calibration, FILE *out, struct error *error)
{
    struct round rounds[3] = {0};
    struct lab_weights before;
    lab_weights_get(calibration->settings, &before);
    int status = run_all(calibration, &before, rounds, out, error);
    lab_weights_set(calibration->settings, &before);
    for (int i = 0; i < 3; i++)
        round_clear(&rounds[i]);
    return status;
}
