/* An entry of the systemd journal as a line of a log:
 *
 *     2026-11-23T14:02:11.120433Z s=9f…;i=2c1;b=…;m=…;t=…;x=… postfix/smtp[811]: 4B1F0: to=<ben@other.test>, ...
 *
 * The entry's cursor stands where other logs have a host's name. An entry always gives the same line, and one line
 * whatever bytes it holds. Which entries are mail, and whose are believed, is decided here too, so that all who read
 * the journal read the same. */
#ifndef COMMON_IO_JOURNAL_LINE_H
#define COMMON_IO_JOURNAL_LINE_H

#include <stdbool.h>
#include <systemd/sd-journal.h>
#include "common/buffer.h"
#include "common/error.h"

#define JOURNAL_LINE_CURSOR  256          /* bytes of a cursor with its NUL; systemd's are about 130 */
#define JOURNAL_LINE_MESSAGE (64U * 1024) /* bytes of a message; what is longer is cut */
#define JOURNAL_LINE_MOST    (JOURNAL_LINE_MESSAGE + JOURNAL_LINE_CURSOR + 256) /* bytes of a line */
#define JOURNAL_LINE_USERS   1000 /* the first uid that is a person's or a customer's */

/* Have the journal give the entries of facility mail and of the programs that log under one of these names (ended by
 * NULL; NULL: none), and no more bytes of a field than a line takes. */
int journal_line_choose(sd_journal *, const char *const *identifiers, struct error *) MUST_CHECK;
/* Whether the entry that the journal stands on was written by a user who is no system user: by the uid that the journal
 * itself notes and nobody can forge. Anybody can log under any name. */
bool journal_line_is_persons(sd_journal *);
/* The line of the entry that the journal stands on, with its newline, in place of what `line` held; the buffer takes
 * JOURNAL_LINE_MOST bytes. */
int journal_line_render(sd_journal *, struct buffer *line, struct error *) MUST_CHECK;

#endif
