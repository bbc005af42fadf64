/* The log reader: bytes of log files in, observations out. Nothing is opened here and nothing asks the time.
 *
 * A queue id ties the lines of one message together: who submitted it, its envelope, what became of each recipient.
 * What is known of a queue id waits in a table of fixed size; the one that was not spoken of for longest gives way. */
#ifndef AGENT_LOG_LOG_PATH_H
#define AGENT_LOG_LOG_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "agent/log/pattern.h"
#include "common/error.h"
#include "common/moment.h"
#include "common/siphash.h"
#include "common/text.h"
#include "common/words/observation.h"

#define LOG_LINE_MOST 16384 /* bytes of a line that are looked at; what is longer is cut and counted */

struct contents;

struct log_settings {
    uint32_t transactions; /* queue ids remembered at a time; 1 to 2^24 */
    duration idle;         /* a queue id not spoken of for so long is let go */
    duration east;         /* local time less UTC, for time stamps that do not say it */
    struct siphash_key key;
    struct contents *contents; /* borrowed; NULL: nobody says what is in mail (content.h) */
    const struct log_file {
        const char *name;
        struct text content;
    } * files; /* pattern files, first come, first asked; ended by one without a name */
};

enum log_outcome { LOG_LINE_READ, LOG_LINE_IGNORED, LOG_LINE_UNPARSED };

/* What one line became, for log-test. Texts are borrowed for the length of the call. */
struct log_line {
    uint32_t source;
    moment time;                               /* 0: no time stamp */
    struct text whole, program, process, text; /* process: its number, as digits; empty: not said */
    enum log_outcome outcome;
    const struct log_rule *rule; /* NULL: not understood */
    const struct log_fields *fields;
    bool cut;
};

/* How a message came to the mail server, for people. Texts are borrowed for the length of the call. */
struct log_trace {
    moment time;
    struct origin origin;
    struct text script, directory; /* empty: not logged */
};

struct log_listener {
    void *context;
    void (*observe)(void *, const struct observation *);
    void (*line)(void *, const struct log_line *);   /* NULL: not wanted */
    void (*trace)(void *, const struct log_trace *); /* NULL: not wanted */
};

struct log_counters {
    uint64_t lines, ignored, unparsed;
    uint64_t cut;       /* longer than LOG_LINE_MOST */
    uint64_t exhausted; /* matches given up at their bound */
    uint64_t let_go;    /* queue ids that were forgotten before they were done */
};

struct log_path;
struct log_path *log_path_create(const struct log_settings *, const struct log_listener *, struct error *);
void log_path_destroy(struct log_path **);

/* A file or a journal. `hint`: its last change (0: not known), for time stamps without a year. */
#define LOG_SOURCES_MOST 256
uint32_t log_path_open_source(struct log_path *, const char *name, moment hint); /* 0: there are too many */

/* Read whole lines; returns the bytes used. The rest is given again with more behind it, and must not grow past
 * LOG_LINE_MOST: then it is used up as a line that is cut. `last`: what has no line feed at its end is a line too. */
size_t log_path_add(struct log_path *, uint32_t source, struct text bytes, bool last);

/* Whether a line has spoken of that queue id, and it is not done yet. */
bool log_path_knows(const struct log_path *, struct text queue);

/* Local time less UTC from now on: it changes twice a year. */
void log_path_set_east(struct log_path *, duration east);

/* Let go what was idle. Called with the time of the lines, about once a second. */
void log_path_tick(struct log_path *, moment now);
struct log_counters log_path_counters(const struct log_path *);

#endif
