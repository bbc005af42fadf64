/* What shall be done once, however often it is asked for: by a client that never got the answer, at this collector or
 * at another, or by this one, whose commit may have happened or not. A request has a name (exchange->name): the
 * client's, in the header Idempotency-Key, or one that is made here. Who asked, the name and what came of it are one
 * row. */
#ifndef COLLECTOR_API_ONCE_H
#define COLLECTOR_API_ONCE_H

#include "collector/api/exchange.h"
#include "collector/store/store.h"
#include "common/error.h"

#define ONCE_LEAST 16 /* characters of a name */

/* The name that the client gave (NULL: none, so one is made); false: it is none. */
bool once_name(struct exchange *, const char *given);
/* 1: it was done before, and is answered as it was then, or refused, where it was another request of the same name. 0:
 * not yet. */
int once_was_done(struct store *, struct exchange *, struct error *) MUST_CHECK;
/* It is done now, in this transaction: answers with the revision that it was given. */
int once_done(struct store *, struct exchange *, int64_t revision, struct error *) MUST_CHECK;

#endif
