/* Group commit. A request that fails the transaction takes the others of its group down with it, so then each is run
 * alone, and the one at fault fails alone. */
#include "collector/api/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "collector/api/endpoint.h"
#include "collector/api/heard.h"
#include "collector/api/tidier.h"
#include "collector/store/store.h"
#include "common/cleanup.h"
#include "common/io/clock.h"

#define GROUP_MOST   64
#define GROUP_BODY   ((size_t)16 * 1024 * 1024) /* bytes of bodies in one group, about */
#define TRIES        10
#define REOPEN_AFTER (500 * MILLISECOND)

struct queue {
    struct exchange *first, **end;
};

struct finished {
    pthread_mutex_t lock;
    struct queue queue;
    int descriptor;
};

struct worker {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct queue queue;
    bool writes, ending;
    uint64_t commits;
    char *where;
    struct store *store; /* NULL: it failed and is opened again ... */
    duration open_after; /* ... but not before this steady time ... */
    struct error closed; /* ... and until then this is why it is not there */
    struct finished *finished;
    struct tidier tidier;
    struct heard *heard; /* borrowed; NULL: none */
};

static void queue_add(struct queue *queue, struct exchange *exchange)
{
    exchange->next = NULL;
    if (queue->first == NULL)
        queue->end = &queue->first;
    *queue->end = exchange;
    queue->end = &exchange->next;
}

/* --- what is done --- */

int finished_create(struct finished **result, struct error *error)
{
    struct finished *finished = calloc(1, sizeof *finished);
    int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (finished == NULL || descriptor < 0) {
        free(finished);
        if (descriptor >= 0)
            close(descriptor);
        return error_set(error, ENOMEM, "cannot make a queue: %s", strerror(errno));
    }
    finished->descriptor = descriptor;
    pthread_mutex_init(&finished->lock, NULL);
    *result = finished;
    return 0;
}

void finished_destroy(struct finished **finished)
{
    if (*finished == NULL)
        return;
    close((*finished)->descriptor);
    pthread_mutex_destroy(&(*finished)->lock);
    free(*finished);
    *finished = NULL;
}

int finished_descriptor(const struct finished *finished)
{
    return finished->descriptor;
}

struct exchange *finished_take(struct finished *finished)
{
    uint64_t number;
    ssize_t got = read(finished->descriptor, &number, sizeof number);
    (void)got; /* nothing to read: nothing was added since */
    pthread_mutex_lock(&finished->lock);
    struct exchange *all = TAKE(finished->queue.first);
    pthread_mutex_unlock(&finished->lock);
    return all;
}

static void give_back(struct finished *finished, struct exchange **group, size_t count)
{
    const uint64_t one = 1;
    pthread_mutex_lock(&finished->lock);
    for (size_t i = 0; i < count; i++)
        queue_add(&finished->queue, group[i]);
    pthread_mutex_unlock(&finished->lock);
    ssize_t put = write(finished->descriptor, &one, sizeof one);
    (void)put; /* the counter is full: then it is readable as well */
}

/* --- the work --- */

static int run_one(struct worker *worker, struct exchange *exchange, struct error *error)
{
    struct store *store = worker->store;
    exchange_reset(exchange);
    int status = endpoint_authorise(store, exchange, error);
    if (status == 401)
        return exchange_refuse(exchange, 401, "no such secret, or it was taken back");
    if (status > 0)
        return exchange_refuse(exchange, status, "whoever has this secret may not do that");
    if (status == 0 && worker->heard && exchange->node.id != 0)
        heard_note(worker->heard, exchange->node.id, clock_steady());
    if (status < 0 || exchange->step == STEP_ADMIT || exchange->endpoint->handle == NULL)
        return status;
    return exchange->endpoint->handle(store, exchange, error);
}

