/* One round: what has come of the messages in hand, what those come to, what nodes are told of it, and what is taken in
 * hand next, in one transaction. It may be run again, so nothing but the store is changed before it is committed. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "collector/sorter/sorter_own.h"
#include "common/cleanup.h"
#include "common/io/clock.h"

/* --- a round --- */

static void forget(struct round *round)
{
    while (round->opening_count > 0)
        letter_release(&round->opening[--round->opening_count]);
    while (round->asking_count > 0) {
        round->asking_count--;
        asker_free_place(round->asking[round->asking_count].asker);
        letter_release(&round->asking[round->asking_count].letter);
    }
}

static void clear(struct round *round)
{
    round->texts.length = 0;
    round->touched_count = round->told_count = 0;
    round->counts = (struct sorter_counts){0};
    round->passed_over = 0;
    round->swept = round->heard = false;
    memset(round->lost, 0, sizeof round->lost);
    memcpy(round->alarm, round->sorter->alarm, sizeof round->alarm);
}

static int write_all(struct round *round, struct error *error)
{
    struct sorter *sorter = round->sorter;
    int status = 0;
    for (const struct outcome *outcome = sorter->batch; outcome && status == 0; outcome = outcome->next)
        status = round_write(round, outcome, error);
    if (status == 0 && !sorter->ending)
        status = round_be_heard(round, error);
    if (status == 0 && !sorter->ending)
        status = round_sweep(round, error);
    if (status == 0 && !sorter->ending)
        status = round_pass_over(round, error);
    if (status == 0)
        status = round_sort_touched(round, error);
    if (status == 0 && !sorter->ending)
        status = round_alarm(round, error);
    if (status == 0 && !sorter->ending)
        status = round_take(round, error);
    return status < 0 ? status : round_tell(round, error); /* last: until the commit nobody else can tell anything */
}

int round_run(struct round *round, struct error *error)
{
    struct sorter *sorter = round->sorter;
    round->store = sorter->store;
    round->now = clock_now();
    clear(round);
    int status = store_begin(sorter->store, error);
    if (status == 0)
        status = store_now(sorter->store, round->now, &round->now, error);
    if (status == 0)
        status = write_all(round, error);
    if (status == 0)
        status = store_commit(sorter->store, error);
    if (status < 0) {
        store_rollback(sorter->store);
        forget(round);
    }
    return status;
}

/* --- behind a commit --- */

static void note_told(struct sorter *sorter, int64_t node)
{
    for (size_t i = 0; i < sorter->told_count && i < SORTER_TOLD_MOST; i++)
        if (sorter->told[i] == node)
            return;
    if (sorter->told_count < SORTER_TOLD_MOST)
        sorter->told[sorter->told_count] = node;
    if (sorter->told_count <= SORTER_TOLD_MOST)
        sorter->told_count++;
}

/* To who waits, and to nobody else, for what was told stands in the store. */
static void tell(struct sorter *sorter)
{
    const struct round *round = sorter->round;
    const uint64_t one = 1;
    pthread_mutex_lock(&sorter->lock);
    for (uint32_t i = 0; i < round->told_count; i++)
        note_told(sorter, round->told[i].node);
    for (int i = 0; i < SORTED_WORDS; i++)
        sorter->counts.sorted[i] += round->counts.sorted[i];
    sorter->counts.told += round->told_count;
    sorter->counts.unread += round->counts.unread;
    pthread_mutex_unlock(&sorter->lock);
    if (round->told_count > 0) {
        ssize_t put = write(sorter->descriptor, &one, sizeof one);
        (void)put; /* the counter is full: then it is readable as well */
    }
    if (round->swept)
        sorter->swept = round->now;
    if (round->heard)
        sorter->heard = round->now;
    memcpy(sorter->alarm, round->alarm, sizeof sorter->alarm);
    for (uint32_t i = 0; i < sorter->filters.count; i++)
        for (uint32_t lost = 0; lost < round->lost[i]; lost++)
            asker_note_lost(sorter->askers[i]);
}

static void note_returned(struct sorter *sorter, const struct outcome *outcome)
{
    int filter = sorter_find_filter(sorter, text_of(outcome->filter));
    if (filter >= 0 && outcome->waiter->status == 0)
        asker_note_opinion(sorter->askers[filter], &outcome->opinion);
}

void sorter_end_wait(struct sorter *sorter, struct outcome_waiter *waiter)
{
    pthread_mutex_lock(&sorter->lock);
    waiter->done = true;
    if (waiter->left)
        free(waiter);
    pthread_cond_broadcast(&sorter->written);
    pthread_mutex_unlock(&sorter->lock);
}

static void let_go(struct sorter *sorter)
{
    while (sorter->batch) {
        struct outcome *outcome = sorter->batch;
        sorter->batch = outcome->next;
        if (outcome->waiter) {
            note_returned(sorter, outcome);
            sorter_end_wait(sorter, outcome->waiter);
        }
        outcome_free(&outcome);
    }
}

/* What was taken goes to the threads; whatever has become of the filters meanwhile. */
static void hand_out(struct sorter *sorter)
{
    struct round *round = sorter->round;
    pthread_mutex_lock(&sorter->lock);
    for (uint32_t i = 0; i < round->opening_count; i++)
        sorter->opening[(sorter->opening_first + sorter->opening_count++) % OPENING_MOST] = TAKE(round->opening[i]);
    pthread_cond_broadcast(&sorter->to_open);
    pthread_mutex_unlock(&sorter->lock);
    round->opening_count = 0;
    for (uint32_t i = 0; i < round->asking_count; i++) {
        asker_add(round->asking[i].asker, round->asking[i].letter);
        letter_release(&round->asking[i].letter);
    }
    round->asking_count = 0;
}

void round_done(struct sorter *sorter)
{
    tell(sorter);
    let_go(sorter);
    hand_out(sorter);
}
