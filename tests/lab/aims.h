/* What detection is held to, and how far it got. */
#ifndef TESTS_LAB_AIMS_H
#define TESTS_LAB_AIMS_H

#include "tests/lab/tally.h"

enum aim_state { AIM_REACHED, AIM_MISSED, AIM_NOT_MEASURED };

struct aim {
    const char *text;
    char figure[160];
    enum aim_state state;
};
#define AIMS 6

/* `all` is the sum of the scenarios. */
void aims_measure(struct tally *all, struct tally *scenarios, size_t count, struct aim result[AIMS]);

#endif
