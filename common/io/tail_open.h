/* Opening a log file with rights where others may put things into its place.
 *
 * Folders of logs often belong to the program that logs, and whoever took that program over may place there what he
 * likes: a FIFO that stops the opener, a device that acts when opened, a link to a file that only root may read. So:
 *
 *   - Only regular files are opened. What it is is asked of a descriptor that gives no access (O_PATH); what was opened
 *     after that must be the same device and inode. O_NONBLOCK and O_NOCTTY take the sting out of a change in between.
 *   - O_NOFOLLOW alone would refuse honest links ("current" names the file of the day). A link is followed if it
 * belongs to root or to us, or if the file in which it ends belongs to the owner of the link, who could read it anyway.
 * The owners are asked of descriptors, link for link, so nothing can be exchanged in between. Folders on the way are
 *     resolved as always: who follows /home/x/logs/a.log trusts x.
 *   - A second hard link to a file of others is the business of the kernel (fs.protected_hardlinks, on by default). */
#ifndef COMMON_IO_TAIL_OPEN_H
#define COMMON_IO_TAIL_OPEN_H

#include <sys/stat.h>
#include "common/error.h"

/* Open `name` in the open folder. Returns a descriptor for reading, of which `*status` is told. Errors: ENOENT; EACCES
 * and whatever open() says; EINVAL: no regular file; EPERM: a link that is not to be trusted; ELOOP: too many links;
 * EAGAIN: exchanged while it was opened, try again. The sentence names no folder. */
int tail_open(int folder, const char *name, struct stat *status, struct error *) MUST_CHECK;

#endif
