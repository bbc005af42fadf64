/* What the sorter's own files share. */
#ifndef COLLECTOR_SORTER_SORTER_OWN_H
#define COLLECTOR_SORTER_SORTER_OWN_H

#include <pthread.h>
#include "collector/sorter/outcome.h"
#include "collector/sorter/sorter.h"
#include "collector/store/sorting.h"
#include "common/buffer.h"
#include "common/io/log.h"

#define ROUND_MOST   64 /* outcomes that one transaction writes */
#define OPENING_MOST 64 /* new messages that are taken in hand at once */
#define OPENER_MOST  64
#define SWEPT_MOST   32 /* opinions that are overdue, or of a filter that is down, in one round */
#define TOUCHED_MOST (ROUND_MOST + SWEPT_MOST * (1 + FILTERS_MOST))
#define TOLD_MOST    (2 * ROUND_MOST + SWEPT_MOST)
#define ASKING_MOST  (FILTERS_MOST * 128)

struct told_row {
    int64_t node;
    size_t start, length; /* in `texts` */
};

/* What an alert says of a filter. Unknown: whatever a collector before this one left. */
enum alarm { ALARM_UNKNOWN, ALARM_UP, ALARM_DOWN };

/* One transaction, and what is to be done once it is committed. */
struct round {
    struct sorter *sorter;
    struct store *store;
    moment now;
    char touched[TOUCHED_MOST][STORE_MESSAGE_NAME]; /* messages of which something is new */
    uint32_t touched_count;
    struct told_row told[TOLD_MOST];
    uint32_t told_count;
    struct buffer texts;
    struct letter *opening[OPENING_MOST];
    uint32_t opening_count;
    struct {
        struct asker *asker;
        struct letter *letter;
    } asking[ASKING_MOST];
    uint32_t asking_count;
    struct sorter_counts counts;
    uint32_t passed_over;         /* a bit a filter: it is down, and was when the round began */
    uint32_t lost[FILTERS_MOST];  /* appliances did not give so many back */
    bool swept, heard;            /* nothing more is overdue; others were told that we are there */
    uint32_t alarm[FILTERS_MOST]; /* what each filter's alert says when this is committed: enum alarm */
};

struct sorter {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more, written;
    struct log log;
    char *where;
    struct filters_settings filters;
    struct letter_tools tools;
    struct bulk_settings bulk;
    bool counts_bulk, facts;
    int64_t holder;
    struct asker *askers[FILTERS_MOST];
    bool later_orders; /* not all filters have one order */
    uint32_t first_order;

    /* under `lock` */
    struct outcome *outcomes, **last_outcome;
    uint32_t outcome_count;
    bool woken, closing, ending; /* closing: nothing is taken in hand any more; ending: the last is written */
    struct letter *opening[OPENING_MOST];
    uint32_t opening_first, opening_count, opening_busy, opener_count;
    pthread_cond_t to_open;
    pthread_t openers[OPENER_MOST];
    int64_t told[SORTER_TOLD_MOST];
    size_t told_count;
    struct sorter_counts counts;

    /* the thread's own */
    struct store *store; /* NULL: it is opened with the next round */
    struct round *round;
    struct outcome *batch;                 /* that are being written */
    bool started, failing, begun, patient; /* begun: what a collector left behind was seen to; patient: it
                                            waits out its pause */
    uint32_t failures;                     /* in a row */
    moment swept, heard, eager[FILTERS_MOST];
    uint32_t alarm[FILTERS_MOST]; /* what was said of each: enum alarm */
    size_t bytes;                 /* of letters; see letter.h */
    int descriptor;
};

/* Index of a filter by its name; -1: there is none. */
int sorter_find_filter(const struct sorter *, struct text name);

/* From any thread; NULL: there is none, but something to do. */
void sorter_take_outcome(void *sorter, struct outcome *);

/* What was waited for is written, or will not be. round.c. */
void sorter_end_wait(struct sorter *, struct outcome_waiter *);

/* round.c: the transaction; and what is to be done once it is committed. */
int round_run(struct round *, struct error *) MUST_CHECK;
void round_done(struct sorter *);

/* opener.c: the threads that take new messages apart. */
int openers_start(struct sorter *, struct error *) MUST_CHECK;
void openers_end(struct sorter *);
uint32_t openers_room(struct sorter *);

/* writing.c: outcomes into the store, and what messages come to. */
int round_write(struct round *, const struct outcome *, struct error *) MUST_CHECK;
int round_sort_touched(struct round *, struct error *) MUST_CHECK;
int round_tell(struct round *, struct error *) MUST_CHECK;
/* Something is new of that message. */
void round_touch(struct round *, const char *name);

/* How long a message is in hand for that filter. */
duration sorter_lease(const struct filter_settings *);

/* taking.c: what is due, out of the store. */
/* 1: there is something that could be taken; looks only. */
int round_is_wanted(struct sorter *, moment now, struct error *) MUST_CHECK;
/* What nobody need wait for any more. */
int round_sweep(struct round *, struct error *) MUST_CHECK;
/* Before anything is taken in hand: who has nothing need not be heard of. */
int round_be_heard(struct round *, struct error *) MUST_CHECK;
/* Messages that wait for filters that are down. */
int round_pass_over(struct round *, struct error *) MUST_CHECK;
int round_take(struct round *, struct error *) MUST_CHECK;

/* alarm.c: filters that are down are alerts. Whether there is anything to say of them; and saying it. */
bool round_alarm_is_due(struct sorter *);
int round_alarm(struct round *, struct error *) MUST_CHECK;

/* telling.c: an opinion as nodes are told. */
int round_add_told(struct round *, const char *name, const char *filter, const struct opinion *,
                   struct error *) MUST_CHECK;

#endif
