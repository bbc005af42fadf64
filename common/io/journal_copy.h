/* The mail in the systemd journal as a log file: each entry becomes one line, once, however often this is killed.
 *
 *     2026-11-23T14:02:11.120433Z s=9f…;i=2c1;b=…;m=…;t=…;x=… postfix/smtp[811]: 4B1F0: to=<ben@other.test>, ...
 *
 * Where a host's name stands in other logs stands the entry's cursor (journal_line.h), so that the file itself says
 * where to go on: from the cursor of its last whole line. Of a line that was written in part the rest is written, since
 * an entry always gives the same line. Nothing else has to be kept, and whoever follows files (tail.h) needs to know
 * nothing of journals.
 *
 * Every local user can write to the journal what he likes, under any name. So it is read where nothing is to be gained,
 * and entries by users who are no system users are left out. The file is bounded: when full it is renamed, and the
 * oldest of four is dropped. */
#ifndef COMMON_IO_JOURNAL_COPY_H
#define COMMON_IO_JOURNAL_COPY_H

#include <stdbool.h>
#include <stdint.h>
#include "common/error.h"

#define JOURNAL_COPY_NAME  "journal.log"
#define JOURNAL_COPY_FILES 4                   /* journal.log, journal.log.1 to .3 */
#define JOURNAL_COPY_SIZE  (UINT64_C(8) << 20) /* bytes of one file, where nobody says another */

struct journal_copy_settings {
    const char *folder;             /* with journal files; NULL: this machine's own journal */
    const char *const *identifiers; /* read beside facility mail: names that programs log under; ended by NULL */
    uint64_t size;                  /* bytes of one file */
};

struct journal_copy_counters {
    uint64_t copied, left_out; /* entries; of users who are no system users */
    uint64_t missed;           /* times that the journal had dropped the entry behind which we went on */
};

struct journal_copy;
/* `into`: a directory that we may write to; taken. Begins behind the last line there, or, without one, at the journal's
 * end: what was logged before is nobody's news. */
int journal_copy_open(const struct journal_copy_settings *, int into, struct journal_copy **result,
                      struct error *) MUST_CHECK;
void journal_copy_close(struct journal_copy **);

/* Whether there is any file of the journal that we may read. */
bool journal_copy_sees(const struct journal_copy *);
/* What to wait on (EPOLLIN), and at most how long, in milliseconds. */
int journal_copy_descriptor(const struct journal_copy *);
#define JOURNAL_COPY_WAIT 1000
/* Copy what there is, a bounded number of entries. 1: there is more; 0: not now. After a failure (a full disk, a
 * journal that cannot be read) nothing is lost: call it again later. */
int journal_copy_step(struct journal_copy *, struct error *) MUST_CHECK;
struct journal_copy_counters journal_copy_counters(const struct journal_copy *);

#endif
