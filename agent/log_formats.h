/* The pattern files that stand in the program. */
#ifndef AGENT_LOG_FORMATS_H
#define AGENT_LOG_FORMATS_H

#include "agent/log/log_path.h"

#define LOG_FORMATS_MOST 32
/* Filled as struct log_settings wants it: ended by one without a name. */
void log_formats_list(struct log_file result[LOG_FORMATS_MOST]);

#endif
