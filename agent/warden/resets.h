/* Cutting an established connection: a TCP reset to each end. The kernel's own reject answers only the guest; the mail
 * server would keep its socket. */
#ifndef AGENT_WARDEN_RESETS_H
#define AGENT_WARDEN_RESETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "agent/message/message.h"
#include "common/error.h"

#define RESET_FRAME_MOST 96

enum reset_end { RESET_TO_CLIENT, RESET_TO_SERVER };

/* The reset as a frame: Ethernet (with the tag, where there is one) when `ethernet`, else from the IP header on.
 * Returns its length. Pure. */
size_t reset_build(const struct message_reset *, enum reset_end, bool ethernet, uint8_t frame[RESET_FRAME_MOST]);

struct resets; /* the sockets that send them */
int resets_open(struct resets **, struct error *) MUST_CHECK;
void resets_close(struct resets **);
/* Out of that interface as a frame, or through the machine's own routing. */
int resets_send_frame(struct resets *, const struct message_reset *, enum reset_end, int interface, bool ethernet,
                      struct error *) MUST_CHECK;
int resets_send_routed(struct resets *, const struct message_reset *, enum reset_end, struct error *) MUST_CHECK;

#endif
