/* See asker.h. */
#include "collector/sorter/asker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "common/cleanup.h"
#include "common/io/clock.h"

#define THREADS_MOST 64

struct asker {
    pthread_mutex_t lock;
    pthread_cond_t more, ended;
    const struct filter_settings *settings;
    const struct letter_tools *tools;
    bool facts;
    struct outcome_sink sink;
    struct health health;
    struct letter *queue[2 * THREADS_MOST];
    uint32_t first, queued, reserved, busy, started, threads; /* threads: that have not ended */
    bool ending, pinging, eager;
    duration ping_due; /* steady time */
    pthread_t ids[THREADS_MOST];
};

static const struct filter_kind *kind_of(const struct asker *asker)
{
    return filter_kinds[asker->settings->kind];
}

static uint32_t places(const struct asker *asker)
{
    return 2 * asker->settings->at_once; /* one that is asked about, and the next */
}

/* --- places --- */

static uint32_t room(const struct asker *asker)
{
    uint32_t taken = asker->queued + asker->busy + asker->reserved;
    return asker->health.down || asker->ending || taken >= places(asker) ? 0 : places(asker) - taken;
}

bool asker_reserve(struct asker *asker)
{
    pthread_mutex_lock(&asker->lock);
    bool free_place = room(asker) > 0;
    asker->reserved += free_place;
    pthread_mutex_unlock(&asker->lock);
    return free_place;
}

uint32_t asker_room(struct asker *asker)
{
    pthread_mutex_lock(&asker->lock);
    uint32_t result = room(asker);
    pthread_mutex_unlock(&asker->lock);
    return result;
}

void asker_free_place(struct asker *asker)
{
    pthread_mutex_lock(&asker->lock);
    asker->reserved--;
    pthread_mutex_unlock(&asker->lock);
}

void asker_add(struct asker *asker, struct letter *letter)
{
    pthread_mutex_lock(&asker->lock);
    asker->reserved--;
    asker->queue[(asker->first + asker->queued++) % (2 * THREADS_MOST)] = letter_hold(letter);
    pthread_cond_signal(&asker->more);
    pthread_mutex_unlock(&asker->lock);
}

static struct letter *take(struct asker *asker)
{
    struct letter *letter = asker->queue[asker->first];
    asker->first = (asker->first + 1) % (2 * THREADS_MOST);
    asker->queued--;
    return letter;
}

/* --- asking --- */

static bool is_spam(const struct opinion *opinion)
{
    return opinion->virus || opinion_is_spam(opinion);
}

static void count_opinion(struct asker *asker, const struct opinion *opinion)
{
    asker->health.virus += opinion->virus;
    asker->health.spam += is_spam(opinion) && !opinion->virus;
}

/* What came of it, and what that says of the filter. */
static struct outcome *conclude(struct asker *asker, const struct letter *letter, int status, bool asked, duration took,
                                const struct opinion *opinion, const struct error *error)
{
    struct outcome *outcome = outcome_create(status == 0              ? OUTCOME_ANSWER
                                             : status == FILTER_LATER ? OUTCOME_LATER
                                                                      : OUTCOME_FAILURE,
                                             letter->name, asker->settings->name);
    moment now = clock_now();
    bool back = false;
    pthread_mutex_lock(&asker->lock);
    if (asked && status == 0) {
        back = health_answered(&asker->health, took, now);
        count_opinion(asker, opinion);
    } else if (asked && status == FILTER_LATER) {
        back = health_took(&asker->health, now);
    } else if (asked && health_failed(&asker->health, error->text, now)) {
        asker->ping_due = clock_steady() + HEALTH_PING;
        pthread_cond_broadcast(&asker->more);
    }
    asker->eager = asker->eager || back;
    pthread_mutex_unlock(&asker->lock);
    if (outcome == NULL)
        return NULL;
    outcome->opinion = *opinion;
    outcome->asked = now - took;
    if (status < 0)
        text_copy_printable(text_of(error->text), outcome->trouble, sizeof outcome->trouble);
    return outcome;
}

static struct outcome *ask(struct asker *asker, struct letter *letter)
{
    struct opinion opinion = {0};
    struct error error = {0};
    duration begun = clock_steady();
    int status = letter_open(letter, asker->tools, asker->facts, &error);
    bool asked = status == 0;
    if (asked) {
        begun = clock_steady();
        status = kind_of(asker)->ask(asker->settings, &letter->message, &opinion, &error);
    }
    return conclude(asker, letter, status, asked, clock_steady() - begun, &opinion, &error);
}

static void ping(struct asker *asker)
{
    struct error error = {0};
    bool good = kind_of(asker)->ping == NULL || kind_of(asker)->ping(asker->settings, &error) == 0;
    pthread_mutex_lock(&asker->lock);
    bool back = health_pinged(&asker->health, good, clock_now());
    asker->eager = asker->eager || back;
    asker->ping_due = clock_steady() + HEALTH_PING;
    asker->pinging = false;
    pthread_cond_broadcast(&asker->more);
    pthread_mutex_unlock(&asker->lock);
    if (back)
        asker->sink.take(asker->sink.context, NULL); /* there is something to do */
}

/* --- the threads --- */

static bool ping_is_due(const struct asker *asker)
{
    return asker->health.down && !asker->pinging && clock_steady() >= asker->ping_due;
}

/* Conditions know no clock that runs on while the machine sleeps. */
static struct timespec in(duration left)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    moment then = now.tv_sec * SECOND + now.tv_nsec + (left > 0 ? left : 0);
    return (struct timespec){.tv_sec = then / SECOND, .tv_nsec = then % SECOND};
}

