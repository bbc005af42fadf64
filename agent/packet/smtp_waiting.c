/* Eight stand in the dialogue itself, which is all that a client without pipelining ever needs; more take a piece of
 * heap, given back when the last is answered. */
#include "agent/packet/smtp_waiting.h"

static uint8_t *entries(struct smtp_waiting *waiting)
{
    return (waiting->room ? waiting->many : waiting->few) + waiting->first;
}

static bool make_room(struct smtp_waiting *waiting, const struct smtp_listener *listener)
{
    uint32_t room = waiting->room ? waiting->room : SMTP_WAITING_FEW;
    if (waiting->first + waiting->count < room)
        return true;
    if (waiting->first >= room / 2) {
        uint8_t *all = waiting->room ? waiting->many : waiting->few;
        memmove(all, all + waiting->first, waiting->count);
        waiting->first = 0;
        return true;
    }
    uint32_t more = waiting->room ? room * 2 : 64;
    uint8_t *many = smtp_memory_grow(listener, waiting->room ? waiting->many : NULL, waiting->room, more);
    if (!many)
        return false;
    if (!waiting->room)
        memcpy(many, waiting->few, sizeof waiting->few);
    waiting->many = many;
    waiting->room = (uint16_t)more;
    return true;
}

bool smtp_waiting_push(struct smtp_waiting *waiting, const struct smtp_listener *listener, enum smtp_awaited awaited)
{
    if (waiting->count >= SMTP_PIPELINE_MOST || !make_room(waiting, listener))
        return false;
    entries(waiting)[waiting->count++] = (uint8_t)awaited;
    return true;
}

void smtp_waiting_doubt(struct smtp_waiting *waiting)
{
    uint8_t *all = entries(waiting);
    for (uint32_t i = 0; i < waiting->count; i++)
        all[i] |= SMTP_DOUBTED;
}

void smtp_waiting_clear(struct smtp_waiting *waiting, struct smtp_counters *counters)
{
    if (waiting->room)
        smtp_memory_free(counters, waiting->many, waiting->room);
    *waiting = (struct smtp_waiting){0};
}

void smtp_waiting_pop(struct smtp_waiting *waiting, struct smtp_counters *counters)
{
    waiting->first++;
    if (--waiting->count == 0)
        smtp_waiting_clear(waiting, counters);
}

void smtp_waiting_drop_last(struct smtp_waiting *waiting, struct smtp_counters *counters)
{
    if (--waiting->count == 0)
        smtp_waiting_clear(waiting, counters);
}
