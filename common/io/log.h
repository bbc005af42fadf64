/* What a process says to whoever runs it: a line on standard error; with the journal's level prefixes where standard
 * error is the journal, with time and name where it is a terminal or a file. */
#ifndef COMMON_IO_LOG_H
#define COMMON_IO_LOG_H

#include <stdbool.h>

enum log_level { LOG_NEWS, LOG_TROUBLE_AHEAD, LOG_TROUBLE };

struct log {
    const char *name; /* borrowed: which process speaks */
    bool journal;
};

struct log log_open(const char *name);
void log_write(const struct log *, enum log_level, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
