/* The socket at which mail servers ask whether they may take a message. Bounded in clients, in a request's length and
 * in time; a client that does not read its answers is dropped. Whoever may open the socket can hold a part of the
 * places only: where all are taken, the user that holds most of them loses the one that was silent longest. */
#ifndef AGENT_COURIER_POLICY_H
#define AGENT_COURIER_POLICY_H

#include <stdint.h>
#include <systemd/sd-event.h>
#include "agent/courier/accounts.h"

#define POLICY_CLIENTS_MOST 256
#define POLICY_PATIENCE     (10 * SECOND) /* for the rest of a request */
#define POLICY_IDLE         (20 * MINUTE) /* between two: Postfix itself leaves after 5 */

struct policy;

/* `listener` is a listening socket, borrowed, as are the accounts. */
int policy_open(sd_event *, int listener, struct accounts *, struct policy **result, struct error *) MUST_CHECK;
void policy_close(struct policy **);
void policy_tick(struct policy *); /* once a second */
uint32_t policy_clients(const struct policy *);
uint64_t policy_malformed(const struct policy *); /* clients that did not speak the protocol */

#endif
