/* The journal: everything that a person may later ask about, durable on the node: verdicts with their evidence, what
 * people ordered and why, restarts, drops, repairs. Each entry is the JSON line that is shown, beside what it is
 * searched by. Bounded: the oldest entries give way. */
#ifndef AGENT_COURIER_JOURNAL_H
#define AGENT_COURIER_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>
#include "common/error.h"
#include "common/moment.h"
#include "common/text.h"

struct journal;

struct journal_entry {
    int64_t id; /* rising; given by the journal */
    moment time;
    const char *kind;   /* "verdict", "evidence", "command", "restart", ... */
    const char *sender; /* as sender_print() writes it; "" where it is about none */
    struct text line;   /* one JSON object with its newline */
};

/* `entries`: how many are kept. Its file is not open yet: entries wait in memory until it is. */
int journal_create(const char *path, uint64_t entries, struct journal **result, struct error *) MUST_CHECK;
/* May be called until it succeeds. A damaged file is moved aside and said in `*moved_aside`. */
int journal_open(struct journal *, bool *moved_aside, struct error *) MUST_CHECK;
bool journal_is_open(const struct journal *);
void journal_close(struct journal **);

/* Entries are durable when journal_commit() has returned 0. After a failure (a full disk) what was added since the last
 * commit is kept in memory, up to a bound, and tried again with the next commit. */
void journal_add(struct journal *, const struct journal_entry *);
int journal_commit(struct journal *, struct error *) MUST_CHECK;
uint64_t journal_lost(const struct journal *);    /* entries given up because memory's bound was met */
uint32_t journal_waiting(const struct journal *); /* entries that wait for a commit */
bool journal_is_behind(const struct journal *);   /* something waits for a commit */

/* Call back for up to `most` committed entries with an id above `after` and a time not before `since`, oldest first;
 * `sender` (may be NULL) picks one sender's. Returns how many, or a negative errno. */
int journal_read(struct journal *, int64_t after, moment since, const char *sender, uint32_t most,
                 void (*each)(void *context, const struct journal_entry *), void *context, struct error *) MUST_CHECK;
/* The id above which the newest `most` entries of that sender lie (0: all of them). */
int64_t journal_newest(struct journal *, const char *sender, uint32_t most);

#endif
