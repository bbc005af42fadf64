/* See releaser.h. A message is claimed before a byte of it is sent and written off after the relay's answer: who dies
 * between the two leaves it in doubt, and it is not sent twice. */
#include "collector/sorter/releaser.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "collector/quarantine/content.h"
#include "collector/sorter/relay.h"
#include "collector/store/releases.h"
#include "collector/store/store.h"
#include "common/cleanup.h"
#include "common/io/clock.h"

#define EVERY      SECOND
#define SPARE      MINUTE /* for what is claimed, beside the relay's patience */
#define TIDY       HOUR
#define TRIES_MOST 8 /* over about a day */
#define WRITES     8

struct releaser {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t end;
    bool ending;
    bool looked; /* what was being sent before it started is in doubt */
    char *where;
    const struct quarantine_settings *settings;
    const struct packing_keys *keys;
    duration forget, tidy_after;
    struct store *store; /* NULL: it is opened with the next round */
    struct buffer plain, envelope;
};

static duration pause_after(int64_t tries)
{
    static const duration pauses[TRIES_MOST] = {10 * SECOND, MINUTE,   5 * MINUTE, 15 * MINUTE,
                                                HOUR,        4 * HOUR, 8 * HOUR,   12 * HOUR};
    return pauses[tries < 0 ? 0 : tries >= TRIES_MOST ? TRIES_MOST - 1 : tries];
}

/* --- transactions --- */

static int end(struct releaser *releaser, int status, struct error *error)
{
    if (status >= 0 && store_commit(releaser->store, error) < 0)
        status = -error->code;
    if (status < 0 && releaser->store)
        store_rollback(releaser->store);
    if (status == -ENOTCONN)
        store_close(&releaser->store);
    return status;
}

static int begin(struct releaser *releaser, moment *now, struct error *error)
{
    int status = releaser->store ? 0 : store_open(releaser->where, &releaser->store, error);
    if (status >= 0)
        status = store_begin(releaser->store, error);
    return status < 0 ? status : store_now(releaser->store, clock_now(), now, error);
}

static int is_wanted(struct releaser *releaser, struct error *error)
{
    moment now = clock_now();
    int status = releaser->store ? 0 : store_open(releaser->where, &releaser->store, error);
    if (status >= 0)
        status = store_begin_reading(releaser->store, error);
    if (status >= 0)
        status = store_now(releaser->store, now, &now, error);
    if (status >= 0)
        status = store_release_wanted(releaser->store, now, error);
    if (releaser->store)
        store_rollback(releaser->store);
    if (status == -ENOTCONN)
        store_close(&releaser->store);
    return status;
}

static int unclaim(struct releaser *releaser, struct error *error)
{
    moment now = 0;
    int status = begin(releaser, &now, error);
    if (status >= 0 && !store_is_shared(releaser->store))
        status = store_releases_unclaim(releaser->store, now, error);
    status = end(releaser, status, error);
    releaser->looked = status >= 0;
    return status;
}

static int claim(struct releaser *releaser, char name[STORE_MESSAGE_NAME], int64_t *tries, struct error *error)
{
    moment now = 0;
    int status = begin(releaser, &now, error);
    if (status >= 0)
        status =
            store_release_claim(releaser->store, now, now + releaser->settings->patience + SPARE, name, tries, error);
    return end(releaser, status, error);
}

/* The relay has said it: so it is tried for some seconds, whatever the store does. */
static int write_end(struct releaser *releaser, const char *name, enum store_release_state state, const char *answer,
                     duration pause, struct error *error)
{
    int status = -EAGAIN;
    for (int try = 0; try < WRITES && status < 0; try++) {
        moment now = 0;
        const struct timespec wait = {0, try * 100 * MILLISECOND};
        nanosleep(&wait, NULL);
        status = begin(releaser, &now, error);
        if (status >= 0)
            status = store_release_ended(releaser->store, name, state, answer, now,
                                         state == RELEASE_WAITING ? now + pause : 0, error);
        status = end(releaser, status, error);
    }
    return status;
}

/* --- a message --- */

static void take_envelope(void *context, const struct store_message *message)
{
    struct buffer *envelope = context;
    if (!buffer_append(envelope, message->envelope))
        buffer_clear(envelope);
}

/* 1: found. */
static int open_message(struct releaser *releaser, const char *name, struct message_file **result, struct error *error)
{
    buffer_clear(&releaser->envelope);
    int status = store_begin_reading(releaser->store, error);
    if (status >= 0)
        status = store_message_find(releaser->store, name, take_envelope, &releaser->envelope, error);
    if (status > 0)
        status = content_open(releaser->store, releaser->keys, name, &releaser->plain, error);
    store_rollback(releaser->store);
    if (status == 0)
        return error_set(error, ENOENT, "it is not in the quarantine any more");
    return status < 0
               ? status
               : message_file_join(buffer_text(&releaser->envelope), buffer_text(&releaser->plain), result, error);
}

