/* The agent's configuration as a whole: one file, one set of tables, and the files that it names.
 *
 *     --config FILE, else POSTERN_CONFIG, else /etc/postern/agent.conf; where that last one is missing, the defaults
 *     that stand in the program. POSTERN_SOCKET and POSTERN_STATE stand over what the file says; the options --socket
 *     and --state over both.
 *
 * Files that settings name are looked for from the configuration file's directory, unless their path is absolute;
 * "builtin:NAME" is a shipped file that stands in the program. */
#ifndef AGENT_SETTINGS_H
#define AGENT_SETTINGS_H

#include "agent/courier/collector.h"
#include "agent/judge/judge.h"
#include "agent/message/bundle.h"
#include "agent/message/settings.h"
#include "common/buffer.h"
#include "common/error.h"

/* [metrics] */
struct metrics_settings {
    char listen[OPTION_TEXT_SIZE]; /* address and port; empty: nowhere */
};

struct named_file {
    char *name, *bytes; /* name: as the settings have it */
    size_t length;
};

struct configuration {
    struct process_settings process;
    struct judge_settings *judge;
    struct collector_settings collector;
    struct metrics_settings metrics;
    struct customers *customers; /* whose each sender is */
    char source[4096];           /* the file that was read; empty: none, the defaults stand */
    struct named_file *files;
    size_t file_count;
};

/* `path`: what --config names, or NULL. An error reads "FILE:LINE: [section] key: ..." or says which file could not be
 * read. On failure nothing is left to clear. */
int configuration_read(const char *path, struct configuration *result, struct error *) MUST_CHECK;
/* The same over what a collector has set, which the file's own options stand over (NULL: nothing). */
int configuration_read_over(const char *path, const struct option_layer *central, struct configuration *result,
                            struct error *) MUST_CHECK;
/* Whether the file lets a collector set anything. */
bool configuration_takes_settings(const struct configuration *);
/* The defaults alone, without environment and files. */
int configuration_defaults(struct configuration *result, struct error *) MUST_CHECK;
void configuration_clear(struct configuration *);

/* Every table bound to these settings; ended by an entry whose options are NULL. */
#define CONFIGURATION_BINDINGS (PROCESS_BINDINGS + DETECTORS_MOST + 7)
void configuration_bind(struct configuration *, struct option_binding result[CONFIGURATION_BINDINGS]);

/* For a reload: what takes effect on restart alone stays as it is with all processes, also with one that begins later.
 * `told` gets a sentence on what was kept, or stays empty. */
int configuration_keep(struct configuration *, const struct configuration *in_force, char *told, size_t size,
                       struct error *) MUST_CHECK;

/* What the processes without files are given (bundle.h). The buffer is the caller's to clear. */
int configuration_bundle(struct configuration *, struct buffer *result, struct error *) MUST_CHECK;
/* What the courier alone is given (agent/courier/collector.h), with the files that it names. Empty: there is no
 * collector. The buffer is the caller's to clear. */
int configuration_collector(struct configuration *, struct buffer *result, struct error *) MUST_CHECK;

#endif
