/* What a person orders of a customer comes here at once, not by the watcher: it judges senders, and knows no more of a
 * customer. The answer says what the order holds. */
#ifndef AGENT_WARDEN_CUSTOMER_COMMAND_H
#define AGENT_WARDEN_CUSTOMER_COMMAND_H

#include "agent/warden/enforcement.h"
#include "agent/warden/held_sentence.h"

/* Carry out; `order` is what was ordered. Negative: it was not, and the error says why. */
int customer_command(struct enforcement *, const struct message_command *, moment now, struct order *order,
                     char text[HELD_SENTENCE], struct error *) MUST_CHECK;
/* Of a customer on which an order stands: what that holds; else empty. */
void customer_explain(struct enforcement *, const struct sender *, moment now, char text[HELD_SENTENCE]);

#endif
