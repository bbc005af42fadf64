/* The verbs behind `postern alerts`. `arguments[0]` is the verb; each returns an exit status. */
#ifndef CLI_ALERTS_H
#define CLI_ALERTS_H

#include "cli/command.h"

int alerts_list(const struct cli *, int count, char **arguments);
int alerts_close(const struct cli *, int count, char **arguments);
int alerts_test(const struct cli *, int count, char **arguments);
int alerts_silence(const struct cli *, int count, char **arguments);
int alerts_silences(const struct cli *, int count, char **arguments);
int alerts_sent(const struct cli *, int count, char **arguments);
int alerts_again(const struct cli *, int count, char **arguments);
int alerts_unsilence(const struct cli *, int count, char **arguments);

#endif
