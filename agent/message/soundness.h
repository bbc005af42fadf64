/* What the receiver of a message checks beyond its size and direction: that numbers are within their ranges and texts
 * end. One check a kind, in one table. */
#ifndef AGENT_MESSAGE_SOUNDNESS_H
#define AGENT_MESSAGE_SOUNDNESS_H

#include <stdbool.h>
#include "agent/message/message.h"

/* Its kind must be one, and its size that kind's. */
bool soundness_holds(const union message *);

#endif
