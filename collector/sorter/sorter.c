/* See sorter.h. A round is one transaction: what has come of the messages in hand, what those come to, what nodes are
 * told of it, and what is taken in hand next. It may be run again, so nothing but the store is changed before it is
 * committed. */
#include "collector/sorter/sorter.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "collector/sorter/sorter_own.h"
#include "common/cleanup.h"
#include "common/io/clock.h"

#define IDLE      SECOND             /* so often it is looked whether others have left something, or something is due */
#define GATHER    (10 * MILLISECOND) /* behind a round: what comes meanwhile costs one more transaction, not many */
#define AGAIN     (5 * MILLISECOND)
#define TRIES     10
#define AFTER     SECOND /* a failure */
#define TEXT_MOST ((size_t)8 << 20)
#define PATIENCE  (10 * SECOND) /* with what an appliance gave back */

/* --- what other threads leave --- */

void sorter_take_outcome(void *context, struct outcome *outcome)
{
    struct sorter *sorter = context;
    pthread_mutex_lock(&sorter->lock);
    if (outcome) {
        outcome->next = NULL;
        *sorter->last_outcome = outcome;
        sorter->last_outcome = &outcome->next;
    }
    sorter->woken = true;
    pthread_cond_signal(&sorter->more);
    pthread_mutex_unlock(&sorter->lock);
}

void sorter_wake(struct sorter *sorter)
{
    sorter_take_outcome(sorter, NULL);
}

/* Up to `most` of them, behind those that are there already. */
static void gather(struct sorter *sorter, uint32_t most)
{
    struct outcome **end = &sorter->batch;
    uint32_t count = 0;
    for (; *end; end = &(*end)->next)
        count++;
    pthread_mutex_lock(&sorter->lock);
    for (; sorter->outcomes && count < most; count++) {
        *end = sorter->outcomes;
        sorter->outcomes = (*end)->next;
        end = &(*end)->next;
        *end = NULL;
    }
    if (sorter->outcomes == NULL)
        sorter->last_outcome = &sorter->outcomes;
    sorter->woken = false;
    pthread_mutex_unlock(&sorter->lock);
}

int sorter_find_filter(const struct sorter *sorter, struct text name)
{
    for (uint32_t i = 0; i < sorter->filters.count; i++)
        if (text_equals(name, text_of(sorter->filters.items[i].name)))
            return (int)i;
    return -1;
}

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
        status = round_take(round, error);
    return status < 0 ? status : round_tell(round, error); /* last: until the commit nobody else can tell anything */
}

static int run(struct round *round, struct error *error)
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

static void end_wait(struct sorter *sorter, struct outcome_waiter *waiter)
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
            end_wait(sorter, outcome->waiter);
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

/* --- the thread --- */

static int open_store(struct sorter *sorter, struct error *error)
{
    int status = sorter->store ? 0 : store_open(sorter->where, &sorter->store, error);
    if (status < 0 || sorter->begun || store_is_shared(sorter->store))
        return status;
    status = store_begin(sorter->store, error);
    if (status == 0)
        status = store_sorting_release(sorter->store, 0, error);
    if (status == 0)
        status = store_commit(sorter->store, error);
    if (status < 0)
        store_rollback(sorter->store);
    sorter->begun = status == 0;
    return status;
}

/* A question first, which locks nothing: mostly there is nothing to do. */
static int is_wanted(struct sorter *sorter, struct error *error)
{
    moment now = clock_now();
    if (sorter->batch)
        return 1;
    int wanted = store_begin_reading(sorter->store, error);
    if (wanted == 0)
        wanted = store_now(sorter->store, now, &now, error);
    if (wanted == 0)
        wanted = round_is_wanted(sorter, now, error);
    store_rollback(sorter->store);
    return wanted;
}

