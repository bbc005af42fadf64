/* XXH3-128 of content that streams by (Collet, xxHash). Not for secrecy: it tells equal bodies from different ones. */
#ifndef AGENT_PACKET_SMTP_DIGEST_H
#define AGENT_PACKET_SMTP_DIGEST_H

#include "agent/packet/smtp_memory.h"

struct smtp_digest;

/* *digest is NULL at first. False: memory is refused, and these bytes are missing from it. */
bool smtp_digest_add(struct smtp_digest **digest, const struct smtp_listener *, const char *bytes, size_t length);
/* result[0]: the low 64 bits; of no bytes where *digest is NULL. Frees it. */
void smtp_digest_finish(struct smtp_digest **digest, struct smtp_counters *, uint64_t result[2]);

#endif
