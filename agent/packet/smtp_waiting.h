/* The commands that wait for their reply, in order: one byte each while they are few (RFC 2920 lets a client send many
 * at once), runs of the same kind once they are more. So a client that asks for a hundred thousand recipients before it
 * reads the first reply costs four bytes for all of them, and none of the replies is lost. */
#ifndef AGENT_PACKET_SMTP_WAITING_H
#define AGENT_PACKET_SMTP_WAITING_H

#include <assert.h>
#include "agent/packet/smtp_memory.h"
#include "agent/packet/smtp_reply.h"

enum { SMTP_WAITING_FEW = 8, SMTP_DOUBTED = 0x80 };

/* Commands of one kind, one behind the other. */
struct smtp_run {
    uint32_t kind : 8; /* enum smtp_awaited, and SMTP_DOUBTED */
    uint32_t count : 24;
};

struct smtp_waiting {
    union {
        uint8_t few[SMTP_WAITING_FEW]; /* while `room` is 0: kinds */
        struct smtp_run *many;
    };
    uint32_t count; /* commands */
    uint16_t first; /* entry */
    uint16_t runs;  /* entries from there on, where they are many */
    uint16_t room;
    uint32_t kinds; /* a bit for each kind that may stand here: all that do, and some that did */
};
static_assert(AWAITED_KINDS <= 32, "a bit for each");

/* False: SMTP_PIPELINE_MOST runs are reached, or memory. */
bool smtp_waiting_push(struct smtp_waiting *, const struct smtp_listener *, enum smtp_awaited)
    __attribute__((warn_unused_result));

/* The kind of the first; there is one. Here, for each reply asks several times. */
static inline uint8_t smtp_waiting_first_kind(const struct smtp_waiting *waiting)
{
    return waiting->room ? (uint8_t)waiting->many[waiting->first].kind : waiting->few[waiting->first];
}
static inline enum smtp_awaited smtp_waiting_first(const struct smtp_waiting *waiting)
{
    return (enum smtp_awaited)(smtp_waiting_first_kind(waiting) & ~SMTP_DOUBTED);
}
enum smtp_awaited smtp_waiting_second(const struct smtp_waiting *); /* there are two */
enum smtp_awaited smtp_waiting_last(const struct smtp_waiting *);   /* there is one */
void smtp_waiting_pop(struct smtp_waiting *, struct smtp_counters *);
void smtp_waiting_drop_last(struct smtp_waiting *, struct smtp_counters *);
void smtp_waiting_clear(struct smtp_waiting *, struct smtp_counters *);

/* How many stand before the first for whose kind (with SMTP_DOUBTED) the question is answered yes; -1: there is none.
 */
typedef bool smtp_waiting_question(uint8_t kind, const void *context);
int32_t smtp_waiting_find(struct smtp_waiting *, smtp_waiting_question *, const void *context);

/* Replies were lost: any of these may have been answered unseen. */
void smtp_waiting_doubt(struct smtp_waiting *);
static inline bool smtp_waiting_first_is_doubted(const struct smtp_waiting *waiting)
{
    return (smtp_waiting_first_kind(waiting) & SMTP_DOUBTED) != 0;
}
bool smtp_waiting_last_is_doubted(const struct smtp_waiting *);

#endif
