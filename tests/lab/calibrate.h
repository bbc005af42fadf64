/* The calibration command: weights fitted on some seeds, and held against others. */
#ifndef TESTS_LAB_CALIBRATE_H
#define TESTS_LAB_CALIBRATE_H

#include <stdio.h>
#include "tests/lab/jobs.h"

/* `jobs` says scenarios, parallel and progress (whether to show it); seeds, settings and the rest are set here. The
 * settings come back as they were. */
struct calibration {
    struct lab_jobs jobs;
    uint64_t fit_first, fit_last, report_first, report_last;
    struct judge_settings *settings;
    bool json, colour;
};

int calibrate(const struct calibration *, FILE *, struct error *) MUST_CHECK;

#endif
