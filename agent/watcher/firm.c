/* See firm.h. A table of senders; who has nothing left and said so goes out of it. Where it is full, the newcomer
 * waits until somebody does: who is in it was heard of first. */
#include "agent/watcher/firm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "common/table.h"

#define RISEN_AFTER (10 * SECOND)
#define FADED_AFTER MINUTE
#define CHANGE      DECIBANS(1)

struct said {
    points points;
    moment time; /* 0: never */
};

struct firm {
    struct table *table; /* struct sender -> struct said */
    uint32_t next;       /* place to begin the next round at */
};

/* Senders' names are strangers' choice only where they are accounts; a long chain costs a second's work a little. */
static const struct table_shape shape = {
    .places = FIRM_SENDERS, .key_size = sizeof(struct sender), .value_size = sizeof(struct said), .key = {{5, 6}}};

struct firm *firm_create(struct error *error)
{
    struct firm *firm = calloc(1, sizeof *firm);
    void *memory = calloc(1, table_memory(&shape));
    if (firm && memory) {
        firm->table = table_place(memory, &shape);
        return firm;
    }
    free(firm);
    free(memory);
    error_set(error, ENOMEM, "no memory for customers' points");
    return NULL;
}

void firm_destroy(struct firm **owner)
{
    if (*owner)
        free((*owner)->table);
    free(*owner);
    *owner = NULL;
}

void firm_note(struct firm *firm, const struct sender_record *record)
{
    bool added;
    if (record->whose.customer[0] == 0 || table_find(firm->table, &record->sender) ||
        table_count(firm->table) == FIRM_SENDERS)
        return;
    table_add(firm->table, &record->sender, &added, NULL, NULL);
}

void firm_begin(struct firm *firm, struct judge *judge, struct senders *senders, moment now)
{
    points score, held;
    for (struct sender_record *r = senders_oldest(senders); r; r = senders_younger(senders, r)) {
        if (r->whose.customer[0] == 0)
            continue;
        judge_weigh(judge, r, now, &score, &held);
        if (held >= CHANGE)
            firm_note(firm, r);
    }
}

static bool is_due(const struct said *said, points now_held, moment now)
{
    points change = now_held - said->points;
    bool over = now_held == 0 && said->points > 0;                      /* the last that is said of it */
    duration since = said->time > now ? FADED_AFTER : now - said->time; /* the clock was set back */
    if (change < CHANGE && change > -CHANGE && !over)
        return false;
    return since >= (change > 0 ? RISEN_AFTER : FADED_AFTER);
}

/* So little is nothing; it would take hours to fade away. */
static points held_of(points firm)
{
    return firm < CHANGE / 2 ? 0 : firm;
}

void firm_tick(struct firm *firm, const struct judge *judge, struct senders *senders, moment now,
               bool (*say)(void *context, moment, const struct firm_change *), void *context)
{
    uint32_t said_now = 0;
    for (uint32_t n = 0; n < FIRM_SENDERS && table_count(firm->table) > 0; n++) {
        firm->next = (firm->next + 1) % FIRM_SENDERS;
        struct said *said = table_at(firm->table, firm->next);
        if (!said)
            continue;
        struct sender_record *record = senders_find(senders, table_key(firm->table, said));
        points score, held;
        if (!record) { /* it gave way in the table of senders, and what was said of it fades elsewhere */
            table_remove(firm->table, said);
            continue;
        }
        judge_weigh(judge, record, now, &score, &held);
        held = held_of(held);
        if (is_due(said, held, now)) {
            if (said_now == FIRM_EACH || !say(context, now, &(struct firm_change){record, held, score}))
                return;
            said_now++;
            *said = (struct said){held, now};
        }
        if (held == 0 && said->points == 0)
            table_remove(firm->table, said);
    }
}
