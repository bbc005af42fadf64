/* Taking new messages apart: unpacking, reading, and handing them to the filters that are asked first, if they have
 * time. All this is work for a processor, so a few threads do. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include "collector/sorter/sorter_own.h"
#include "common/cleanup.h"
#include "common/io/clock.h"

uint32_t openers_room(struct sorter *sorter)
{
    pthread_mutex_lock(&sorter->lock);
    uint32_t taken = sorter->opening_count + sorter->opening_busy, places = 4 * sorter->filters.openers;
    if (places > OPENING_MOST)
        places = OPENING_MOST;
    pthread_mutex_unlock(&sorter->lock);
    return taken < places ? places - taken : 0;
}

static bool is_asked_first(const struct sorter *sorter, uint32_t filter, const struct letter *letter)
{
    const struct filter_settings *settings = &sorter->filters.items[filter];
    return settings->order == sorter->first_order && letter->file->content.length <= settings->size_most;
}

/* A bit a filter. */
static uint32_t reserve(struct sorter *sorter, const struct letter *letter)
{
    uint32_t result = 0;
    for (uint32_t i = 0; i < sorter->filters.count; i++)
        if (is_asked_first(sorter, i, letter) && asker_reserve(sorter->askers[i]))
            result |= UINT32_C(1) << i;
    return result;
}

/* That it was taken apart is told first: what a filter says of it comes behind. */
static void open_one(struct sorter *sorter, struct letter *letter)
{
    struct error error = {0};
    struct outcome *outcome = outcome_create(OUTCOME_APART, letter->name, "");
    moment begun = clock_now();
    if (outcome == NULL)
        return; /* it comes again when it has been in hand long enough */
    int status = letter_open(letter, &sorter->tools, true, &error);
    uint32_t asking = status == 0 ? reserve(sorter, letter) : 0;
    if (status < 0)
        text_copy_printable(text_of(error.text), outcome->trouble, sizeof outcome->trouble);
    outcome->letter = letter_hold(letter);
    outcome->asking = asking;
    outcome->asked = begun;
    sorter_take_outcome(sorter, outcome);
    for (uint32_t i = 0; i < sorter->filters.count; i++)
        if (asking & UINT32_C(1) << i)
            asker_add(sorter->askers[i], letter);
}

static void *work(void *context)
{
    struct sorter *sorter = context;
    pthread_mutex_lock(&sorter->lock);
    while (!sorter->closing) {
        if (sorter->opening_count == 0) {
            pthread_cond_wait(&sorter->to_open, &sorter->lock);
            continue;
        }
        struct letter *letter = sorter->opening[sorter->opening_first];
        sorter->opening_first = (sorter->opening_first + 1) % OPENING_MOST;
        sorter->opening_count--;
        sorter->opening_busy++;
        pthread_mutex_unlock(&sorter->lock);
        open_one(sorter, letter);
        letter_release(&letter);
        pthread_mutex_lock(&sorter->lock);
        sorter->opening_busy--;
    }
    pthread_mutex_unlock(&sorter->lock);
    return NULL;
}

int openers_start(struct sorter *sorter, struct error *error)
{
    sigset_t all, before;
    int status = 0;
    sigfillset(&all); /* signals are the loop's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (status == 0 && sorter->opener_count < sorter->filters.openers) {
        status = pthread_create(&sorter->openers[sorter->opener_count], NULL, work, sorter);
        sorter->opener_count += status == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status == 0 ? 0 : error_set(error, status, "cannot start a thread: %s", strerror(status));
}

void openers_end(struct sorter *sorter)
{
    pthread_mutex_lock(&sorter->lock);
    sorter->closing = true;
    pthread_cond_broadcast(&sorter->to_open);
    pthread_mutex_unlock(&sorter->lock);
    while (sorter->opener_count > 0)
        pthread_join(sorter->openers[--sorter->opener_count], NULL);
    while (sorter->opening_count > 0) {
        letter_release(&sorter->opening[sorter->opening_first]);
        sorter->opening_first = (sorter->opening_first + 1) % OPENING_MOST;
        sorter->opening_count--;
    }
}