static void wait_for_work(struct asker *asker)
{
    if (!asker->health.down || asker->pinging) {
        pthread_cond_wait(&asker->more, &asker->lock);
        return;
    }
    const struct timespec until = in(asker->ping_due - clock_steady());
    pthread_cond_clockwait(&asker->more, &asker->lock, CLOCK_MONOTONIC, &until);
}

/* With the lock held, which is let go meanwhile. */
static void work_once(struct asker *asker)
{
    if (ping_is_due(asker)) {
        asker->pinging = true;
        pthread_mutex_unlock(&asker->lock);
        ping(asker);
        pthread_mutex_lock(&asker->lock);
        return;
    }
    struct letter *letter = take(asker);
    bool down = asker->health.down; /* behind a filter that is down nobody waits */
    asker->busy++;
    pthread_mutex_unlock(&asker->lock);
    struct outcome *outcome =
        down ? outcome_create(OUTCOME_UNASKED, letter->name, asker->settings->name) : ask(asker, letter);
    letter_release(&letter);
    pthread_mutex_lock(&asker->lock);
    asker->busy--;
    pthread_mutex_unlock(&asker->lock);
    /* Also without memory for one: there is a place. The message comes again when it was in hand long enough. */
    asker->sink.take(asker->sink.context, outcome);
    pthread_mutex_lock(&asker->lock);
}

static void *work(void *context)
{
    struct asker *asker = context;
    pthread_mutex_lock(&asker->lock);
    while (!asker->ending) {
        if (asker->queued > 0 || ping_is_due(asker))
            work_once(asker);
        else
            wait_for_work(asker);
    }
    asker->threads--;
    pthread_cond_signal(&asker->ended);
    pthread_mutex_unlock(&asker->lock);
    return NULL;
}

/* --- what it says of itself --- */

bool asker_is_down(struct asker *asker)
{
    pthread_mutex_lock(&asker->lock);
    bool result = asker->health.down;
    pthread_mutex_unlock(&asker->lock);
    return result;
}

bool asker_is_eager(struct asker *asker)
{
    pthread_mutex_lock(&asker->lock);
    bool result = asker->eager;
    pthread_mutex_unlock(&asker->lock);
    return result;
}

void asker_not_eager(struct asker *asker)
{
    pthread_mutex_lock(&asker->lock);
    asker->eager = false;
    pthread_mutex_unlock(&asker->lock);
}

void asker_report(struct asker *asker, struct asker_report *report)
{
    pthread_mutex_lock(&asker->lock);
    *report = (struct asker_report){.health = asker->health, .busy = asker->busy, .queued = asker->queued};
    pthread_mutex_unlock(&asker->lock);
}

void asker_note_opinion(struct asker *asker, const struct opinion *opinion)
{
    pthread_mutex_lock(&asker->lock);
    asker->health.returned++;
    count_opinion(asker, opinion);
    pthread_mutex_unlock(&asker->lock);
}

void asker_note_lost(struct asker *asker)
{
    pthread_mutex_lock(&asker->lock);
    asker->health.lost++;
    pthread_mutex_unlock(&asker->lock);
}

/* --- its life --- */

static int start(struct asker *asker, struct error *error)
{
    sigset_t all, before;
    int status = 0;
    sigfillset(&all); /* signals are the loop's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_mutex_lock(&asker->lock);
    while (status == 0 && asker->started < asker->settings->at_once) {
        status = pthread_create(&asker->ids[asker->started], NULL, work, asker);
        asker->started += status == 0;
        asker->threads += status == 0;
    }
    pthread_mutex_unlock(&asker->lock);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status == 0 ? 0 : error_set(error, status, "cannot start a thread: %s", strerror(status));
}

int asker_create(const struct filter_settings *settings, const struct letter_tools *tools, bool facts,
                 const struct outcome_sink *sink, struct asker **result, struct error *error)
{
    struct asker *asker = calloc(1, sizeof *asker);
    if (asker == NULL)
        return error_set(error, ENOMEM, "no memory for a filter");
    asker->settings = settings;
    asker->tools = tools;
    asker->facts = facts;
    asker->sink = *sink;
    pthread_mutex_init(&asker->lock, NULL);
    pthread_cond_init(&asker->more, NULL);
    pthread_cond_init(&asker->ended, NULL);
    int status = start(asker, error);
    *result = asker; /* also where some threads run and others do not: whoever made it takes it down */
    return status;
}

void asker_end(struct asker *asker)
{
    pthread_mutex_lock(&asker->lock);
    asker->ending = true;
    pthread_cond_broadcast(&asker->more);
    pthread_mutex_unlock(&asker->lock);
}

bool asker_wait(struct asker *asker, duration until)
{
    const struct timespec end = in(until - clock_steady());
    int status = 0;
    pthread_mutex_lock(&asker->lock);
    while (asker->threads > 0 && status == 0)
        status = pthread_cond_clockwait(&asker->ended, &asker->lock, CLOCK_MONOTONIC, &end);
    bool ended = asker->threads == 0;
    pthread_mutex_unlock(&asker->lock);
    return ended;
}

bool asker_destroy(struct asker **pointer)
{
    struct asker *asker = TAKE(*pointer);
    if (asker == NULL)
        return true;
    asker_end(asker);
    bool ended = asker_wait(asker, clock_steady());
    for (uint32_t i = 0; i < asker->started; i++) {
        if (ended)
            pthread_join(asker->ids[i], NULL);
        else
            pthread_detach(asker->ids[i]);
    }
    if (!ended)
        return false;
    while (asker->queued > 0) {
        struct letter *letter = take(asker);
        letter_release(&letter);
    }
    pthread_cond_destroy(&asker->more);
    pthread_cond_destroy(&asker->ended);
    pthread_mutex_destroy(&asker->lock);
    free(asker);
    return true;
}
