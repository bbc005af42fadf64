/* What is shared by the endpoints that people ask. */
#ifndef COLLECTOR_API_PERSON_H
#define COLLECTOR_API_PERSON_H

#include <jansson.h>

#include "collector/api/exchange.h"
#include "collector/store/store.h"
#include "common/error.h"

/* The body as one JSON object; NULL: it is none. The caller drops it (body_drop). */
json_t *body_read(const struct exchange *);
void body_drop(json_t **);
/* Who did what, in the same transaction as the deed. */
int audit_note(struct store *, const struct exchange *, const char *deed, const char *target, const char *reason,
               struct error *) MUST_CHECK;

#endif
