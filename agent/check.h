/* `postern-agent check`: is the configuration good, and what will it cost. */
#ifndef AGENT_CHECK_H
#define AGENT_CHECK_H

#include <stdbool.h>

int check_run(const char *config, bool json); /* the exit status */
int check_print_example(void);                /* conf/agent.conf.example */
int check_print_manual(void);                 /* docs/postern-agent.conf.5 */

#endif
