/* The courier: the one process of the agent that speaks with people. It keeps the journal, answers the control socket
 * and carries questions to the watcher and the warden. It has its own user and directory and no rights on packets or
 * tables. With a collector it is also the one that speaks with the centre. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "agent/courier/content.h"
#include "agent/courier/courier.h"
#include "agent/courier/desk.h"
#include "agent/courier/exporter.h"
#include "agent/courier/filtering.h"
#include "agent/message/settings.h"
#include "common/cleanup.h"
#include "common/io/clock.h"
#include "common/io/sandbox.h"

#define ANSWER_PATIENCE (3 * SECOND)
#define COMMIT_EVERY    (100 * MILLISECOND)
#define ALIVE_EVERY     SECOND
#define JOURNAL_ENTRIES 500000
#define FLEET_AT_ONCE   200 /* messages in each COMMIT_EVERY */

/* --- the other processes -------------------------------------------------------------------------------------------
 */

static int on_watcher(sd_event_source *, int, uint32_t, void *);

static void lose_watcher(struct courier *courier)
{
    sd_event_source_disable_unref(courier->watcher_source);
    courier->watcher_source = NULL;
    if (courier->watcher.descriptor >= 0)
        close(courier->watcher.descriptor);
    courier->watcher.descriptor = -1;
    desk_lost(courier, ROLE_WATCHER);
    news_forget_half(courier->news);
}

static void meet_watcher(struct courier *courier, int descriptor)
{
    lose_watcher(courier);
    courier->watcher = (struct channel){descriptor, ROLE_COURIER, ROLE_WATCHER};
    if (sd_event_add_io(courier->event, &courier->watcher_source, descriptor, EPOLLIN, on_watcher, courier) < 0)
        lose_watcher(courier);
    if (courier->fleet)
        fleet_begin(courier->fleet);
    filtering_meet(courier);
}

/* What the watcher is to know of other nodes: at most so much at once that it still sees its packets. */
static void tell_fleet(struct courier *courier)
{
    union message message;
    struct error error = {0};
    for (int n = 0; n < FLEET_AT_ONCE && courier->watcher.descriptor >= 0 && fleet_next(courier->fleet, &message);
         n++) {
        if (message_send(&courier->watcher, &message, -1, &error) < 0 && error.code != EPROTO)
            return; /* it is behind, or gone: the rest comes later, to it or to the next */
        fleet_told(courier->fleet, clock_now());
    }
}

/* Whoever may ask may not say what was in others' mail: that is believed of our own milter alone. */
static void answer_content(void *context, const struct policy_request *request, char action[POLICY_ACTION])
{
    struct courier *courier = context;
    union message message;
    struct error error = {0};
    (void)action;
    bool ours = request->user == courier->milter || request->user == 0 || request->user == geteuid();
    if (!ours || courier->watcher.descriptor < 0 || !content_read(request, &message))
        return;
    if (message_send(&courier->watcher, &message, -1, &error) < 0)
        return; /* the watcher is behind, and later it is of no use */
}

/* When all that stands was told and read: a question before that would be answered as if nothing did. It waits
 * meanwhile. */
static void open_policy(struct courier *courier)
{
    struct error error = {0};
    if (!courier->ready || courier->policy || (courier->policy_listener < 0 && courier->relays == 0))
        return;
    int failure = policy_open(courier->event, &courier->policy, &error);
    if (failure == 0) {
        policy_answer_by(courier->policy, POLICY_ACCESS, relay_desk_answer, courier->relay);
        policy_answer_by(courier->policy, POLICY_CONTENT, answer_content, courier);
        policy_admit_by(courier->policy, relay_desk_may_ask, courier->relay);
    }
    if (failure == 0 && courier->policy_listener >= 0)
        failure = policy_listen(courier->policy, courier->policy_listener, &error);
    for (int i = 0; i < courier->relays && failure == 0; i++)
        failure = policy_listen(courier->policy, ROLE_RELAY + i, &error);
    if (failure < 0)
        log_write(&courier->log, LOG_TROUBLE, "%s", error.text);
}

