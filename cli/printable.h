/* What a terminal is shown of texts that others chose. */
#ifndef CLI_PRINTABLE_H
#define CLI_PRINTABLE_H

#include <jansson.h>
#include <stdbool.h>

#include "common/text.h"

/* In every text of the record a character that a terminal would obey, or that turns the order of those around it,
 * becomes a question mark. The lines of settings stay lines. */
void printable_make(json_t *record);
/* Whether a terminal may be given these bytes as they are. */
bool printable_is(struct text);

#endif
