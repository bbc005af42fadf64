/* Bytes of one direction that could not be used yet: the beginning of a line whose end is in a segment to come, or what
 * waits for the other direction. Whole lines are never copied here. */
#ifndef AGENT_PACKET_SMTP_PENDING_H
#define AGENT_PACKET_SMTP_PENDING_H

#include "agent/packet/smtp.h"

struct smtp_pending {
    char *bytes;
    uint16_t start, length, room;
    bool cut; /* it is a line whose rest is passed over */
};

static inline bool smtp_pending_is_empty(const struct smtp_pending *pending)
{
    return pending->length == 0 && !pending->cut;
}

static inline struct text smtp_pending_text(const struct smtp_pending *pending)
{
    return pending->bytes ? (struct text){pending->bytes + pending->start, pending->length} : (struct text){"", 0};
}

/* Move the front of `input` here: up to its first LF, at most `most` in all; the rest of a longer line is passed over
 * up to, but without, its LF, which is kept so that the line ends. */
void smtp_pending_add_line(struct smtp_pending *, const struct smtp_listener *, struct text *input, size_t most);
/* The same without regard to lines: as much as fits. */
void smtp_pending_add(struct smtp_pending *, const struct smtp_listener *, struct text *input, size_t most);
void smtp_pending_drop_front(struct smtp_pending *, struct smtp_counters *, size_t);
void smtp_pending_clear(struct smtp_pending *, struct smtp_counters *); /* wiped: it may have held a password */

#endif