/* A million take seconds: piece by piece, so that all others are heard meanwhile. */
static int on_relay_loading(sd_event_source *source, void *context)
{
    struct courier *courier = context;
    if (relay_desk_load(courier->relay))
        return 0;
    sd_event_source_set_enabled(source, SD_EVENT_OFF);
    open_policy(courier);
    return 0;
}

static void take_configuration(struct courier *courier, int bundle)
{
    struct error error = {0};
    if (relay_desk_configure(courier->relay, bundle, &error) < 0)
        log_write(&courier->log, LOG_TROUBLE, "%s", error.text);
    if (filtering_configure(courier, bundle, &error) < 0)
        log_write(&courier->log, LOG_TROUBLE, "%s", error.text);
    sd_event_source_set_enabled(courier->relay_loading, SD_EVENT_ON);
}

static void take_message(struct courier *courier, enum role from, const union message *message, int descriptor)
{
    enum message_kind kind = message->head.kind;
    if (kind == MESSAGE_PEER) {
        meet_watcher(courier, descriptor);
        return;
    }
    if (kind == MESSAGE_CONFIGURATION)
        take_configuration(courier, descriptor);
    if (kind == MESSAGE_SAMPLE)
        filtering_take(courier, &message->sample, descriptor);
    if (descriptor >= 0)
        close(descriptor);
    if (kind == MESSAGE_READY) {
        courier->ready = true;
        sd_event_source_set_enabled(courier->relay_loading, SD_EVENT_ON);
    } else if (kind == MESSAGE_ENFORCEMENT) {
        relay_desk_enforce(courier->relay, message->enforcement.on);
    } else if (kind == MESSAGE_ORDER_TOLD) {
        relay_desk_order(courier->relay, &message->order.order);
        news_order(courier->news, &message->order.order);
    } else if ((courier->exporter && exporter_take(courier->exporter, message)) ||
               filtering_answered(courier, message)) {
        return;
    } else if (desk_is_answer(message)) {
        desk_take(courier, from, message);
    } else {
        news_take(courier->news, message);
    }
}

/* False: the peer is gone or broke the rules. */
static bool drain(struct courier *courier, const struct channel *channel)
{
    union message message;
    struct error error = {0};
    enum role from = channel->peer;
    int own = channel->descriptor;
    for (int n = 0; n < 1000 && channel->descriptor == own; n++) {
        int descriptor = -1;
        int got = message_receive(channel, &message, &descriptor, &error);
        if (got == 0)
            return true;
        if (got < 0) {
            if (got != -ECONNRESET)
                log_write(&courier->log, LOG_TROUBLE, "%s: %s", role_name(from), error.text);
            return false;
        }
        take_message(courier, from, &message, descriptor);
    }
    return true;
}

static int on_watcher(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
    (void)source, (void)descriptor, (void)events;
    struct courier *courier = context;
    if (!drain(courier, &courier->watcher))
        lose_watcher(courier);
    return 0;
}

static int on_warden(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
    (void)source, (void)descriptor, (void)events;
    struct courier *courier = context;
    if (!drain(courier, &courier->warden))
        sd_event_exit(courier->event, 0);
    return 0;
}

/* --- time ----------------------------------------------------------------------------------------------------------
 */

