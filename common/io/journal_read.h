/* The mail in journal files from first to last, as lines of a log: for looking at them, where journal_copy.h follows
 * them. */
#ifndef COMMON_IO_JOURNAL_READ_H
#define COMMON_IO_JOURNAL_READ_H

#include <stdbool.h>
#include "common/error.h"
#include "common/text.h"

/* Whether `path` is a folder, or a file that begins as files of the systemd journal do. */
bool journal_read_is(const char *path);

struct journal_read;
/* Open a journal file, or all of a folder, to read facility mail and the programs that log under one of `identifiers`
 * (ended by NULL). */
int journal_read_open(const char *path, const char *const *identifiers, struct journal_read **result,
                      struct error *) MUST_CHECK;
void journal_read_close(struct journal_read **);
/* The next entry's line, with its newline; entries by users who are no system users are passed over (journal_line.h).
 * 1: `*line` is one, until the next call; 0: there is none behind. */
int journal_read_next(struct journal_read *, struct text *line, struct error *) MUST_CHECK;

#endif
