/* Complaints as a collector has them: what stands, one of them, and that somebody was done with it. */
#ifndef CLI_COMPLAINTS_SHOWN_H
#define CLI_COMPLAINTS_SHOWN_H

#include "cli/command.h"

/* `arguments[0]` is the word behind "complaints". Each returns an exit status and has said what went wrong. */
int complaints_list(const struct cli *, int count, char **arguments);
int complaints_show(const struct cli *, int count, char **arguments);
int complaints_done(const struct cli *, int count, char **arguments);

#endif