static void again_in(sd_event_source *timer, duration after)
{
    sd_event_source_set_time_relative(timer, (uint64_t)(after / MICROSECOND));
    sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

static int on_commit(sd_event_source *timer, uint64_t now, void *context)
{
    (void)now;
    struct courier *courier = context;
    bool had = journal_is_behind(courier->journal);
    bool fine = keeper_commit(&courier->keeper, clock_steady());
    if (had && fine)
        control_each(courier->control, desk_follow, courier);
    if (courier->uplink)
        uplink_go(courier->uplink);
    filtering_tell(courier);
    if (courier->fleet)
        tell_fleet(courier);
    again_in(timer, fine ? COMMIT_EVERY : SECOND);
    return 0;
}

static int on_alive(sd_event_source *timer, uint64_t now, void *context)
{
    (void)now;
    struct courier *courier = context;
    union message message;
    struct error error = {0};
    message_prepare(&message, MESSAGE_ALIVE, 0);
    if (courier->ready && message_send(&courier->warden, &message, -1, &error) < 0 && error.code != EAGAIN)
        sd_event_exit(courier->event, 0);
    if (courier->policy)
        policy_tick(courier->policy);
    relay_desk_tick(courier->relay);
    if (courier->exporter)
        exporter_tick(courier->exporter, clock_steady());
    desk_give_up(courier, clock_steady() - ANSWER_PATIENCE);
    again_in(timer, ALIVE_EVERY);
    return 0;
}

/* --- beginning and end ---------------------------------------------------------------------------------------------
 */

/* All that the courier does with the system: its own directory, its sockets, its loop. */
static const int allowed_calls[] = {SCMP_SYS(openat),         SCMP_SYS(newfstatat),      SCMP_SYS(lstat),
                                    SCMP_SYS(stat),           SCMP_SYS(statx),           SCMP_SYS(access),
                                    SCMP_SYS(faccessat),      SCMP_SYS(faccessat2),      SCMP_SYS(unlink),
                                    SCMP_SYS(unlinkat),       SCMP_SYS(rename),          SCMP_SYS(renameat),
                                    SCMP_SYS(renameat2),      SCMP_SYS(ftruncate),       SCMP_SYS(pread64),
                                    SCMP_SYS(pwrite64),       SCMP_SYS(fsync),           SCMP_SYS(fdatasync),
                                    SCMP_SYS(fcntl),          SCMP_SYS(geteuid),         SCMP_SYS(getcwd),
                                    SCMP_SYS(readlink),       SCMP_SYS(fchmod),          SCMP_SYS(fchown),
                                    SCMP_SYS(accept4),        SCMP_SYS(getsockopt),      SCMP_SYS(getpeername),
                                    SCMP_SYS(sendto),         SCMP_SYS(sendmsg),         SCMP_SYS(recvmsg),
                                    SCMP_SYS(recvfrom),       SCMP_SYS(shutdown),        SCMP_SYS(epoll_create1),
                                    SCMP_SYS(epoll_ctl),      SCMP_SYS(epoll_wait),      SCMP_SYS(epoll_pwait),
                                    SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime), SCMP_SYS(utimensat),
                                    SCMP_SYS(lseek),          SCMP_SYS(getpid),          SANDBOX_END};

/* And what it takes to speak with a collector: connections out, a thread that looks up its name, certificates. */
static const int uplink_calls[] = {SCMP_SYS(socket),
                                   SCMP_SYS(socketpair),
                                   SCMP_SYS(connect),
                                   SCMP_SYS(bind),
                                   SCMP_SYS(getsockname),
                                   SCMP_SYS(setsockopt),
                                   SCMP_SYS(getpeername),
                                   SCMP_SYS(sendmmsg),
                                   SCMP_SYS(pipe2),
                                   SCMP_SYS(clone),
                                   SCMP_SYS(clone3),
                                   SCMP_SYS(prctl),
                                   SCMP_SYS(set_robust_list),
                                   SCMP_SYS(prlimit64),
                                   SCMP_SYS(sched_getaffinity),
                                   SCMP_SYS(uname),
                                   SCMP_SYS(ioctl),
                                   SCMP_SYS(open),
                                   SCMP_SYS(getdents64),
                                   SCMP_SYS(sched_getparam),
                                   SCMP_SYS(sched_getscheduler),
                                   SCMP_SYS(getppid),
                                   SCMP_SYS(readlinkat),
                                   SCMP_SYS(mkdir),
                                   SCMP_SYS(mkdirat),
                                   SCMP_SYS(memfd_create),
                                   SANDBOX_END};

