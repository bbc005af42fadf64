/* What the agent answers: messages of the watcher and the warden as JSON records, the form that scripts and `postern`
 * read. */
#ifndef AGENT_COURIER_ANSWER_H
#define AGENT_COURIER_ANSWER_H

#include <stdbool.h>
#include "agent/courier/relay_store.h"
#include "agent/message/message.h"
#include "agent/relay/decision.h"
#include "common/buffer.h"

/* Each adds one line; false: the buffer's bound was met. */
bool answer_sender(struct buffer *, const struct message_sender_row *);
bool answer_customer(struct buffer *, const struct message_customer_row *);
bool answer_evidence_row(struct buffer *, const struct evidence *);
/* `act`: what mail servers were told of it, where they can ask about such a sender and that is known; else NULL. */
bool answer_order(struct buffer *, const struct message_order_row *, const struct act *);
/* For the collector: an order that stands or was released; and before the first, that all that stand follow. */
bool answer_order_told(struct buffer *, const struct order *, moment now);
bool answer_orders_begin(struct buffer *, moment now);
/* What mail servers were told of it, and what stands against it in the fleet (NULL: nothing). */
bool answer_submission(struct buffer *, const struct sender *, const struct act *, const struct stored_standing *,
                       const struct relay_counters *);
bool answer_status_watcher(struct buffer *, const struct message_status_watcher *);
bool answer_status_warden(struct buffer *, const struct message_status_warden *);
struct answer_policy {
    bool open; /* there is a socket to ask at */
    uint32_t clients;
    uint64_t malformed, strangers;    /* strangers: over TCP, who may not ask */
    uint32_t orders, fleet, greylist; /* of this node and of the fleet that stand; what the greylist knows */
    const struct relay_counters *counters;
};
bool answer_status_policy(struct buffer *, const struct answer_policy *);
bool answer_text(struct buffer *, const char *text);    /* what was done, as a sentence */
bool answer_done(struct buffer *, const char *failure); /* the last line; NULL: it went well */

/* Journal entries. */
#define ANSWER_EVIDENCE_MOST 24
bool answer_verdict(struct buffer *, const struct message_verdict *, const struct evidence *, uint32_t evidence_count);
bool answer_evidence(struct buffer *, const struct message_evidence *);
bool answer_traffic(struct buffer *, const struct message_traffic *);
bool answer_body(struct buffer *, const struct message_body *);
bool answer_points(struct buffer *, const struct message_points *);
/* What mail servers were told from `begin` on, for so long: how many messages they were to refuse, put off, divert. */
bool answer_stopped(struct buffer *, moment begin, uint32_t seconds, const struct relay_counters *);
/* `sender`: whom it is about; NULL: nobody. */
bool answer_event(struct buffer *, const struct message_event *, const struct sender *sender);
bool answer_command(struct buffer *, moment, const char *deed, const char *sender, const char *length,
                    const char *person, const char *why);

#endif
