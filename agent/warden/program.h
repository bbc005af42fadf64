/* Which program holds a socket? Its user's processes are looked through, the newest first, within bounds.
 *
 * Other users' descriptors can be read with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH together; without them the user
 * alone is known. */
#ifndef AGENT_WARDEN_PROGRAM_H
#define AGENT_WARDEN_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#define PROGRAM_TEXT 160

/* What a process says of itself is its own invention, so both texts are printable ASCII, and for people.
 *
 * `text`: "/usr/bin/php8.2 in /home/shop/www, script /home/shop/www/mail.php, process 4711". What an interpreter was
 * told to run is called its script where there is such a file, as that process sees it; else "said to run mail.php".
 * `command`: the command line as the process shows it, shortened. */
struct program {
    char text[PROGRAM_TEXT], command[PROGRAM_TEXT];
};

/* False: not found, or (`*denied`) not to be seen with our rights. */
bool program_find(uint32_t user, uint32_t inode, struct program *result, bool *denied);

#endif