/* And to serve metrics over TCP, and relays. */
static const int metrics_calls[] = {SCMP_SYS(setsockopt), SANDBOX_END};

#define COUNT_OF(calls) (sizeof(calls) / sizeof(calls)[0])

static void add_calls(int *calls, const int *more)
{
    while (*calls != SANDBOX_END)
        calls++;
    do
        *calls++ = *more;
    while (*more++ != SANDBOX_END);
}

static int close_doors(const struct courier *courier, struct error *error)
{
    int calls[COUNT_OF(allowed_calls) + COUNT_OF(uplink_calls) + COUNT_OF(metrics_calls)];
    memcpy(calls, allowed_calls, sizeof allowed_calls);
    if (courier->uplink)
        add_calls(calls, uplink_calls);
    if (courier->exporter || courier->relays)
        add_calls(calls, metrics_calls);
    return sandbox_enter(calls, error);
}

static void on_uplink_event(void *context, uint8_t severity, const char *text)
{
    struct courier *courier = context;
    news_event(courier->news, severity, "collector", text);
}

static void on_uplink_told(void *context, const struct fleet_news *news)
{
    struct courier *courier = context;
    if (news->kind == FLEET_NEWS_STANDING)
        standings_feed_take(relay_desk_feed(courier->relay), news->number, &news->standing);
    else
        fleet_take(courier->fleet, news, clock_now());
}

static bool relay_follows(void *context, int64_t *after)
{
    struct courier *courier = context;
    struct standings_feed *feed = relay_desk_feed(courier->relay);
    *after = standings_feed_after(feed);
    return standings_feed_is_wanted(feed);
}

static void on_uplink_followed(void *context, int64_t number)
{
    struct courier *courier = context;
    if (number > 0)
        standings_feed_done(relay_desk_feed(courier->relay), number);
    else
        standings_feed_forget(relay_desk_feed(courier->relay));
}

static int make_spool(struct courier *courier, const struct role_start *start, struct error *error)
{
    char path[512];
    if (start->centre < 0)
        return 0;
    int failure = collector_read(start->centre, &courier->collector, error);
    close(start->centre);
    const struct spool_settings settings = {.size = courier->collector.settings.spool,
                                            .age = courier->collector.settings.spool_age};
    snprintf(path, sizeof path, "%s/spool.db", start->state);
    if (failure == 0)
        failure = spool_create(path, &settings, &courier->spool, error);
    return failure < 0 ? failure : filtering_begin(courier, start->state, error);
}

static int make_uplink(struct courier *courier, struct error *error)
{
    const struct uplink_listener listener = {.context = courier,
                                             .carry_out = desk_carry_out,
                                             .event = on_uplink_event,
                                             .told = on_uplink_told,
                                             .follows = relay_follows,
                                             .followed = on_uplink_followed,
                                             .has_room = filtering_has_room,
                                             .filtered = filtering_hear};
    if (!courier->spool)
        return 0;
    int failure = uplink_create(courier->event, &courier->collector, courier->spool, courier->samples, &courier->log,
                                &listener, &courier->uplink, error);
    courier->fleet = failure < 0 ? NULL : fleet_create();
    return failure < 0 || courier->fleet ? failure : error_set(error, ENOMEM, "no memory for what the fleet knows");
}

static int make_relay(struct courier *courier, const struct role_start *start, struct error *error)
{
    char path[512];
    snprintf(path, sizeof path, "%s/relay.db", start->state);
    courier->policy_listener = start->policy;
    courier->relays = start->relays;
    bool asked = start->policy >= 0 || start->relays > 0;
    return relay_desk_create(asked ? path : NULL, courier->news, &courier->relay, error);
}

