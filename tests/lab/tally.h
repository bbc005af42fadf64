/* What runs add up to: of one scenario, or of all. */
#ifndef TESTS_LAB_TALLY_H
#define TESTS_LAB_TALLY_H

#include "tests/lab/figures.h"
#include "tests/lab/result.h"

/* What got out before a verdict of one height. Of an abuser that never came to it counts all that it got out. */
struct tally_out {
    uint64_t reached; /* abusers that came to it */
    struct figures messages, recipients;
};

struct tally {
    char scenario[48]; /* empty: of all */
    uint64_t runs, packets, connections;
    uint64_t abusers, honest;
    uint64_t right, wrong; /* senders: wrong is an abuser missed, or one throttled or blocked while it did no harm */
    uint64_t missed;       /* abusers neither throttled nor blocked */
    uint64_t false_alerts, false_throttles, false_blocks; /* verdicts */
    uint64_t blocked_honest;                              /* senders */
    double honest_days;
    struct tally_out throttle, block;
    /* Messages before the first action; slow ones are among the others of all, but not of `others_not_slow`. */
    struct figures bursts, others, others_not_slow;
    uint64_t decided[DETECTORS_MOST]; /* of first actions against abusers, in the order of detector_table */
};

/* False: no memory. */
bool tally_add(struct tally *, const struct lab_sender *) __attribute__((warn_unused_result));
void tally_clear(struct tally *);

bool tally_is_missed(const struct lab_sender *);
bool tally_is_wronged(const struct lab_sender *); /* throttled or blocked while it did no harm */

#endif
