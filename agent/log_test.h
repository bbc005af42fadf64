/* `postern-agent log-test`: what each line of a mail log became, and which were not understood. */
#ifndef AGENT_LOG_TEST_H
#define AGENT_LOG_TEST_H

#include <stdbool.h>
#include <stddef.h>

int log_test_run(char *const *paths, size_t count, bool json, const char *const *patterns,
                 size_t pattern_count); /* the exit status */

#endif
