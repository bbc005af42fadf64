/* What the laboratory found: a line for each scenario and one for all, the aims, and every failure with what it takes
 * to run it again. */
#ifndef TESTS_LAB_REPORT_H
#define TESTS_LAB_REPORT_H

#include <stdio.h>
#include "tests/lab/aims.h"
#include "tests/lab/tally.h"

enum failure_kind { FAILURE_BLOCKED, FAILURE_MISSED, FAILURE_THROTTLED, FAILURE_KINDS };

struct failure {
    enum failure_kind kind;
    char scenario[48];
    uint64_t seed;
    char name[32], printed[SENDER_TEXT];
    char reason[240];
};

struct report {
    struct tally *scenarios; /* in the order in which they came */
    size_t count;
    struct tally all;
    struct failure *failures;
    size_t failure_count;
};

/* Results of one scenario must come one behind the other. False: no memory. */
bool report_add(struct report *, const struct lab_result *) __attribute__((warn_unused_result));
void report_aims(struct report *, struct aim aims[AIMS]);
bool report_print(struct report *, FILE *, bool colour) __attribute__((warn_unused_result)); /* false: no memory */
void report_print_aims(struct report *, FILE *, bool colour);
/* One object a line: "record" is scenario, total, aim or failure. False: no memory. */
bool report_print_json(struct report *, FILE *) __attribute__((warn_unused_result));
void report_clear(struct report *);

#endif