static void say(struct sorter *sorter, int status, const struct error *error)
{
    /* Another collector that was faster is none of our trouble; that the server is away is said by those who wait. */
    bool failing = status < 0 && status != -EAGAIN && status != -EEXIST && status != -ENOTCONN;
    if (failing && !sorter->failing)
        log_write(&sorter->log, LOG_TROUBLE, "messages cannot be sorted: %s", error->text);
    sorter->failing = failing;
}

/* One that the store refuses must not keep the others from being written. */
static void rotate(struct sorter *sorter)
{
    if (sorter->batch == NULL)
        return;
    pthread_mutex_lock(&sorter->lock);
    *sorter->last_outcome = sorter->batch;
    while (*sorter->last_outcome)
        sorter->last_outcome = &(*sorter->last_outcome)->next;
    sorter->batch = NULL;
    pthread_mutex_unlock(&sorter->lock);
}

/* How long until the next round. */
static duration step(struct sorter *sorter)
{
    struct error error = {0};
    int status = open_store(sorter, &error);
    gather(sorter, sorter->failures > TRIES ? 1 : ROUND_MOST);
    if (status >= 0)
        status = is_wanted(sorter, &error);
    bool wanted = status == 1;
    if (wanted)
        status = run(sorter->round, &error);
    if (status == -ENOTCONN)
        store_close(&sorter->store);
    say(sorter, status, &error);
    sorter->patient = status < 0;
    if (status < 0) {
        pthread_mutex_lock(&sorter->lock);
        sorter->counts.failures++;
        pthread_mutex_unlock(&sorter->lock);
        bool again = (status == -EAGAIN || status == -EEXIST) && ++sorter->failures <= TRIES;
        if (!again && status != -ENOTCONN && status != -EBUSY) {
            sorter->failures = TRIES + 1;
            rotate(sorter);
        }
        return again ? AGAIN * (duration)sorter->failures : AFTER;
    }
    sorter->failures = 0;
    if (!wanted)
        return IDLE;
    tell(sorter);
    let_go(sorter);
    hand_out(sorter);
    sorter->patient = true;
    return GATHER;
}

static void pause_for(struct sorter *sorter, duration pause)
{
    struct timespec until;
    int status = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    moment then = until.tv_sec * SECOND + until.tv_nsec + pause;
    until = (struct timespec){.tv_sec = then / SECOND, .tv_nsec = then % SECOND};
    pthread_mutex_lock(&sorter->lock);
    while (status == 0 && !sorter->ending && (sorter->patient || !sorter->woken))
        status = pthread_cond_clockwait(&sorter->more, &sorter->lock, CLOCK_MONOTONIC, &until);
    pthread_mutex_unlock(&sorter->lock);
}

static bool has_outcomes(struct sorter *sorter)
{
    pthread_mutex_lock(&sorter->lock);
    bool result = sorter->batch || sorter->outcomes;
    pthread_mutex_unlock(&sorter->lock);
    return result;
}

/* What nobody will ask any more is for others to take. */
static void release(struct sorter *sorter)
{
    struct error ignored;
    int status = sorter->store ? store_begin(sorter->store, &ignored) : -1;
    if (status == 0)
        status = store_sorting_release(sorter->store, sorter->holder, &ignored);
    if (status == 0)
        status = store_commit(sorter->store, &ignored);
    if (status < 0 && sorter->store)
        store_rollback(sorter->store);
}

static void *work(void *context)
{
    struct sorter *sorter = context;
    duration pause = 0;
    pthread_mutex_lock(&sorter->lock);
    while (!sorter->ending) {
        pthread_mutex_unlock(&sorter->lock);
        pause = step(sorter);
        pause_for(sorter, pause);
        pthread_mutex_lock(&sorter->lock);
    }
    pthread_mutex_unlock(&sorter->lock);
    for (int i = 0; i < TRIES && has_outcomes(sorter); i++) /* else they come again: nothing is lost */
        step(sorter);
    release(sorter);
    return NULL;
}

/* --- what others ask --- */

