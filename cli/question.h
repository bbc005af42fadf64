/* What every verb does: ask, take the records one by one, report a failure once. */
#ifndef CLI_QUESTION_H
#define CLI_QUESTION_H

#include "cli/command.h"
#include "cli/connection.h"
#include "common/moment.h"

/* Ask `question` (taken) and hand each record to `each` (may be NULL). With cli->json the lines go to standard output
 * as they came and `each` is not called. Returns an exit status; has said what went wrong. */
int question_ask(const struct cli *, json_t *question, void (*each)(void *context, const json_t *record),
                 void *context);

/* A time as in RFC 3339, or how long ago: "1h". False: it is neither. */
bool question_time(const char *word, char result[MOMENT_TEXT]);

#endif
