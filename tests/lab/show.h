/* One run in detail, for whoever works on a detector. */
#ifndef TESTS_LAB_SHOW_H
#define TESTS_LAB_SHOW_H

#include <stdio.h>
#include "tests/lab/result.h"

void show_result(const struct lab_result *, FILE *);

#endif
