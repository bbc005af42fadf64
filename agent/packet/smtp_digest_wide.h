/* XXH3-128 on processors with 32-byte registers. Private to smtp_digest.c. */
#ifndef AGENT_PACKET_SMTP_DIGEST_WIDE_H
#define AGENT_PACKET_SMTP_DIGEST_WIDE_H

#include <stdbool.h>
#include <stddef.h>

bool smtp_digest_can_be_wide(void);
/* `state`: an XXH3_state_t. Only where smtp_digest_can_be_wide(). */
void smtp_digest_add_wide(void *state, const char *bytes, size_t length);

#endif
