/* Shipped files that stand inside the program, so that it runs from anywhere with nothing beside it. */
#ifndef AGENT_BUILTIN_H
#define AGENT_BUILTIN_H

#include <stdbool.h>
#include "common/text.h"

/* "sender_access", "recipient_access", "helo_access", "trap_access": what conf/maps holds; "logs/postfix" and
 * others: conf/logs without its endings. */
bool builtin_find(struct text name, struct text *result);
const char *builtin_name(unsigned index); /* NULL behind the last */

#endif
