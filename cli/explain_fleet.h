/* What a collector knows of a sender: how it stands on each node that saw it, and what would lift that. */
#ifndef CLI_EXPLAIN_FLEET_H
#define CLI_EXPLAIN_FLEET_H

#include <jansson.h>
#include <stdbool.h>

/* `places`: the records "sender", one of each node. */
void explain_fleet(const json_t *places, bool colour);
/* Nothing where it is clear on all of them. */
void explain_fleet_remedy(const json_t *places);

#endif
