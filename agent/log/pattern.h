/* Pattern files: what a mail server's log lines look like, as data. Each rule names the program that writes the line, a
 * literal that must stand in it, a pattern (PCRE2) whose named groups are the fields, and what such a line means.
 *
 * A line's texts are chosen by strangers. So matching is bounded (steps and memory), and the shipped patterns are
 * anchored at both ends and refuse a line that can be read in two ways. */
#ifndef AGENT_LOG_PATTERN_H
#define AGENT_LOG_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/error.h"
#include "common/text.h"

/* The layout of this list does not come to rest. */
/* clang-format off */
#define LOG_FIELDS_OF(_)                                                                                               \
    _(queue)                                                                                                           \
    _(origin_queue)                                                                                                    \
    _(next_queue)                                                                                                      \
    _(process)                                                                                                         \
    _(delivery)                                                                                                        \
    _(session)                                                                                                         \
    _(client)                                                                                                          \
    _(client_name)                                                                                                     \
    _(server)                                                                                                          \
    _(server_name)                                                                                                     \
    _(server_port)                                                                                                     \
    _(helo)                                                                                                            \
    _(from)                                                                                                            \
    _(to)                                                                                                              \
    _(to_list)                                                                                                         \
    _(account) _(uid) _(script) _(cwd) _(size) _(recipients) _(code) _(enhanced) _(reply) _(status) _(message_id)      \
        _(score) _(threshold) _(action) _(symbols)

/* clang-format on */
enum log_field {
#define LOG_FIELD(name) LOG_##name,
    LOG_FIELDS_OF(LOG_FIELD)
#undef LOG_FIELD
        LOG_FIELDS
};

enum log_meaning {
    LOG_MEANS_CONNECT,
    LOG_MEANS_LOGIN,     /* a login: failed where `status` is "failed" or absent, else accepted */
    LOG_MEANS_QUEUED,    /* a queue id begins: who sent it */
    LOG_MEANS_SENDER,    /* the envelope's sender, size and number of recipients */
    LOG_MEANS_RECIPIENT, /* delivered without leaving the machine */
    LOG_MEANS_STARTED,   /* an attempt begins, under a number: `delivery`; `status` "local": within the machine */
    LOG_MEANS_DELIVERY,  /* an attempt to hand it to another server, with the answer */
    LOG_MEANS_REMOVED,   /* the queue id is done */
    LOG_MEANS_REJECT,    /* this server refused a recipient */
    LOG_MEANS_SCRIPT,    /* where a message comes from: `script`, `cwd`, of a queue id or a process */
    LOG_MEANS_FILTER,    /* a content filter's opinion */
    LOG_MEANS_IGNORE,    /* known, says nothing to us */
    LOG_MEANINGS
};
const char *log_meaning_name(enum log_meaning);

struct log_fields {
    struct text at[LOG_FIELDS]; /* empty: the group was not there, or took part in no match */
};

struct log_rule {
    char name[48], file[48];
    enum log_meaning means;
    bool session_is_process; /* `session` is the number of the process that wrote the line */
    bool reply_is_word;      /* in `reply` '_' stands for a space, '/' for the end of a line */
};

struct log_patterns;
struct log_patterns *log_patterns_create(struct error *);
void log_patterns_destroy(struct log_patterns **);

/* Add the rules of one file, named `name` in errors and in struct log_rule. Errors read "NAME:LINE: [rule] key: what is
 * wrong; what is allowed". Rules of files read earlier come first. */
int log_patterns_read(struct log_patterns *, struct text content, const char *name, struct error *) MUST_CHECK;

/* The first rule of that program that the text matches; NULL: none. `fields` point into `text`, and are all empty where
 * there is no rule. */
const struct log_rule *log_patterns_match(struct log_patterns *, struct text program, struct text text,
                                          struct log_fields *fields);

uint64_t log_patterns_exhausted(const struct log_patterns *); /* matches given up at the bound */

#endif
