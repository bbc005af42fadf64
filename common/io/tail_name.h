/* Which names a rotated log file bears. Pure: names only. */
#ifndef COMMON_IO_TAIL_NAME_H
#define COMMON_IO_TAIL_NAME_H

#include <stdbool.h>

/* Whether `name` is what rotation makes of `base` (both without their folders): "mail.log" becomes mail.log.1,
 * mail.log-20261125, mail.log.2.gz, mail.log.old, mail-20261125.log (logrotate's `extension`), or of "current"
 * multilog's @4000000065.s. */
bool tail_name_is_sibling(const char *name, const char *base);

/* Whether `name` looks like a rotated or compressed file of whatever base, so that a glob that takes it in does not
 * make it a source of its own: mail.log.1, mail.log.2.gz, mail.log-20261125, @4000000065.s. A date in front of the
 * extension (mail-20261125.log) does not: there are programs whose living file bears one. */
bool tail_name_is_rotated(const char *name);

#endif
