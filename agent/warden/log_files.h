/* The warden's part in reading logs: it finds them, opens them and hands the descriptors over. It reads no byte of them
 * (common/io/tail.h says how the work is shared). Besides it keeps the file in which the watcher writes down where it
 * is, since the watcher can open nothing. */
#ifndef AGENT_WARDEN_LOG_FILES_H
#define AGENT_WARDEN_LOG_FILES_H

#include <systemd/sd-event.h>
#include "agent/message/message.h"
#include "agent/message/settings.h"
#include "common/error.h"

struct log_files;

struct log_files_listener {
    void *context;
    void (*say)(void *context, const union message *, int descriptor); /* to the watcher; takes the descriptor */
};

/* `state`: the directory of what must survive a restart, and `descriptor` of it, borrowed for the length of the call.
 */
int log_files_open(sd_event *, const char *state, int descriptor, const struct log_files_listener *,
                   struct log_files **, struct error *) MUST_CHECK;
void log_files_close(struct log_files **);

/* A watcher was started: give it the record. It answers with MESSAGE_LOG_SINCE once it has read it. */
void log_files_welcome(struct log_files *);
/* Look for the logs from the beginning, and for rotated ones that were written to since then. */
int log_files_begin(struct log_files *, const struct logs_settings *, moment since, struct error *) MUST_CHECK;
/* Once a second: what inotify does not say. */
void log_files_tick(struct log_files *);

#endif
