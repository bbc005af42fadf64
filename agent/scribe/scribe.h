/* The scribe: a process that reads the systemd journal and writes the mail in it to a file, which is then followed like
 * any log (common/io/journal_copy.h). It may read the journal and write to its own directory; it is told nothing after
 * its start and talks to nobody, so that nothing is gained by an entry that breaks the journal's parser. */
#ifndef AGENT_SCRIBE_SCRIBE_H
#define AGENT_SCRIBE_SCRIBE_H

#include "agent/message/role.h"

/* scribe_main() is declared with its like. `start->listener` is a descriptor of the configuration (bundle.h),
 * `start->state` the directory. */

#endif
