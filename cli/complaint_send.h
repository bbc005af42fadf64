/* A complaint of our own about a message, sent to another abuse desk by the collector, or shown. */
#ifndef CLI_COMPLAINT_SEND_H
#define CLI_COMPLAINT_SEND_H

#include "cli/command.h"

/* `arguments[0]` is "send". Returns an exit status and has said what went wrong. */
int complaint_send(const struct cli *, int count, char **arguments);

#endif