static int send_one(struct releaser *releaser, const char *name, int64_t tries, struct error *error)
{
    static const enum store_release_state states[] = {[RELAYED] = RELEASE_SENT,
                                                      [RELAY_REFUSED] = RELEASE_FAILED,
                                                      [RELAY_LATER] = RELEASE_WAITING,
                                                      [RELAY_NOBODY_KNOWS] = RELEASE_IN_DOUBT};
    CLEANUP(message_file_destroy) struct message_file *file = NULL;
    char answer[RELAY_ANSWER];
    struct error why = {0};
    int status = open_message(releaser, name, &file, &why);
    if (status < 0 || !file->complete) /* what was cut is not what its sender wrote */
        return write_end(releaser, name, RELEASE_FAILED,
                         status < 0 ? why.text : "only a part of it is kept, and that is sent to nobody", 0, error);
    const struct relay_message message = {.name = name,
                                          .from = file->from,
                                          .recipients = file->recipients,
                                          .recipient_count = file->recipient_count,
                                          .content = file->content};
    enum store_release_state state = states[relay_send(releaser->settings->relay, releaser->settings->helo,
                                                       releaser->settings->patience, &message, answer)];
    if (state == RELEASE_WAITING && tries + 1 >= TRIES_MOST)
        state = RELEASE_FAILED;
    return write_end(releaser, name, state, answer, pause_after(tries), error);
}

/* --- rounds --- */

static int tidy(struct releaser *releaser, struct error *error)
{
    moment now = 0;
    if (releaser->store == NULL || clock_steady() < releaser->tidy_after)
        return 0;
    releaser->tidy_after = clock_steady() + TIDY;
    int status = begin(releaser, &now, error);
    if (status >= 0)
        status = store_releases_tidy(releaser->store, now - releaser->forget, error);
    return end(releaser, status, error);
}

/* How long until the next round. */
static duration step(struct releaser *releaser)
{
    char name[STORE_MESSAGE_NAME];
    int64_t tries = 0;
    struct error error = {0};
    int status = releaser->looked ? 0 : unclaim(releaser, &error);
    if (status >= 0)
        status = is_wanted(releaser, &error);
    if (status > 0)
        status = claim(releaser, name, &tries, &error);
    bool more = status > 0;
    if (more)
        status = send_one(releaser, name, tries, &error);
    if (status >= 0)
        status = tidy(releaser, &error);
    return more && status >= 0 ? 0 : EVERY;
}

static void *work(void *context)
{
    struct releaser *releaser = context;
    pthread_mutex_lock(&releaser->lock);
    while (!releaser->ending) {
        pthread_mutex_unlock(&releaser->lock);
        duration pause = step(releaser);
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        moment then = until.tv_sec * SECOND + until.tv_nsec + pause;
        until = (struct timespec){.tv_sec = then / SECOND, .tv_nsec = then % SECOND};
        pthread_mutex_lock(&releaser->lock);
        if (!releaser->ending && pause > 0)
            pthread_cond_clockwait(&releaser->end, &releaser->lock, CLOCK_MONOTONIC, &until);
    }
    pthread_mutex_unlock(&releaser->lock);
    return NULL;
}

/* --- its life --- */

static void releaser_free(struct releaser **releaser)
{
    if (*releaser == NULL)
        return;
    store_close(&(*releaser)->store);
    buffer_clear(&(*releaser)->plain);
    buffer_clear(&(*releaser)->envelope);
    pthread_cond_destroy(&(*releaser)->end);
    pthread_mutex_destroy(&(*releaser)->lock);
    free((*releaser)->where);
    free(*releaser);
    *releaser = NULL;
}

int releaser_create(const char *where, const struct quarantine_settings *settings, const struct packing_keys *keys,
                    duration forget, struct releaser **result, struct error *error)
{
    CLEANUP(releaser_free) struct releaser *releaser = calloc(1, sizeof *releaser);
    sigset_t all, before;
    if (releaser == NULL || (releaser->where = strdup(where)) == NULL) {
        free(TAKE(releaser));
        return error_set(error, ENOMEM, "no memory for a thread");
    }
    releaser->settings = settings;
    releaser->keys = keys;
    releaser->forget = forget;
    pthread_mutex_init(&releaser->lock, NULL);
    pthread_cond_init(&releaser->end, NULL);
    buffer_init(&releaser->plain, PACKING_PLAIN_MOST);
    buffer_init(&releaser->envelope, MESSAGE_ENVELOPE_MOST + 1);
    sigfillset(&all); /* signals are the loop's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = pthread_create(&releaser->thread, NULL, work, releaser);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status != 0)
        return error_set(error, status, "cannot start a thread: %s", strerror(status));
    *result = TAKE(releaser);
    return 0;
}

void releaser_destroy(struct releaser **releaser)
{
    if (*releaser == NULL)
        return;
    pthread_mutex_lock(&(*releaser)->lock);
    (*releaser)->ending = true;
    pthread_cond_signal(&(*releaser)->end);
    pthread_mutex_unlock(&(*releaser)->lock);
    pthread_join((*releaser)->thread, NULL);
    releaser_free(releaser);
}
