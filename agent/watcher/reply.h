/* What the watcher tells the courier: rows about senders, and its own state. */
#ifndef AGENT_WATCHER_REPLY_H
#define AGENT_WATCHER_REPLY_H

#include "agent/message/talk.h"
#include "agent/watcher/mind.h"

#define REPLY_SENDERS_MOST 1000

/* The senders with the greatest scores, at most `most`, and END. */
void reply_senders(struct talk *, struct mind *, uint32_t question, uint32_t most, moment now);
/* The customers whose senders have the greatest scores, at most `most`, and END. */
void reply_customers(struct talk *, struct mind *, uint32_t question, uint32_t most, moment now);
/* One sender with its evidence, and END. */
void reply_explain(struct talk *, struct mind *, uint32_t question, const struct sender *, moment now);
/* Carry out what a person ordered, and say how it went. */
void reply_command(struct talk *, struct mind *, const struct message_command *, moment now);

#endif
