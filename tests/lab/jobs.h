/* Many runs at once, each in a process of its own, handed on in their order: what comes of them is the same to the byte
 * whatever the number of processes. */
#ifndef TESTS_LAB_JOBS_H
#define TESTS_LAB_JOBS_H

#include "agent/judge/judge.h"
#include "tests/lab/result.h"
#include "tests/lab/scenario.h"

/* Seeds first..last of these scenarios, scenario by scenario. Everything is borrowed. */
struct lab_jobs {
    const struct lab_scenario **scenarios;
    size_t scenario_count;
    uint64_t first, last;
    const struct judge_settings *settings;
    unsigned parallel;      /* at least 1 */
    const char *progress;   /* a word to show on standard error while it lasts; NULL: show nothing */
    bool without_snapshots; /* they are not wanted, so they need not be carried */
};

/* `take` gets each result, borrowed for the length of the call; false: no memory. A run that fails, or a process that
 * dies, ends all: the error names scenario and seed. */
int lab_jobs_run(const struct lab_jobs *, bool (*take)(void *context, const struct lab_result *), void *context,
                 struct error *) MUST_CHECK;

#endif
