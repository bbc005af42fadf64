/* The sockets at which mail servers ask whether they may take a message. Bounded in clients, in a request's length and
 * in time; a client that does not read its answers is dropped. Whoever may open a socket can hold a part of the
 * places only: where all are taken, the user, or over TCP the address, that holds most of them loses the one that was
 * silent longest. */
#ifndef AGENT_COURIER_POLICY_H
#define AGENT_COURIER_POLICY_H

#include <stdint.h>
#include <systemd/sd-event.h>
#include "agent/courier/policy_request.h"
#include "common/address.h"
#include "common/moment.h"

#define POLICY_ACTION       240
#define POLICY_CLIENTS_MOST 512
#define POLICY_PATIENCE     (10 * SECOND) /* for the rest of a request */
#define POLICY_LISTENERS    5             /* a local one and four over TCP */
#define POLICY_IDLE         (20 * MINUTE) /* between two: Postfix itself leaves after 5 */

struct policy;

/* Answer a question: `action` is what stands behind "action=", one line of plain characters; it is "DUNNO" at first. */
typedef void policy_answerer(void *context, const struct policy_request *, char action[POLICY_ACTION]);

int policy_open(sd_event *, struct policy **result, struct error *) MUST_CHECK;
/* `listener` is a listening socket, borrowed; at most POLICY_LISTENERS of them. Over TCP only those may ask of whom the
 * one that was given says so. */
int policy_listen(struct policy *, int listener, struct error *) MUST_CHECK;
void policy_admit_by(struct policy *, bool (*may_ask)(void *context, const struct address *), void *context);
/* Who answers questions of a kind; one that nobody answers is answered with "DUNNO". */
void policy_answer_by(struct policy *, enum policy_kind, policy_answerer *, void *context);
void policy_close(struct policy **);
void policy_tick(struct policy *); /* once a second */
uint32_t policy_clients(const struct policy *);
uint64_t policy_malformed(const struct policy *); /* clients that did not speak the protocol */
uint64_t policy_strangers(const struct policy *); /* that came over TCP and may not ask */

#endif
