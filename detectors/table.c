/* The one list of detectors: declared and tabled from the same names. */
#include "detectors/detector.h"

/* In the order of docs/detectors.md. */
#define DETECTORS(_)                                                                                                   \
    _(burst)                                                                                                           \
    _(fanout)                                                                                                          \
    _(rejects)                                                                                                         \
    _(opinion)                                                                                                         \
    _(envelope)                                                                                                        \
    _(helo)                                                                                                            \
    _(churn)                                                                                                           \
    _(dictionary)                                                                                                      \
    _(protocol) _(bulk) _(tls) _(auth) _(backscatter) _(trap) _(evasion) _(filter) _(listed) _(complaint) _(customer)
#define DECLARE(name) extern const struct detector detector_##name;
#define ENTRY(name)   &detector_##name,

DETECTORS(DECLARE)

const struct detector *const detector_table[] = {DETECTORS(ENTRY) NULL};
