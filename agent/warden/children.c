/* A child that dies is started anew at once; one that dies again and again waits longer each time, up to half a minute,
 * so that a fault that is always there does not eat the machine. */
#include "agent/warden/children.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>
#include "agent/message/role.h"
#include "common/cleanup.h"
#include "common/io/clock.h"

#define SILENCE      (10 * SECOND)
#define LIVED_WELL   (20 * SECOND) /* a child that lived that long starts with a clean sheet */
#define PAUSE_FIRST  (100 * MILLISECOND)
#define PAUSE_MOST   (30 * SECOND)
#define WAITING_MOST 65536 /* messages: a restarted watcher is told of thousands of ports at once */

struct child {
    struct children *all;
    enum role role;
    struct talk *talk;
    sd_event_source *pause;
    duration began, heard, next_pause;
    bool asked_for, stopped; /* the supervisor was asked to start it, to kill it */
    int peer;                /* its end of the channel to the other one, until it can be handed over; -1: none */
    int32_t pid;
    uint32_t starts;
};

struct children {
    sd_event *loop;
    int supervisor, bundle, memory;
    uint64_t bundle_size, key[2];
    duration ticked;
    struct children_listener listener;
    struct child child[ROLES];
};

/* --- beginnings ----------------------------------------------------------------------------------------------------
 */

int children_open(sd_event *loop, int supervisor, const struct children_listener *listener, struct children **result,
                  struct error *error)
{
    CLEANUP(children_close) struct children *all = calloc(1, sizeof(*all));
    if (!all)
        return error_set(error, ENOMEM, "no memory for the children");
    *all = (struct children){.loop = sd_event_ref(loop), .supervisor = supervisor, .bundle = -1, .listener = *listener};
    for (int role = 0; role < ROLES; role++)
        all->child[role] = (struct child){.all = all, .role = (enum role)role, .peer = -1, .next_pause = PAUSE_FIRST};
    /* The senders' memory lives as long as the warden. Its size is the watcher's business. */
    all->memory = memfd_create("postern-senders", MFD_CLOEXEC);
    if (all->memory < 0 || getrandom(all->key, sizeof(all->key), 0) != sizeof(all->key))
        return error_set(error, errno, "cannot make the senders' memory: %s", strerror(errno));
    *result = TAKE(all);
    return 0;
}

static void close_descriptor(int *descriptor)
{
    if (*descriptor >= 0)
        close(*descriptor);
    *descriptor = -1;
}

void children_close(struct children **owner)
{
    struct children *all = *owner;
    *owner = NULL;
    if (!all)
        return;
    for (int role = 0; role < ROLES; role++) {
        talk_close(&all->child[role].talk);
        sd_event_source_disable_unref(all->child[role].pause);
        close_descriptor(&all->child[role].peer);
    }
    close_descriptor(&all->bundle);
    close_descriptor(&all->memory);
    sd_event_unref(all->loop);
    free(all);
}

static struct child *other(struct child *child)
{
    return &child->all->child[child->role == ROLE_WATCHER ? ROLE_COURIER : ROLE_WATCHER];
}

static void tell(struct children *all, uint8_t severity, const char *what, const char *text)
{
    all->listener.event(all->listener.context, severity, what, text);
}

/* --- handing over --------------------------------------------------------------------------------------------------
 */

/* Says a message with a copy of a descriptor that we keep. */
static void say_with(struct child *child, const union message *message, int descriptor)
{
    int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
    if (copy >= 0)
        talk_say(child->talk, message, copy, TALK_MUST);
}

static void say_configuration(struct child *child)
{
    union message message;
    message_prepare(&message, MESSAGE_CONFIGURATION, 0);
    message.configuration.size = child->all->bundle_size;
    say_with(child, &message, child->all->bundle);
}

static void say_memory(struct child *child)
{
    union message message;
    message_prepare(&message, MESSAGE_MEMORY, 0);
    message.memory.fresh = child->starts == 1;
    memcpy(message.memory.key, child->all->key, sizeof(message.memory.key));
    say_with(child, &message, child->all->memory);
}

/* Each start of one brings a new channel between the two; the end of the one that is not there waits for it. */
static void say_peer(struct child *child)
{
    struct child *peer = other(child);
    union message message;
    message_prepare(&message, MESSAGE_PEER, 0);
    if (child->peer < 0) {
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
            return;
        child->peer = ends[0];
        close_descriptor(&peer->peer);
        if (peer->talk)
            talk_say(peer->talk, &message, ends[1], TALK_MUST);
        else
            peer->peer = ends[1];
    }
    talk_say(child->talk, &message, child->peer, TALK_MUST);
    child->peer = -1;
}

void children_configure(struct children *all, int bundle, uint64_t size)
{
    close_descriptor(&all->bundle);
    all->bundle = bundle;
    all->bundle_size = size;
    for (int role = 0; role < ROLES; role++)
        if (all->child[role].talk)
            say_configuration(&all->child[role]);
}

/* --- life and death ------------------------------------------------------------------------------------------------
 */

static void ask_for(struct child *child)
{
    struct supervise start = {.kind = SUPERVISE_START, .role = child->role};
    struct error error = {0};
    child->asked_for = supervise_send(child->all->supervisor, &start, -1, &error) == 0;
}

void children_start(struct children *all, enum role role)
{
    ask_for(&all->child[role]);
}