static int add_timers(struct courier *courier)
{
    int code = sd_event_add_time_relative(courier->event, &courier->commit_timer, CLOCK_MONOTONIC,
                                          COMMIT_EVERY / MICROSECOND, 10000, on_commit, courier);
    if (code >= 0)
        code = sd_event_add_time_relative(courier->event, &courier->alive_timer, CLOCK_MONOTONIC, 0, 10000, on_alive,
                                          courier);
    if (code >= 0)
        code = sd_event_add_defer(courier->event, &courier->relay_loading, on_relay_loading, courier);
    if (code >= 0)
        code = sd_event_source_set_enabled(courier->relay_loading, SD_EVENT_OFF);
    return code;
}

static int enter(struct courier *courier, const struct role_start *start, struct error *error)
{
    char path[512];
    gid_t group;
    role_find_user(ROLE_MILTER_USER, ROLE_MILTER_NUMBER, &courier->milter, &group);
    snprintf(path, sizeof path, "%s/agent.db", start->state);
    int failure = journal_create(path, JOURNAL_ENTRIES, &courier->journal, error);
    if (failure == 0)
        failure = make_spool(courier, start, error);
    if (failure == 0)
        failure = news_create(courier->journal, courier->spool, &courier->news, error);
    if (failure == 0)
        failure = make_relay(courier, start, error);
    if (failure < 0)
        return failure;
    courier->keeper = (struct keeper){
        .journal = courier->journal, .spool = courier->spool, .news = courier->news, .log = &courier->log};
    (void)keeper_commit(&courier->keeper, clock_steady()); /* without a journal we go on: people must be answered */
    int code = sd_event_new(&courier->event);
    if (code >= 0)
        code = sd_event_add_io(courier->event, &courier->warden_source, start->channel, EPOLLIN, on_warden, courier);
    if (code >= 0)
        code = add_timers(courier);
    if (code < 0)
        return error_set(error, -code, "cannot begin the loop: %s", strerror(-code));
    const struct control_listener listener = {courier, desk_asked, desk_room, desk_gone};
    failure = control_open(courier->event, start->listener, &listener, &courier->control, error);
    if (failure == 0)
        failure = make_uplink(courier, error);
    if (failure == 0 && start->metrics >= 0)
        failure = exporter_open(courier, start->metrics, &courier->exporter, error);
    return failure < 0 ? failure : close_doors(courier, error);
}

static void leave(struct courier *courier)
{
    struct error error = {0};
    policy_close(&courier->policy);
    relay_desk_destroy(&courier->relay); /* it has a last word for the spool */
    if (courier->spool && spool_commit(courier->spool, clock_now(), &error) < 0)
        log_write(&courier->log, LOG_TROUBLE, "%s", error.text);
    if (courier->journal && journal_commit(courier->journal, &error) < 0)
        log_write(&courier->log, LOG_TROUBLE, "%s", error.text);
    if (courier->control)
        control_close(&courier->control);
    exporter_close(&courier->exporter);
    uplink_destroy(&courier->uplink);
    fleet_destroy(&courier->fleet);
    filtering_end(courier);
    sd_event_source_disable_unref(courier->warden_source);
    sd_event_source_disable_unref(courier->watcher_source);
    sd_event_source_disable_unref(courier->commit_timer);
    sd_event_source_disable_unref(courier->alive_timer);
    sd_event_source_disable_unref(courier->relay_loading);
    sd_event_unref(courier->event);
    news_destroy(&courier->news);
    journal_close(&courier->journal);
    spool_close(&courier->spool);
    if (courier->watcher.descriptor >= 0)
        close(courier->watcher.descriptor);
}

int courier_main(const struct role_start *start)
{
    struct courier *courier = calloc(1, sizeof *courier);
    struct error error = {0};
    if (!courier)
        return 1;
    courier->log = log_open("courier");
    courier->warden = (struct channel){start->channel, ROLE_COURIER, ROLE_WARDEN};
    courier->watcher.descriptor = -1;
    courier->begun = clock_steady();
    int failure = enter(courier, start, &error);
    if (failure == 0)
        failure = sd_event_loop(courier->event);
    else
        log_write(&courier->log, LOG_TROUBLE, "%s", error.text);
    leave(courier);
    free(courier);
    return failure < 0 ? 1 : 0;
}
