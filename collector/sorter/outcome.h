/* What came of a message in somebody's hands: goes from the threads that take apart and ask to the one that has the
 * store. */
#ifndef COLLECTOR_SORTER_OUTCOME_H
#define COLLECTOR_SORTER_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>
#include "collector/filter/opinion.h"
#include "collector/sorter/letter.h"

enum outcome_kind {
    OUTCOME_APART,    /* a new message was taken apart */
    OUTCOME_ANSWER,   /* a filter has said something */
    OUTCOME_LATER,    /* an appliance has it */
    OUTCOME_FAILURE,  /* a filter was asked in vain */
    OUTCOME_UNASKED,  /* it was not asked: it is down */
    OUTCOME_RETURNED, /* an appliance gave it back */
    OUTCOME_OVERDUE   /* nobody waits for that opinion any more */
};

/* Who waits until an outcome is written. */
struct outcome_waiter {
    bool done, left; /* left: nobody waits any more */
    int status;      /* 0: it is written, or was before; else negative */
};

struct outcome {
    struct outcome *next;
    enum outcome_kind kind;
    char name[STORE_MESSAGE_NAME]; /* of the message */
    char filter[FILTER_NAME_MOST]; /* of what is about one */
    struct letter *letter;         /* APART: held */
    uint32_t asking;               /* APART: a bit a filter that is being asked already */
    bool out;                      /* OVERDUE: it was at an appliance */
    struct opinion opinion;        /* ANSWER, RETURNED */
    char trouble[160];             /* FAILURE, APART: why; empty: all is well */
    moment asked;
    struct outcome_waiter *waiter; /* RETURNED; NULL: nobody */
};

/* NULL: no memory. */
struct outcome *outcome_create(enum outcome_kind, const char *name, const char *filter);
void outcome_free(struct outcome **);

/* Where the threads leave them: `take` may be called by any. */
struct outcome_sink {
    void *context;
    void (*take)(void *context, struct outcome *);
};

#endif
