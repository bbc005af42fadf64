/* The one list of detectors: declared and tabled from the same names. */
#include "detectors/detector.h"

#define DETECTORS(_)  _(burst) _(fanout) _(rejects) _(envelope) _(helo) _(churn) _(dictionary) _(backscatter) _(trap)
#define DECLARE(name) extern const struct detector detector_##name;
#define ENTRY(name)   &detector_##name,

DETECTORS(DECLARE)

const struct detector *const detector_table[] = {DETECTORS(ENTRY) NULL};
