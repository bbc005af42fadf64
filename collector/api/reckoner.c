/* See reckoner.h. While there is nothing to do it reads one row a second. */
#include "collector/api/reckoner.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/io/clock.h"
#include "common/io/log.h"

#define EVERY  SECOND
#define TOLD   (3 * SECOND)       /* after news: those who wait are not woken each second */
#define ONWARD (50 * MILLISECOND) /* while there is more */

struct reckoner {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t end;
    bool ending;
    char *where;
    struct store *store; /* NULL: it is opened with the next round */
    struct store_reckoner own;
    int descriptor;
    bool failing; /* it was said */
};

/* A question first, which locks nothing: mostly there is nothing to do. */
static int is_wanted(struct reckoner *reckoner, struct error *error)
{
    moment now = clock_now();
    int wanted = store_begin_reading(reckoner->store, error);
    if (wanted == 0)
        wanted = store_now(reckoner->store, now, &now, error);
    if (wanted == 0)
        wanted = store_reckon_wanted(reckoner->store, &reckoner->own, now, error);
    store_rollback(reckoner->store);
    return wanted;
}

static int run(struct reckoner *reckoner, struct error *error)
{
    moment now = clock_now();
    int told = store_begin(reckoner->store, error);
    if (told == 0)
        told = store_now(reckoner->store, now, &now, error);
    if (told == 0)
        told = store_reckon(reckoner->store, &reckoner->own, now, error);
    if (told >= 0) {
        int failure = store_commit(reckoner->store, error);
        told = failure < 0 ? failure : told;
    }
    if (told < 0)
        store_rollback(reckoner->store);
    return told;
}

static void say(struct reckoner *reckoner, int failure, const struct error *error)
{
    /* Another collector that was faster is none of our trouble; that the server is away is said by those who wait. */
    bool failing = failure < 0 && failure != -EAGAIN && failure != -EEXIST && failure != -ENOTCONN;
    if (failing && !reckoner->failing) {
        const struct log log = log_open("collector");
        log_write(&log, LOG_TROUBLE, "what nodes say cannot be put together: %s", error->text);
    }
    reckoner->failing = failing;
}

/* Of what people ask, a little each time. */
static int sum(struct reckoner *reckoner, struct error *error)
{
    moment now = clock_now();
    int status = store_begin(reckoner->store, error);
    if (status == 0)
        status = store_now(reckoner->store, now, &now, error);
    if (status == 0)
        status = store_reckon_shares(reckoner->store, &reckoner->own, now, error);
    if (status == 1)
        status = store_commit(reckoner->store, error);
    if (status <= 0)
        store_rollback(reckoner->store);
    return status < 0 ? status : 0;
}

/* How long until the next round. */
static duration step(struct reckoner *reckoner)
{
    const uint64_t one = 1;
    struct error error = {0};
    int status = reckoner->store ? 0 : store_open(reckoner->where, &reckoner->store, &error);
    reckoner->own.more = false;
    if (status >= 0)
        status = is_wanted(reckoner, &error);
    if (status == 1)
        status = run(reckoner, &error);
    bool told = status == 1;
    if (told) {
        ssize_t put = write(reckoner->descriptor, &one, sizeof one);
        (void)put; /* the counter is full: then it is readable as well */
    }
    if (status >= 0 && !reckoner->own.more)
        status = sum(reckoner, &error);
    if (status == -ENOTCONN)
        store_close(&reckoner->store);
    say(reckoner, status, &error);
    if (status < 0)
        return EVERY;
    return reckoner->own.more ? ONWARD : told ? TOLD : EVERY;
}

static void *work(void *context)
{
    struct reckoner *reckoner = context;
    pthread_mutex_lock(&reckoner->lock);
    while (!reckoner->ending) {
        pthread_mutex_unlock(&reckoner->lock);
        duration pause = step(reckoner);
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        moment then = until.tv_sec * SECOND + until.tv_nsec + pause;
        until = (struct timespec){.tv_sec = then / SECOND, .tv_nsec = then % SECOND};
        pthread_mutex_lock(&reckoner->lock);
        if (!reckoner->ending)
            pthread_cond_clockwait(&reckoner->end, &reckoner->lock, CLOCK_MONOTONIC, &until);
    }
    pthread_mutex_unlock(&reckoner->lock);
    return NULL;
}

static void reckoner_free(struct reckoner **reckoner)
{
    if (*reckoner == NULL)
        return;
    store_close(&(*reckoner)->store);
    if ((*reckoner)->descriptor >= 0)
        close((*reckoner)->descriptor);
    pthread_cond_destroy(&(*reckoner)->end);
    pthread_mutex_destroy(&(*reckoner)->lock);
    free((*reckoner)->where);
    free(*reckoner);
    *reckoner = NULL;
}

int reckoner_create(const char *where, struct reckoner **result, struct error *error)
{
    CLEANUP(reckoner_free) struct reckoner *reckoner = calloc(1, sizeof *reckoner);
    sigset_t all, before;
    if (reckoner == NULL)
        return error_set(error, ENOMEM, "no memory for a thread");
    pthread_mutex_init(&reckoner->lock, NULL);
    pthread_cond_init(&reckoner->end, NULL);
    reckoner->where = strdup(where);
    reckoner->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (reckoner->where == NULL || reckoner->descriptor < 0)
        return error_set(error, errno, "cannot make a thread: %s", strerror(errno));
    do
        randombytes_buf(&reckoner->own.holder, sizeof reckoner->own.holder);
    while (reckoner->own.holder == 0);
    reckoner->own.node = INT64_MIN;
    sigfillset(&all); /* signals are the loop's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = pthread_create(&reckoner->thread, NULL, work, reckoner);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status != 0)
        return error_set(error, status, "cannot start a thread: %s", strerror(status));
    *result = TAKE(reckoner);
    return 0;
}

void reckoner_destroy(struct reckoner **reckoner)
{
    if (*reckoner == NULL)
        return;
    pthread_mutex_lock(&(*reckoner)->lock);
    (*reckoner)->ending = true;
    pthread_cond_signal(&(*reckoner)->end);
    pthread_mutex_unlock(&(*reckoner)->lock);
    pthread_join((*reckoner)->thread, NULL);
    reckoner_free(reckoner);
}

int reckoner_descriptor(const struct reckoner *reckoner)
{
    return reckoner->descriptor;
}

void reckoner_taken(struct reckoner *reckoner)
{
    uint64_t number;
    ssize_t got = read(reckoner->descriptor, &number, sizeof number);
    (void)got; /* nothing there: another reading took it */
}
