/* The thread that reckons: a store of its own, so that the way of records does not wait for it. Several collectors on
 * one store each have one; the store's lease says whose turn it is. */
#ifndef COLLECTOR_API_RECKONER_H
#define COLLECTOR_API_RECKONER_H

#include "collector/store/reckon.h"
#include "common/error.h"

struct reckoner;
/* The store that `where` names is opened by the thread, and again when its server was away. */
int reckoner_create(const char *where, struct reckoner **result, struct error *) MUST_CHECK;
void reckoner_destroy(struct reckoner **);        /* after the round that is under way */
int reckoner_descriptor(const struct reckoner *); /* readable when there are news for nodes */
void reckoner_taken(struct reckoner *);           /* and not any more */

#endif
