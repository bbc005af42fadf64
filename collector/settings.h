/* The collector's configuration: one file, one set of tables.
 *
 *     --config FILE, else POSTERN_CONFIG, else /etc/postern/collector.conf; where that last one is missing, the
 * defaults that stand in the program. POSTERN_LISTEN and POSTERN_STORE stand over what the file says. */
#ifndef COLLECTOR_SETTINGS_H
#define COLLECTOR_SETTINGS_H

#include <stdint.h>
#include "common/error.h"
#include "common/moment.h"
#include "common/option.h"

#define SETTINGS_CONFIG "/etc/postern/collector.conf"

struct settings {
    char listen[OPTION_TEXT_SIZE], certificate[OPTION_TEXT_SIZE], key[OPTION_TEXT_SIZE], authority[OPTION_TEXT_SIZE];
    uint32_t connections, connections_per_address;
    duration head_time, idle_time, body_time;
    char where[OPTION_TEXT_SIZE];
    char source[4096]; /* the file that was read; empty: none, the defaults stand */
};

#define SETTINGS_BINDINGS 3 /* the last has no options */
void settings_bind(struct settings *, struct option_binding result[SETTINGS_BINDINGS]);
/* `path`: what --config names, or NULL. The error reads "FILE:LINE: [section] key: ..." or says what could not be read.
 */
int settings_read(const char *path, struct settings *result, struct error *) MUST_CHECK;

/* The folder of a SQLite store, for this user alone, where there is none yet. */
int settings_make_folder(const struct settings *, struct error *) MUST_CHECK;

/* A whole file with a NUL behind it, at most 1 MB; the caller frees. */
int settings_read_file(const char *path, char **result, size_t *length, struct error *) MUST_CHECK;

#endif
