/* A child runs one job, writes its result into a pipe and is gone, with all that it had taken. It is a copy of this
 * process, so that a pointer to a word of the program means the same on both sides and structures travel as they stand.
 * Not more than a few jobs run ahead of the one whose turn it is: memory is bounded by them. */
#include "tests/lab/jobs.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/buffer.h"
#include "common/cleanup.h"
#include "tests/lab/node.h"

#define AHEAD       4 /* jobs for each process */
#define RESULT_MOST ((size_t)1 << 30)

/* What stands at the front of a parcel. */
struct label {
    int status; /* of lab_run() */
    struct error error;
    struct lab_result result; /* its senders follow, then their snapshots */
};

struct slot {
    pid_t child; /* 0: nothing is here */
    int pipe;    /* -1: all was read */
    struct buffer parcel;
};

struct crew {
    const struct lab_jobs *jobs;
    struct slot *slots;
    struct pollfd *polled;
    size_t slot_count, total;
    size_t begun, taken; /* job n is in slot n % slot_count */
    unsigned running;
};

/* --- in the child --- */

static bool write_all(int descriptor, const void *bytes, size_t length)
{
    for (const char *at = bytes; length > 0;) {
        ssize_t done = write(descriptor, at, length);
        if (done < 0 && errno != EINTR)
            return false;
        if (done > 0) {
            at += done;
            length -= (size_t)done;
        }
    }
    return true;
}

static bool send_result(int descriptor, const struct label *label)
{
    const struct lab_result *result = &label->result;
    bool good = write_all(descriptor, label, sizeof *label) &&
                (label->status < 0 || write_all(descriptor, result->senders, result->count * sizeof *result->senders));
    for (size_t i = 0; good && label->status >= 0 && i < result->count; i++) {
        const struct lab_sender *sender = &result->senders[i];
        good = write_all(descriptor, sender->snapshots, sender->snapshot_count * sizeof *sender->snapshots);
    }
    return good;
}

static _Noreturn void run_child(const struct lab_jobs *jobs, size_t job, int descriptor)
{
    size_t seeds = jobs->last - jobs->first + 1;
    struct label label = {0};
    label.status =
        lab_run(jobs->scenarios[job / seeds], jobs->first + job % seeds, jobs->settings, &label.result, &label.error);
    for (size_t i = 0; jobs->without_snapshots && label.status >= 0 && i < label.result.count; i++)
        label.result.senders[i].snapshot_count = 0;
    _exit(send_result(descriptor, &label) ? 0 : 1);
}

/* --- in the parent --- */

static const struct lab_scenario *scenario_of(const struct crew *crew, size_t job, uint64_t *seed)
{
    size_t seeds = crew->total / crew->jobs->scenario_count;
    *seed = crew->jobs->first + job % seeds;
    return crew->jobs->scenarios[job / seeds];
}

static int start(struct crew *crew, size_t job, struct error *error)
{
    struct slot *slot = &crew->slots[job % crew->slot_count];
    int ends[2];
    if (pipe(ends) < 0)
        return error_set(error, errno, "cannot make a pipe: %s", strerror(errno));
    fflush(NULL); /* else the child holds a copy of what is not yet written */
    pid_t child = fork();
    if (child < 0) {
        close(ends[0]);
        close(ends[1]);
        return error_set(error, errno, "cannot start a process: %s", strerror(errno));
    }
    if (child == 0) {
        close(ends[0]);
        run_child(crew->jobs, job, ends[1]);
    }
    close(ends[1]);
    slot->child = child;
    slot->pipe = ends[0];
    buffer_init(&slot->parcel, RESULT_MOST);
    crew->running++;
    return 0;
}

static int read_some(struct crew *crew, struct slot *slot, struct error *error)
{
    if (!buffer_reserve(&slot->parcel, 65536))
        return error_set(error, ENOMEM, "no memory for a result");
    ssize_t got = read(slot->pipe, slot->parcel.bytes + slot->parcel.length, 65536);
    if (got < 0)
        return errno == EINTR ? 0 : error_set(error, errno, "cannot read a result: %s", strerror(errno));
    slot->parcel.length += (size_t)got;
    if (got == 0) {
        close(slot->pipe);
        slot->pipe = -1;
        crew->running--;
    }
    return 0;
}

/* Wait for something, and read whatever is there. */
static int read_results(struct crew *crew, struct error *error)
{
    nfds_t count = 0;
    for (size_t i = 0; i < crew->slot_count; i++)
        if (crew->slots[i].child != 0 && crew->slots[i].pipe >= 0)
            crew->polled[count++] = (struct pollfd){.fd = crew->slots[i].pipe, .events = POLLIN};
    if (poll(crew->polled, count, -1) < 0)
        return errno == EINTR ? 0 : error_set(error, errno, "cannot wait for results: %s", strerror(errno));
    nfds_t at = 0;
    for (size_t i = 0; i < crew->slot_count; i++) {
        struct slot *slot = &crew->slots[i];
        if (slot->child == 0 || slot->pipe < 0)
            continue;
        int status = crew->polled[at++].revents ? read_some(crew, slot, error) : 0;
        if (status < 0)
            return status;
    }
    return 0;
}