int sorter_descriptor(const struct sorter *sorter)
{
    return sorter->descriptor;
}

size_t sorter_told(struct sorter *sorter, int64_t nodes[SORTER_TOLD_MOST])
{
    uint64_t number;
    ssize_t got = read(sorter->descriptor, &number, sizeof number);
    (void)got; /* nothing there: another reading took it */
    pthread_mutex_lock(&sorter->lock);
    size_t count = sorter->told_count;
    memcpy(nodes, sorter->told, sizeof sorter->told);
    sorter->told_count = 0;
    pthread_mutex_unlock(&sorter->lock);
    return count;
}

/* With the lock held. Who waits no longer may not be told any more. */
static bool wait_until_written(struct sorter *sorter, struct outcome_waiter *waiter)
{
    struct timespec until;
    int status = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += PATIENCE / SECOND;
    while (!waiter->done && status == 0)
        status = pthread_cond_clockwait(&sorter->written, &sorter->lock, CLOCK_MONOTONIC, &until);
    return waiter->done;
}

int sorter_returned(struct sorter *sorter, const char *name, const char *filter, const struct opinion *opinion,
                    struct error *error)
{
    struct outcome *outcome = outcome_create(OUTCOME_RETURNED, name, filter);
    struct outcome_waiter *waiter = calloc(1, sizeof *waiter);
    if (outcome == NULL || waiter == NULL) {
        outcome_free(&outcome);
        free(waiter);
        return error_set(error, ENOMEM, "no memory for an opinion");
    }
    outcome->opinion = *opinion;
    outcome->waiter = waiter;
    sorter_take_outcome(sorter, outcome);
    pthread_mutex_lock(&sorter->lock);
    bool written = wait_until_written(sorter, waiter);
    int status = written ? waiter->status : -ETIMEDOUT;
    if (written)
        free(waiter);
    else
        waiter->left = true;
    pthread_mutex_unlock(&sorter->lock);
    if (status == -ENOENT)
        return error_set(error, ENOENT, "%s is not at %s", name, filter);
    return status == 0 ? 0 : error_set(error, ETIMEDOUT, "the store does not answer");
}

void sorter_counts(struct sorter *sorter, struct sorter_counts *result)
{
    pthread_mutex_lock(&sorter->lock);
    *result = sorter->counts;
    pthread_mutex_unlock(&sorter->lock);
}

size_t sorter_filters(const struct sorter *sorter)
{
    return sorter->filters.count;
}

const struct filter_settings *sorter_filter(const struct sorter *sorter, size_t index)
{
    return &sorter->filters.items[index];
}

void sorter_report(struct sorter *sorter, size_t index, struct asker_report *report)
{
    *report = (struct asker_report){.busy = 0};
    if (sorter->started)
        asker_report(sorter->askers[index], report);
}

/* --- its life --- */

static void look_at_orders(struct sorter *sorter)
{
    const struct filter_settings *items = sorter->filters.items;
    sorter->first_order = UINT32_MAX;
    for (uint32_t i = 0; i < sorter->filters.count; i++) {
        if (items[i].order < sorter->first_order)
            sorter->first_order = items[i].order;
        sorter->later_orders = sorter->later_orders || items[i].order != items[0].order;
    }
}