static int begin(struct worker *worker, struct exchange **group, size_t count, struct error *error)
{
    bool settled = false;
    if (worker->writes)
        return store_begin(worker->store, error);
    for (size_t i = 0; i < count; i++)
        settled |= group[i]->endpoint->settled;
    int status = settled ? store_settle(worker->store, error) : 0;
    return status < 0 ? status : store_begin_reading(worker->store, error);
}

static int run_together(struct worker *worker, struct exchange **group, size_t count, struct error *error)
{
    struct store *store = worker->store;
    int status = begin(worker, group, count, error);
    for (size_t i = 0; i < count && status >= 0; i++) {
        if (worker->writes) /* of several collectors each has a clock, and the one who reads what they wrote another */
            status = store_now(store, group[i]->arrived, &group[i]->arrived, error);
        if (status >= 0)
            status = run_one(worker, group[i], error);
    }
    if (status >= 0)
        status = store_commit(store, error);
    if (status < 0)
        store_rollback(store);
    return status;
}

static void pause_for(int try)
{
    const struct timespec time = {0, (long)(try + 1) * 5 * 1000 * 1000};
    nanosleep(&time, NULL);
}

/* A server that does not answer keeps us waiting: so it is not asked again for every request. */
static int open_store(struct worker *worker, struct error *error)
{
    if (worker->store)
        return 0;
    if (worker->closed.code != 0 && clock_steady() < worker->open_after) {
        *error = worker->closed;
        return -error->code;
    }
    int status = store_open(worker->where, &worker->store, error);
    worker->closed = status < 0 ? *error : (struct error){0};
    worker->open_after = clock_steady() + REOPEN_AFTER;
    return status;
}

static int run_group(struct worker *worker, struct exchange **group, size_t count, struct error *error)
{
    int status = -EAGAIN;
    for (int try = 0; try < TRIES && status == -EAGAIN; try++) {
        if (try > 0)
            pause_for(try);
        status = open_store(worker, error);
        if (status < 0)
            return status;
        status = run_together(worker, group, count, error);
        if (status == -ENOTCONN)
            store_close(&worker->store);
        /* A key that another collector has just taken is seen the next time. */
        if (status == -ENOTCONN || status == -EEXIST)
            status = -EAGAIN;
    }
    return status;
}

static void run_all(struct worker *worker, struct exchange **group, size_t count)
{
    struct error error = {0};
    int status = run_group(worker, group, count, &error);
    if (status < 0 && status != -EBUSY && count > 1 && worker->store) { /* busy: it is nobody's fault here */
        for (size_t i = 0; i < count; i++)
            run_all(worker, &group[i], 1);
        return;
    }
    for (size_t i = 0; status < 0 && i < count; i++) { /* one, or all of them where there is no store */
        exchange_refuse(group[i], 503, worker->store ? "the store cannot do that now" : "the store does not answer");
        group[i]->trouble = error;
    }
    __atomic_add_fetch(&worker->commits, 1, __ATOMIC_RELAXED);
    give_back(worker->finished, group, count);
}

static void wait_for_more(struct worker *worker)
{
    struct timespec until;
    if (!worker->tidier.on) {
        pthread_cond_wait(&worker->more, &worker->lock);
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &until); /* conditions know no clock that runs on while the machine sleeps */
    moment then = until.tv_sec * SECOND + until.tv_nsec + tidier_patience(&worker->tidier);
    until = (struct timespec){.tv_sec = then / SECOND, .tv_nsec = then % SECOND};
    pthread_cond_clockwait(&worker->more, &worker->lock, CLOCK_MONOTONIC, &until);
}

/* Bodies are read outside of any transaction, and each is given back at once. */
static void prepare(struct worker *worker, struct exchange *exchange)
{
    struct error error = {0};
    exchange_reset(exchange);
    if (exchange->endpoint->prepare(exchange, &error) < 0) {
        exchange_refuse(exchange, 503, "there is no room for that now");
        exchange->trouble = error;
    }
    give_back(worker->finished, &exchange, 1);
}

