/* Eight stand in the dialogue itself, which is all that a client without pipelining ever needs; more take a piece of
 * heap, given back when the last is answered. */
#include "agent/packet/smtp_waiting.h"

enum { RUN_MOST = (1 << 24) - 1, RUNS_FIRST = 16 };

static uint32_t entries(const struct smtp_waiting *waiting)
{
    return waiting->room ? waiting->runs : waiting->count;
}

static struct smtp_run entry_at(const struct smtp_waiting *waiting, uint32_t index)
{
    return waiting->room ? waiting->many[waiting->first + index]
                         : (struct smtp_run){waiting->few[waiting->first + index], 1};
}

static uint8_t last_kind(const struct smtp_waiting *waiting)
{
    return (uint8_t)entry_at(waiting, entries(waiting) - 1).kind;
}

/* The few become many: the same, as runs. */
static bool spread(struct smtp_waiting *waiting, const struct smtp_listener *listener)
{
    struct smtp_run *many = smtp_memory_grow(listener, NULL, 0, RUNS_FIRST * sizeof *many);
    if (!many)
        return false;
    uint16_t runs = 0;
    for (uint32_t i = 0; i < waiting->count; i++) {
        uint8_t kind = waiting->few[waiting->first + i];
        if (runs > 0 && many[runs - 1].kind == kind)
            many[runs - 1].count++;
        else
            many[runs++] = (struct smtp_run){kind, 1};
    }
    waiting->many = many;
    waiting->first = 0;
    waiting->runs = runs;
    waiting->room = RUNS_FIRST;
    return true;
}

/* Room for one more entry. */
static bool make_room(struct smtp_waiting *waiting, const struct smtp_listener *listener)
{
    uint32_t room = waiting->room ? waiting->room : SMTP_WAITING_FEW;
    if (waiting->first + entries(waiting) < room)
        return true;
    if (waiting->first >= room / 2) {
        if (waiting->room)
            memmove(waiting->many, waiting->many + waiting->first, waiting->runs * sizeof *waiting->many);
        else
            memmove(waiting->few, waiting->few + waiting->first, waiting->count);
        waiting->first = 0;
        return true;
    }
    if (!waiting->room)
        return spread(waiting, listener);
    struct smtp_run *many = smtp_memory_grow(listener, waiting->many, room * sizeof *many, room * 2 * sizeof *many);
    if (!many)
        return false;
    waiting->many = many;
    waiting->room = (uint16_t)(room * 2);
    return true;
}

bool smtp_waiting_push(struct smtp_waiting *waiting, const struct smtp_listener *listener, enum smtp_awaited awaited)
{
    bool fits = !waiting->room && waiting->first + waiting->count < SMTP_WAITING_FEW;
    if (!fits && !waiting->room && !make_room(waiting, listener))
        return false;
    waiting->kinds |= UINT32_C(1) << awaited;
    if (!waiting->room) {
        waiting->few[waiting->first + waiting->count++] = (uint8_t)awaited;
        return true;
    }
    struct smtp_run *last = waiting->runs > 0 ? &waiting->many[waiting->first + waiting->runs - 1] : NULL;
    if (last && last->kind == awaited && last->count < RUN_MOST) {
        last->count++;
        waiting->count++;
        return true;
    }
    if (waiting->runs >= SMTP_PIPELINE_MOST || !make_room(waiting, listener))
        return false;
    waiting->many[waiting->first + waiting->runs++] = (struct smtp_run){awaited, 1};
    waiting->count++;
    return true;
}

enum smtp_awaited smtp_waiting_second(const struct smtp_waiting *waiting)
{
    struct smtp_run first = entry_at(waiting, 0);
    uint32_t kind = first.count > 1 ? first.kind : entry_at(waiting, 1).kind;
    return (enum smtp_awaited)(kind & ~(uint32_t)SMTP_DOUBTED);
}

enum smtp_awaited smtp_waiting_last(const struct smtp_waiting *waiting)
{
    return (enum smtp_awaited)(last_kind(waiting) & ~SMTP_DOUBTED);
}

bool smtp_waiting_last_is_doubted(const struct smtp_waiting *waiting)
{
    return (last_kind(waiting) & SMTP_DOUBTED) != 0;
}

/* Whether one of the kinds that may stand here is asked for. */
static bool may_have(const struct smtp_waiting *waiting, smtp_waiting_question *question, const void *context)
{
    for (uint32_t kinds = waiting->kinds; kinds != 0; kinds &= kinds - 1) {
        uint8_t kind = (uint8_t)__builtin_ctz(kinds);
        if (question(kind, context) || question(kind | SMTP_DOUBTED, context))
            return true;
    }
    return false;
}

/* Both ends may be one hand's: a client that leaves a thousand runs waiting, and a server that sends replies of four
 * bytes which none of them can get. To look through all runs once is enough to know what is not among them. */
int32_t smtp_waiting_find(struct smtp_waiting *waiting, smtp_waiting_question *question, const void *context)
{
    uint32_t before = 0, kinds = 0;
    if (waiting->room && !may_have(waiting, question, context))
        return -1;
    for (uint32_t i = 0; i < entries(waiting); i++) {
        struct smtp_run run = entry_at(waiting, i);
        if (question((uint8_t)run.kind, context))
            return (int32_t)before;
        before += run.count;
        kinds |= UINT32_C(1) << (run.kind & ~(uint32_t)SMTP_DOUBTED);
    }
    waiting->kinds = kinds;
    return -1;
}

void smtp_waiting_doubt(struct smtp_waiting *waiting)
{
    for (uint32_t i = 0; i < entries(waiting); i++) {
        if (waiting->room)
            waiting->many[waiting->first + i].kind |= SMTP_DOUBTED;
        else
            waiting->few[waiting->first + i] |= SMTP_DOUBTED;
    }
}

void smtp_waiting_clear(struct smtp_waiting *waiting, struct smtp_counters *counters)
{
    if (waiting->room)
        smtp_memory_free(counters, waiting->many, waiting->room * sizeof *waiting->many);
    *waiting = (struct smtp_waiting){0};
}

void smtp_waiting_pop(struct smtp_waiting *waiting, struct smtp_counters *counters)
{
    if (--waiting->count == 0) {
        smtp_waiting_clear(waiting, counters);
    } else if (!waiting->room) {
        waiting->first++;
    } else if (--waiting->many[waiting->first].count == 0) {
        waiting->first++;
        waiting->runs--;
    }
}

void smtp_waiting_drop_last(struct smtp_waiting *waiting, struct smtp_counters *counters)
{
    if (--waiting->count == 0)
        smtp_waiting_clear(waiting, counters);
    else if (waiting->room && --waiting->many[waiting->first + waiting->runs - 1].count == 0)
        waiting->runs--;
}
