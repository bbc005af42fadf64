/* The pattern files that stand in the program, and a site's own. */
#ifndef AGENT_LOG_FORMATS_H
#define AGENT_LOG_FORMATS_H

#include "agent/log/log_path.h"
#include "common/buffer.h"

#define LOG_FORMATS_MOST 32
struct log_formats {
    struct log_file files[LOG_FORMATS_MOST];
    struct buffer content[LOG_FORMATS_MOST]; /* of the site's */
};

/* The site's files, in the order given, and behind them those that stand in the program; one of the site's takes the
 * place of the program's of the same name ("postfix.conf" that of "postfix"). */
int log_formats_load(const char *const *paths, size_t count, struct log_formats *, struct error *) MUST_CHECK;
void log_formats_clear(struct log_formats *);

/* Filled as struct log_settings wants it: ended by one without a name. */
void log_formats_list(struct log_file result[LOG_FORMATS_MOST]);

#endif
