/* XXH3-128 of content that streams by (Collet, xxHash), and its likeness. Not for secrecy: the one tells equal bodies
 * from different ones, the other finds those that are nearly equal. */
#ifndef AGENT_PACKET_SMTP_DIGEST_H
#define AGENT_PACKET_SMTP_DIGEST_H

#include "agent/packet/smtp_memory.h"
#include "common/words/likeness.h"

struct smtp_digest;

/* Content begins that is kept as well (smtp_samples.h). False: memory is refused, and nothing was begun. */
bool smtp_digest_begin(struct smtp_digest **digest, const struct smtp_listener *, uint32_t sample);
/* *digest is NULL at first. False: memory is refused, and these bytes are missing from it. */
bool smtp_digest_add(struct smtp_digest **digest, const struct smtp_listener *, const char *bytes, size_t length);
/* Bytes are missing from here on: the likeness is that of what came before, and nothing more is kept. `digest` may be
 * NULL. */
void smtp_digest_gap(struct smtp_digest *digest);
/* result[0]: the low 64 bits; of no bytes where *digest is NULL. Frees it.
 * `sample`: what was kept, the caller's now; 0: nothing. NULL: it is let go. */
void smtp_digest_finish(struct smtp_digest **digest, struct smtp_counters *, uint64_t result[2], struct likeness *,
                        uint32_t *sample);

#endif
