/* Done to the store directly, whether or not the collector runs: the first token, the first person. */
#ifndef COLLECTOR_MANAGE_H
#define COLLECTOR_MANAGE_H

#include "collector/settings.h"

/* Print the secret once; the exit status. */
int manage_token(const struct collector_settings *, const char *name, duration good_for);
int manage_person(const struct collector_settings *, const char *name, unsigned may);

#endif