/* Lets the pointers of the result point into the parcel. False: it is not whole. */
static bool open_parcel(const struct buffer *parcel, struct label *label)
{
    size_t at = sizeof *label;
    if (parcel->length < at)
        return false;
    memcpy(label, parcel->bytes, at);
    if (label->status < 0)
        return true;
    struct lab_result *result = &label->result;
    if ((parcel->length - at) / sizeof *result->senders < result->count)
        return false;
    result->senders = (void *)(parcel->bytes + at);
    at += result->count * sizeof *result->senders;
    for (size_t i = 0; i < result->count; i++) {
        struct lab_sender *sender = &result->senders[i];
        if ((parcel->length - at) / sizeof *sender->snapshots < sender->snapshot_count)
            return false;
        sender->snapshots = (void *)(parcel->bytes + at);
        at += sender->snapshot_count * sizeof *sender->snapshots;
    }
    return at == parcel->length;
}

/* The job whose turn it is has been read: hand it on. */
static int take_one(struct crew *crew, bool (*take)(void *, const struct lab_result *), void *context,
                    struct error *error)
{
    struct slot *slot = &crew->slots[crew->taken % crew->slot_count];
    uint64_t seed;
    const char *name = scenario_of(crew, crew->taken, &seed)->name;
    struct label label;
    int how = 0;
    while (waitpid(slot->child, &how, 0) < 0 && errno == EINTR)
        ;
    slot->child = 0;
    int status = 0;
    if (WIFSIGNALED(how))
        status = error_set(error, ECHILD, "scenario %s, seed %" PRIu64 ": the run died of signal %d", name, seed,
                           WTERMSIG(how));
    else if (!open_parcel(&slot->parcel, &label))
        status =
            error_set(error, EPROTO, "scenario %s, seed %" PRIu64 ": the run ended without a whole result", name, seed);
    else if (label.status < 0) {
        *error = label.error;
        status = error_wrap(error, "scenario %s, seed %" PRIu64, name, seed);
    } else if (!take(context, &label.result))
        status = error_set(error, ENOMEM, "no memory for results");
    buffer_clear(&slot->parcel);
    crew->taken++;
    return status;
}

/* After a failure: nobody is left behind. */
static void dismiss(struct crew *crew)
{
    for (size_t i = 0; crew->slots != NULL && i < crew->slot_count; i++) {
        struct slot *slot = &crew->slots[i];
        if (slot->child == 0)
            continue;
        if (slot->pipe >= 0)
            close(slot->pipe);
        kill(slot->child, SIGKILL);
        waitpid(slot->child, NULL, 0);
        buffer_clear(&slot->parcel);
    }
    free(crew->slots);
    free(crew->polled);
}

static void show_progress(const struct crew *crew)
{
    if (crew->jobs->progress == NULL)
        return;
    if (crew->taken < crew->total)
        fprintf(stderr, "\r%s: %zu of %zu \033[K", crew->jobs->progress, crew->taken, crew->total);
    else
        fprintf(stderr, "\r\033[K");
    fflush(stderr);
}

int lab_jobs_run(const struct lab_jobs *jobs, bool (*take)(void *context, const struct lab_result *), void *context,
                 struct error *error)
{
    CLEANUP(dismiss)
    struct crew crew = {.jobs = jobs,
                        .slot_count = (size_t)jobs->parallel * AHEAD,
                        .total = jobs->scenario_count * (size_t)(jobs->last - jobs->first + 1)};
    crew.slots = calloc(crew.slot_count, sizeof *crew.slots);
    crew.polled = calloc(crew.slot_count, sizeof *crew.polled);
    if (crew.slots == NULL || crew.polled == NULL)
        return error_set(error, ENOMEM, "no memory for %zu jobs", crew.total);
    int status = 0;
    show_progress(&crew);
    while (crew.taken < crew.total && status == 0) {
        struct slot *next = &crew.slots[crew.taken % crew.slot_count];
        if (crew.taken < crew.begun && next->pipe < 0) {
            status = take_one(&crew, take, context, error);
            show_progress(&crew);
        } else if (crew.begun < crew.total && crew.begun < crew.taken + crew.slot_count &&
                   crew.running < jobs->parallel) {
            status = start(&crew, crew.begun, error);
            crew.begun += status == 0;
        } else {
            status = read_results(&crew, error);
        }
    }
    return status;
}