static int prepare(struct sorter *sorter, const struct sorter_settings *settings, struct error *error)
{
    pthread_mutex_init(&sorter->lock, NULL);
    pthread_cond_init(&sorter->more, NULL);
    pthread_cond_init(&sorter->written, NULL);
    pthread_cond_init(&sorter->to_open, NULL);
    sorter->log = log_open("collector");
    sorter->last_outcome = &sorter->outcomes;
    sorter->filters = *settings->filters;
    sorter->tools = (struct letter_tools){settings->keys, settings->reading};
    sorter->counts_bulk = settings->bulk && settings->bulk->enabled;
    if (settings->bulk)
        sorter->bulk = *settings->bulk;
    sorter->facts = settings->picture_text;
    look_at_orders(sorter);
    do
        randombytes_buf(&sorter->holder, sizeof sorter->holder);
    while (sorter->holder == 0);
    sorter->where = strdup(settings->where);
    sorter->round = calloc(1, sizeof *sorter->round);
    sorter->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (sorter->where == NULL || sorter->round == NULL || sorter->descriptor < 0)
        return error_set(error, errno, "cannot make a sorter: %s", strerror(errno));
    sorter->round->sorter = sorter;
    buffer_init(&sorter->round->texts, TEXT_MOST);
    return 0;
}

int sorter_begin(struct sorter *sorter, struct error *error)
{
    const struct outcome_sink sink = {sorter, sorter_take_outcome};
    sigset_t all, before;
    int status = 0;
    for (uint32_t i = 0; i < sorter->filters.count && status == 0; i++)
        status =
            asker_create(&sorter->filters.items[i], &sorter->tools, sorter->facts, &sink, &sorter->askers[i], error);
    if (status == 0)
        status = openers_start(sorter, error);
    if (status < 0)
        return status;
    sigfillset(&all); /* signals are the loop's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    status = pthread_create(&sorter->thread, NULL, work, sorter);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    sorter->started = status == 0;
    return status == 0 ? 0 : error_set(error, status, "cannot start a thread: %s", strerror(status));
}

int sorter_create(const struct sorter_settings *settings, struct sorter **result, struct error *error)
{
    struct sorter *sorter = calloc(1, sizeof *sorter);
    if (sorter == NULL)
        return error_set(error, ENOMEM, "no memory for a sorter");
    int status = prepare(sorter, settings, error);
    if (status == 0)
        *result = sorter;
    else
        sorter_destroy(&sorter);
    return status;
}

static void end_thread(struct sorter *sorter)
{
    pthread_mutex_lock(&sorter->lock);
    sorter->ending = true;
    pthread_cond_signal(&sorter->more);
    pthread_mutex_unlock(&sorter->lock);
    if (sorter->started)
        pthread_join(sorter->thread, NULL);
}

/* What they are just told is still written. */
static void end_askers(struct sorter *sorter)
{
    duration until = clock_steady() + SECOND;
    for (uint32_t i = 0; i < sorter->filters.count; i++)
        if (sorter->askers[i])
            asker_wait(sorter->askers[i], until);
}

static void free_outcomes(struct sorter *sorter)
{
    rotate(sorter);
    while (sorter->outcomes) {
        struct outcome *outcome = sorter->outcomes;
        sorter->outcomes = outcome->next;
        if (outcome->waiter)
            end_wait(sorter, outcome->waiter);
        outcome_free(&outcome);
    }
    sorter->last_outcome = &sorter->outcomes;
}

bool sorter_destroy(struct sorter **pointer)
{
    struct sorter *sorter = TAKE(*pointer);
    if (sorter == NULL)
        return true;
    for (uint32_t i = 0; i < sorter->filters.count; i++)
        if (sorter->askers[i])
            asker_end(sorter->askers[i]);
    openers_end(sorter);
    end_askers(sorter);
    end_thread(sorter);
    store_close(&sorter->store);
    free_outcomes(sorter);
    bool ended = true;
    for (uint32_t i = 0; i < sorter->filters.count; i++)
        ended = asker_destroy(&sorter->askers[i]) && ended;
    if (!ended)
        return false; /* that thread will look at us */
    close(sorter->descriptor);
    if (sorter->round)
        buffer_clear(&sorter->round->texts);
    free(sorter->round);
    free(sorter->where);
    pthread_cond_destroy(&sorter->more);
    pthread_cond_destroy(&sorter->written);
    pthread_cond_destroy(&sorter->to_open);
    pthread_mutex_destroy(&sorter->lock);
    free(sorter);
    return true;
}