static int on_pause_over(sd_event_source *source, uint64_t now, void *context)
{
    (void)source;
    (void)now;
    ask_for(context);
    return 0;
}

static void start_later(struct child *child)
{
    duration now = clock_steady();
    if (child->began && now - child->began > LIVED_WELL)
        child->next_pause = PAUSE_FIRST;
    child->pause = sd_event_source_disable_unref(child->pause);
    if (sd_event_add_time_relative(child->all->loop, &child->pause, CLOCK_MONOTONIC,
                                   (uint64_t)(child->next_pause / MICROSECOND), 1000, on_pause_over, child) < 0)
        ask_for(child);
    child->next_pause = child->next_pause * 2 > PAUSE_MOST ? PAUSE_MOST : child->next_pause * 2;
}

static void stop(struct child *child)
{
    struct supervise message = {.kind = SUPERVISE_STOP, .role = child->role};
    struct error error = {0};
    if (!child->stopped && child->pid)
        child->stopped = supervise_send(child->all->supervisor, &message, -1, &error) == 0;
}

static void on_message(void *context, const union message *message, int descriptor)
{
    struct child *child = context;
    child->heard = clock_steady();
    if (message->head.kind != MESSAGE_ALIVE)
        child->all->listener.message(child->all->listener.context, child->role, message, descriptor);
}

/* Gone, or not to be trusted any more. If it still lives it is killed; that it ended is then the supervisor's news. */
static void on_talk_ended(void *context, const struct error *why)
{
    struct child *child = context;
    char text[300];
    talk_close(&child->talk);
    if (why->code == EPROTO) {
        snprintf(text, sizeof(text), "the %s is ended: %s", role_name(child->role), why->text);
        tell(child->all, 2, "restart", text);
    }
    stop(child);
}

static void began(struct child *child, int channel, int32_t pid)
{
    struct children *all = child->all;
    const struct talk_listener listener = {child, on_message, on_talk_ended};
    struct error error = {0};
    child->pid = pid;
    child->starts++;
    child->stopped = false;
    child->began = child->heard = clock_steady();
    talk_close(&child->talk);
    if (talk_open(all->loop, (struct channel){channel, ROLE_WARDEN, child->role}, &listener, WAITING_MOST, &child->talk,
                  &error) != 0) {
        tell(all, 2, "restart", error.text);
        stop(child);
        return;
    }
    say_configuration(child);
    if (child->role == ROLE_WATCHER)
        say_memory(child);
    say_peer(child);
    all->listener.started(all->listener.context, child->role);
    talk_plain(child->talk, MESSAGE_READY, 0, TALK_MUST);
    if (child->starts > 1) {
        char text[100];
        snprintf(text, sizeof(text), "the %s runs again as process %d", role_name(child->role), (int)pid);
        tell(all, 0, "restart", text);
    }
}

static void ended(struct child *child, int32_t status)
{
    char text[200];
    int number = status & ~SUPERVISE_BY_SIGNAL;
    if (status == (SUPERVISE_BY_SIGNAL | SIGSYS))
        snprintf(text, sizeof(text), "the %s was killed: it made a forbidden system call", role_name(child->role));
    else if (status & SUPERVISE_BY_SIGNAL)
        snprintf(text, sizeof(text), "the %s was killed by signal %d (%s); it is started anew", role_name(child->role),
                 number, strsignal(number));
    else
        snprintf(text, sizeof(text), "the %s ended with status %d; it is started anew", role_name(child->role), number);
    tell(child->all, 2, "restart", text);
    talk_close(&child->talk);
    child->pid = 0;
    close_descriptor(&other(child)->peer); /* its far end died with this one */
    start_later(child);
}

void children_supervised(struct children *all, const struct supervise *news, int descriptor)
{
    struct child *child = &all->child[news->role];
    char text[200];
    switch (news->kind) {
    case SUPERVISE_STARTED:
        began(child, descriptor, news->pid);
        return;
    case SUPERVISE_FAILED:
        snprintf(text, sizeof(text), "the %s cannot be started: %s", role_name(child->role), strerror(news->status));
        tell(all, 2, "restart", text);
        start_later(child);
        return;
    case SUPERVISE_ENDED:
        ended(child, news->status);
        return;
    default:
        return;
    }
}

void children_tick(struct children *all)
{
    duration now = clock_steady();
    bool were_away = now - all->ticked > SILENCE / 2; /* then it is us who did not listen */
    all->ticked = now;
    for (int role = 0; role < ROLES; role++) {
        struct child *child = &all->child[role];
        if (were_away)
            child->heard = now;
        if (!child->pid || child->stopped || now - child->heard < SILENCE)
            continue;
        char text[100];
        snprintf(text, sizeof(text), "the %s has been silent for %d seconds: it is ended", role_name(child->role),
                 (int)(SILENCE / SECOND));
        tell(all, 2, "restart", text);
        stop(child);
    }
}

bool children_say(struct children *all, enum role role, const union message *message, int descriptor,
                  enum talk_weight weight)
{
    if (all->child[role].talk)
        return talk_say(all->child[role].talk, message, descriptor, weight);
    close_descriptor(&descriptor);
    return false;
}

uint32_t children_restarts(const struct children *all, enum role role)
{
    return all->child[role].starts ? all->child[role].starts - 1 : 0;
}

uint32_t children_waiting(const struct children *all, enum role role)
{
    return all->child[role].talk ? talk_waiting(all->child[role].talk) : 0;
}
