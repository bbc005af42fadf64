/* What the milter tells of a message's content, from the policy socket's form to a message to the watcher. Pure. */
#ifndef AGENT_COURIER_CONTENT_H
#define AGENT_COURIER_CONTENT_H

#include "agent/courier/policy_request.h"
#include "agent/message/message.h"

/* MESSAGE_CONTENT. False: a number is none, or there is no queue id. */
bool content_read(const struct policy_request *, union message *result);

#endif
