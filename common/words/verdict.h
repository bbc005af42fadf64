/* A verdict: the sum of the evidence held against the policy's thresholds. The order is that of severity. */
#ifndef COMMON_WORDS_VERDICT_H
#define COMMON_WORDS_VERDICT_H

#include <stdbool.h>
#include "common/text.h"

enum verdict { VERDICT_CLEAR, VERDICT_ALERT, VERDICT_THROTTLE, VERDICT_DIVERT, VERDICT_BLOCK, VERDICTS };

const char *verdict_name(enum verdict); /* "clear", "alert", "throttle", "divert", "block" */
bool verdict_parse(struct text, enum verdict *result);

#endif
