/* The desk: what people ask on the control socket, and what the centre orders, is carried to the watcher and the
 * warden, and their answers are carried back. A question to another process carries a number; its rows come back with
 * it and go straight into the asker's output. */
#ifndef AGENT_COURIER_DESK_H
#define AGENT_COURIER_DESK_H

#include "agent/courier/courier.h"

/* The control socket's listener, over a struct courier. */
void desk_asked(void *courier, struct client *, const struct request *);
void desk_room(void *courier, struct client *);
void desk_gone(void *courier, struct client *);
/* The uplink's. */
void desk_carry_out(void *courier, const struct directive *);

void desk_follow(void *courier, struct client *); /* entries were committed: show them to who follows */
bool desk_is_answer(const union message *);
void desk_take(struct courier *, enum role from, const union message *);
void desk_lost(struct courier *, enum role);        /* it will not answer any more */
void desk_give_up(struct courier *, moment before); /* on the steady clock: whoever was asked before that is late */

#endif