/* Puts those that need the store to the front: they take less long than a body. Returns how many. */
static size_t sort_group(struct exchange **group, size_t count)
{
    struct exchange *bodies[GROUP_MOST];
    size_t front = 0, back = 0;
    for (size_t i = 0; i < count; i++)
        if (group[i]->step == STEP_PREPARE)
            bodies[back++] = group[i];
        else
            group[front++] = group[i];
    memcpy(group + front, bodies, back * sizeof bodies[0]);
    return front;
}

/* 0: nothing was asked for, it is to be tidied or ended. */
static size_t take_group(struct worker *worker, struct exchange *group[GROUP_MOST])
{
    size_t count = 0, bytes = 0;
    pthread_mutex_lock(&worker->lock);
    while (worker->queue.first == NULL && !worker->ending && !tidier_is_due(&worker->tidier))
        wait_for_more(worker);
    while (worker->queue.first != NULL && count < GROUP_MOST && bytes < GROUP_BODY) {
        group[count] = worker->queue.first;
        worker->queue.first = group[count]->next;
        bytes += group[count]->body.length + group[count]->prepared_size;
        count++;
    }
    pthread_mutex_unlock(&worker->lock);
    return count;
}

static bool is_ending(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    bool ending = worker->ending && worker->queue.first == NULL;
    pthread_mutex_unlock(&worker->lock);
    return ending;
}

static void *work(void *context)
{
    struct worker *worker = context;
    struct exchange *group[GROUP_MOST];
    bool ending = false;
    while (!ending) {
        size_t count = take_group(worker, group), front = sort_group(group, count);
        if (front > 0)
            run_all(worker, group, front);
        for (size_t i = front; i < count; i++)
            prepare(worker, group[i]);
        if (tidier_is_due(&worker->tidier))
            tidier_step(&worker->tidier, &worker->store);
        ending = count == 0 && is_ending(worker);
    }
    return NULL;
}

/* --- its life --- */

static void worker_free(struct worker **worker)
{
    if (*worker == NULL)
        return;
    store_close(&(*worker)->store);
    pthread_cond_destroy(&(*worker)->more);
    pthread_mutex_destroy(&(*worker)->lock);
    free((*worker)->where);
    free(*worker);
    *worker = NULL;
}

int worker_create(const char *where, const struct store_retention *keep, struct heard *heard, struct finished *finished,
                  struct worker **result, struct error *error)
{
    CLEANUP(worker_free) struct worker *worker = calloc(1, sizeof *worker);
    sigset_t all, before;
    if (worker == NULL || (worker->where = strdup(where)) == NULL)
        return error_set(error, ENOMEM, "no memory for a thread");
    worker->finished = finished;
    worker->heard = keep ? NULL : heard;
    worker->writes = keep != NULL;
    if (keep)
        tidier_begin(&worker->tidier, keep, heard);
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->more, NULL);
    int opened = open_store(worker, error), status;
    if (opened < 0 && opened != -ENOTCONN)
        return opened;
    sigfillset(&all); /* signals are the loop's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    status = pthread_create(&worker->thread, NULL, work, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status != 0)
        return error_set(error, status, "cannot start a thread: %s", strerror(status));
    *result = TAKE(worker);
    return opened < 0 ? 1 : 0;
}

void worker_destroy(struct worker **worker)
{
    if (*worker == NULL)
        return;
    pthread_mutex_lock(&(*worker)->lock);
    (*worker)->ending = true;
    pthread_cond_signal(&(*worker)->more);
    pthread_mutex_unlock(&(*worker)->lock);
    pthread_join((*worker)->thread, NULL);
    worker_free(worker);
}

void worker_add(struct worker *worker, struct exchange *exchange)
{
    pthread_mutex_lock(&worker->lock);
    queue_add(&worker->queue, exchange);
    pthread_cond_signal(&worker->more);
    pthread_mutex_unlock(&worker->lock);
}

uint64_t worker_commits(struct worker *worker)
{
    return __atomic_load_n(&worker->commits, __ATOMIC_RELAXED);
}
