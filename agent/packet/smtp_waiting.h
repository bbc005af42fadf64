/* The commands that wait for their reply, in order: one byte each (RFC 2920 lets a client send many at once). */
#ifndef AGENT_PACKET_SMTP_WAITING_H
#define AGENT_PACKET_SMTP_WAITING_H

#include "agent/packet/smtp_memory.h"
#include "agent/packet/smtp_reply.h"

enum { SMTP_WAITING_FEW = 8, SMTP_DOUBTED = 0x80 };

struct smtp_waiting {
    union {
        uint8_t few[SMTP_WAITING_FEW]; /* while `room` is 0 */
        uint8_t *many;
    };
    uint16_t first, count, room;
};

/* False: SMTP_PIPELINE_MOST or memory is reached. */
bool smtp_waiting_push(struct smtp_waiting *, const struct smtp_listener *, enum smtp_awaited)
    __attribute__((warn_unused_result));
/* 0: the one to be answered next. Here, for each reply asks four times. */
static inline enum smtp_awaited smtp_waiting_at(const struct smtp_waiting *waiting, uint32_t index)
{
    const uint8_t *all = waiting->room ? waiting->many : waiting->few;
    return (enum smtp_awaited)(all[waiting->first + index] & ~SMTP_DOUBTED);
}
void smtp_waiting_pop(struct smtp_waiting *, struct smtp_counters *);
void smtp_waiting_drop_last(struct smtp_waiting *, struct smtp_counters *);
void smtp_waiting_clear(struct smtp_waiting *, struct smtp_counters *);

/* Replies were lost: any of these may have been answered unseen. */
void smtp_waiting_doubt(struct smtp_waiting *);
static inline bool smtp_waiting_is_doubted(const struct smtp_waiting *waiting, uint32_t index)
{
    const uint8_t *all = waiting->room ? waiting->many : waiting->few;
    return (all[waiting->first + index] & SMTP_DOUBTED) != 0;
}

#endif
