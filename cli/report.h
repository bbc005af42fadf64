/* Tables of `postern report`: over any time, as columns, CSV or JSON. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "cli/command.h"

/* `arguments[0]`: "top", "hours", "days", "rules", "viruses", "scores", "list". */
int report_table(const struct cli *, int count, char **arguments);
bool report_is_table(const char *word);

#endif
