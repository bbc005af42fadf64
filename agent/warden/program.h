/* Which program holds a socket? Its user's processes are looked through, the newest first, within bounds.
 *
 * Other users' descriptors can be read with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH together; without them the user
 * alone is known. */
#ifndef AGENT_WARDEN_PROGRAM_H
#define AGENT_WARDEN_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#define PROGRAM_TEXT 160

/* "/usr/bin/php8.2 in /home/shop/www, script mail.php, process 4711": printable ASCII, for people. What the process was
 * told to run is called its script where there is such a file, as that process sees it; else "said to run mail.php",
 * for a process can write into its arguments what it likes. False: not found, or
 * (`*denied`) not to be seen with our rights. */
bool program_find(uint32_t user, uint32_t inode, char result[PROGRAM_TEXT], bool *denied);

#endif
