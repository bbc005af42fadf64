/* By what the centre knows a node: 32 random bytes that the node makes and keeps, of which the centre is told the hash
 * alone. Written as base64url without padding. */
#ifndef AGENT_COURIER_NODE_SECRET_H
#define AGENT_COURIER_NODE_SECRET_H

#include <stdbool.h>
#include "agent/courier/spool.h"

#define NODE_HASH 65 /* hex of a hash, with its end */

bool node_secret_ready(void); /* the library can be used; before anything else here */
void node_secret_make(char result[SPOOL_SECRET]);
/* BLAKE2b-256 of the 32 bytes, as hex. False: that is no secret. */
bool node_secret_hash(const char *secret, char result[NODE_HASH]);
bool node_is_name(const char *); /* 16 digits of hex; NULL is none */

#endif
