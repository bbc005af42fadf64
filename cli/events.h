/* One entry of the journal as a line for people. */
#ifndef CLI_EVENTS_H
#define CLI_EVENTS_H

#include <jansson.h>
#include <stdbool.h>

void event_print(const json_t *record, bool colour);

#endif
