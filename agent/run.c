/* The supervisor: reads the configuration, makes what the agent needs on the machine, and keeps the warden running; the
 * warden keeps the others running through it. It talks to nobody but its own warden, whose messages are a few numbers.
 */
#include "agent/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <unistd.h>
#include "agent/central.h"
#include "agent/household.h"
#include "agent/load.h"
#include "agent/message/role.h"
#include "agent/message/sealed.h"
#include "agent/message/supervise.h"
#include "agent/offspring.h"
#include "agent/settings.h"
#include "common/cleanup.h"
#include "common/io/clock.h"
#include "common/io/log.h"
#include "common/io/sandbox.h"

#define SILENCE      (15 * SECOND)
#define LIVED_WELL   (20 * SECOND)
#define PAUSE_FIRST  (100 * MILLISECOND)
#define PAUSE_MOST   (30 * SECOND)
#define END_PATIENCE (3 * SECOND) /* then what still lives is killed: five seconds are promised */

#define CAPABILITY(name) (UINT64_C(1) << (name))
#define WARDENS_RIGHTS   (CAPABILITY(CAP_NET_ADMIN) | CAPABILITY(CAP_NET_RAW))
/* To see which program of a user sends; what we do not hold ourselves we cannot pass on. */
#define SIGHT (CAPABILITY(CAP_SYS_PTRACE) | CAPABILITY(CAP_DAC_READ_SEARCH))
/* Ours: to start others under their users and with their priority, to end them, to pass the warden's rights on, to read
 * the configuration again. */
#define OUR_RIGHTS                                                                                                     \
    (WARDENS_RIGHTS | CAPABILITY(CAP_SETUID) | CAPABILITY(CAP_SETGID) | CAPABILITY(CAP_SETPCAP) |                      \
     CAPABILITY(CAP_KILL) | CAPABILITY(CAP_SYS_NICE) | CAPABILITY(CAP_DAC_READ_SEARCH))

struct process {
    struct supervisor *supervisor;
    sd_event_source *watch;
    pid_t pid;   /* 0: none */
    bool wanted; /* start it when the one that is ending has ended */
};

/* Of a process that is our own: it needs nobody, and nobody waits for it. */
struct own {
    sd_event_source *pause;
    duration began, next_pause;
};

struct supervisor {
    struct log log;
    const struct run_options *options;
    sd_event *loop;
    struct configuration configuration; /* as it was at the start: users and places do not change */
    struct household house;
    struct process process[ROLES];
    struct own own[ROLES];
    sd_event_source *channel_source, *pause, *patience;
    int channel, bundle, centre; /* -1: none */
    struct central central;      /* the collector's settings, as they are kept */
    int64_t revision;            /* of those in the bundle; 0: none are in force */
    char left_out[240];          /* why not, where there are some */
    duration began, heard, next_pause;
    char before[120]; /* how the warden before ended; empty: there was none */
    bool was_ready, finishing;
};

static void end_all(struct supervisor *s, int number);

/* --- configuration -------------------------------------------------------------------------------------------------
 */

/* What the courier alone is told; -1: there is no collector. */
static int load_collector(struct configuration *configuration, int *result, struct error *error)
{
    struct buffer bytes;
    *result = -1;
    int code = configuration_collector(configuration, &bytes, error);
    if (code == 0 && bytes.length > 0)
        code = sealed_make("postern-collector", buffer_text(&bytes), result, error);
    buffer_clear(&bytes);
    return code;
}

static void say_warden(struct supervisor *s, const struct supervise *message, int descriptor)
{
    struct error error = {0};
    if (s->channel >= 0 && supervise_send(s->channel, message, descriptor, &error) == -EAGAIN)
        log_write(&s->log, LOG_TROUBLE, "the warden does not listen");
}

static struct load_source source_of(const struct supervisor *s)
{
    return (struct load_source){s->options->config, s->options->socket, s->options->state, &s->configuration};
}

static void say_unchanged(struct supervisor *s, const char *text)
{
    struct supervise message = {.kind = SUPERVISE_UNCHANGED};
    snprintf(message.text, sizeof(message.text), "%s", text);
    if (text[0])
        say_warden(s, &message, -1);
}

/* The new one goes to the warden; what it is about the others learn from it. */
static void put_in_force(struct supervisor *s, struct loaded *loaded)
{
    configuration_clear(&loaded->configuration);
    close(s->bundle);
    s->bundle = loaded->bundle;
    s->revision = loaded->revision;
    memcpy(s->left_out, loaded->left_out, sizeof(s->left_out));
    say_warden(s, &(struct supervise){.kind = SUPERVISE_CONFIGURATION, .revision = s->revision}, s->bundle);
    say_unchanged(s, loaded->kept);
    say_unchanged(s, s->left_out);
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *information, void *context)
{
    struct supervisor *s = context;
    const struct load_source from = source_of(s);
    struct loaded loaded;
    struct error error = {0};
    (void)source;
    (void)information;
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)(clock_steady() / MICROSECOND));
    if (load(&from, &s->central, false, &loaded, &error) == 0) {
        put_in_force(s, &loaded);
    } else {
        error_wrap(&error, "the old configuration stays");
        say_unchanged(s, error.text);
    }
    sd_notify(0, "READY=1");
    return 0;
}

static int keep_settings(struct supervisor *s, struct central *came, struct error *error)
{
    int code = central_keep(s->configuration.process.agent.state, came, error);
    if (code != 0)
        return code;
    central_clear(&s->central);
    s->central = *came;
    *came = (struct central){0};
    return 0;
}

/* Kept before it is in force: what was acknowledged is there after a restart. It is kept too where this machine's file
 * says that it takes none: the collector does not send it again when the file says otherwise. */
static int take_settings(struct supervisor *s, int descriptor, int64_t revision, struct error *error)
{
    CLEANUP(central_clear) struct central came = {0};
    const struct load_source from = source_of(s);
    struct error unkept = {0};
    struct loaded loaded;
    int code = central_receive(descriptor, revision, &came, error);
    if (code == 0)
        code = load(&from, &came, true, &loaded, error);
    if (code == -EPERM && keep_settings(s, &came, &unkept) != 0)
        log_write(&s->log, LOG_TROUBLE, "%s", unkept.text);
    if (code != 0)
        return code;
    code = keep_settings(s, &came, error);
    if (code == 0)
        put_in_force(s, &loaded);
    else
        loaded_clear(&loaded);
    return code;
}

/* The text comes from a process that speaks with the world: of what stands in it only what the options' table allows is
 * done. */
static void on_settings(struct supervisor *s, const struct supervise *asked, int descriptor)
{
    struct supervise answer = {.kind = SUPERVISE_SETTLED, .revision = asked->revision};
    struct error error = {0};
    answer.status = take_settings(s, descriptor, asked->revision, &error);
    snprintf(answer.text, sizeof(answer.text), "%s", answer.status ? error.text : "");
    say_warden(s, &answer, -1);
}

/* --- processes -----------------------------------------------------------------------------------------------------
 */

static int on_child(sd_event_source *source, const siginfo_t *information, void *context);
static int on_channel(sd_event_source *source, int descriptor, uint32_t events, void *context);

/* The warden has the rights of the network and no other, unless someone has said that programs shall be looked for. */
static uint64_t wardens_rights(const struct supervisor *s)
{
    bool sight = s->configuration.process.capture.programs && sandbox_holds(CAP_SYS_PTRACE) &&
                 sandbox_holds(CAP_DAC_READ_SEARCH);
    return WARDENS_RIGHTS | (sight ? SIGHT : 0);
}

static int start(struct supervisor *s, enum role role, int *channel, struct error *error)
{
    const struct offspring offspring[ROLES] = {
        [ROLE_WARDEN] = {ROLE_WARDEN,
                         {geteuid(), getegid(), s->house.log_groups, s->house.log_group_count, wardens_rights(s)},
                         -1,
                         -1,
                         -1,
                         -1,
                         s->configuration.process.agent.state,
                         NULL,
                         0},
        [ROLE_WATCHER] =
            {ROLE_WATCHER, {s->house.watcher, s->house.watcher_group, NULL, 0, 0}, -1, -1, -1, -1, NULL, NULL, 0},
        [ROLE_COURIER] = {ROLE_COURIER,
                          {s->house.courier, s->house.courier_group, NULL, 0, 0},
                          s->house.listener,
                          s->house.policy,
                          s->centre,
                          s->house.metrics,
                          s->house.courier_state,
                          s->house.relays,
                          s->house.relay_count},
        [ROLE_SCRIBE] = {ROLE_SCRIBE,
                         {s->house.scribe, s->house.scribe_group, s->house.log_groups, s->house.log_group_count, 0},
                         s->bundle,
                         -1,
                         -1,
                         -1,
                         s->house.scribe_state,
                         NULL,
                         0},
        [ROLE_MILTER] = {
            ROLE_MILTER,
            {s->house.milter, s->house.milter_group, s->house.milter_groups, s->house.milter_group_count, 0},
            s->bundle,
            -1,
            -1,
            -1,
            NULL,
            NULL,
            0}};
    struct process *process = &s->process[role];
    int code = offspring_start(&offspring[role], channel, &process->pid, error);
    if (code != 0)
        return code;
    code = sd_event_add_child(s->loop, &process->watch, process->pid, WEXITED, on_child, process);
    if (code >= 0)
        return 0;
    kill(process->pid, SIGKILL);
    close(*channel);
    return error_set(error, -code, "cannot watch a process: %s", strerror(-code));
}

static int start_warden(struct supervisor *s, struct error *error)
{
    int code = start(s, ROLE_WARDEN, &s->channel, error);
    if (code != 0)
        return code;
    s->began = s->heard = clock_steady();
    code = sd_event_add_io(s->loop, &s->channel_source, s->channel, EPOLLIN, on_channel, s);
    if (code < 0)
        return error_set(error, -code, "cannot watch the warden: %s", strerror(-code));
    struct supervise first = {.kind = SUPERVISE_CONFIGURATION, .revision = s->revision};
    snprintf(first.text, sizeof(first.text), "%s", s->before);
    say_warden(s, &first, s->bundle);
    say_unchanged(s, s->left_out);
    return 0;
}

static int on_pause_over(sd_event_source *source, uint64_t now, void *context)
{
    struct supervisor *s = context;
    struct error error = {0};
    (void)source;
    (void)now;
    if (s->finishing || start_warden(s, &error) == 0)
        return 0;
    log_write(&s->log, LOG_TROUBLE, "%s", error.text);
    return sd_event_exit(s->loop, 1);
}

static void start_child(struct supervisor *s, enum role role)
{
    struct supervise answer = {.kind = SUPERVISE_STARTED, .role = role};
    struct error error = {0};
    int channel = -1;
    if (s->process[role].pid) { /* the one before is still there: it has to go first */
        s->process[role].wanted = true;
        kill(s->process[role].pid, SIGKILL);
        return;
    }
    s->process[role].wanted = false;
    if (start(s, role, &channel, &error) == 0) {
        answer.pid = s->process[role].pid;
    } else {
        log_write(&s->log, LOG_TROUBLE, "%s", error.text);
        answer.kind = SUPERVISE_FAILED;
        answer.status = error.code;
    }
    say_warden(s, &answer, channel);
    if (channel >= 0)
        close(channel);
}

static bool is_own(const struct supervisor *s, enum role role)
{
    return (role == ROLE_SCRIBE && s->house.scribe_state[0]) || (role == ROLE_MILTER && s->house.runs_milter);
}

/* One of ours; one that ended is started again after a while. */
static void start_own(struct process *process)
{
    struct supervisor *s = process->supervisor;
    enum role role = (enum role)(process - s->process);
    struct error error = {0};
    int channel = -1;
    if (s->finishing || !is_own(s, role) || process->pid)
        return;
    s->own[role].began = clock_steady();
    if (start(s, role, &channel, &error) != 0)
        log_write(&s->log, LOG_TROUBLE, "%s", error.text);
    if (channel >= 0)
        close(channel);
}

static int on_own_pause_over(sd_event_source *source, uint64_t now, void *context)
{
    (void)source;
    (void)now;
    start_own(context);
    return 0;
}

static void own_ended(struct process *process, const char *how)
{
    struct supervisor *s = process->supervisor;
    enum role role = (enum role)(process - s->process);
    struct own *own = &s->own[role];
    if (s->finishing)
        return;
    log_write(&s->log, LOG_TROUBLE, "the %s %s; it is started anew", role_name(role), how);
    if (clock_steady() - own->began > LIVED_WELL)
        own->next_pause = PAUSE_FIRST;
    own->pause = sd_event_source_disable_unref(own->pause);
    (void)sd_event_add_time_relative(s->loop, &own->pause, CLOCK_MONOTONIC, (uint64_t)(own->next_pause / MICROSECOND),
                                     1000, on_own_pause_over, process);
    own->next_pause = own->next_pause * 2 > PAUSE_MOST ? PAUSE_MOST : own->next_pause * 2;
}

static bool all_gone(const struct supervisor *s)
{
    for (int role = 0; role < ROLES; role++)
        if (s->process[role].pid)
            return false;
    return true;
}

/* Without the warden the others know nothing new and can do nothing: all begin anew. What stands in the kernel stays.
 */
static void warden_ended(struct supervisor *s, const char *how)
{
    s->channel_source = sd_event_source_disable_unref(s->channel_source);
    if (s->channel >= 0)
        close(s->channel);
    s->channel = -1;
    if (s->finishing)
        return;
    end_all(s, SIGKILL);
    if (!s->was_ready) {
        log_write(&s->log, LOG_TROUBLE, "the warden %s before it was ready: giving up", how);
        s->finishing = true;
        sd_event_exit(s->loop, 1);
        return;
    }
    snprintf(s->before, sizeof(s->before), "the warden %s; all began anew", how);
    log_write(&s->log, LOG_TROUBLE, "the warden %s; all begin anew", how);
    if (clock_steady() - s->began > LIVED_WELL)
        s->next_pause = PAUSE_FIRST;
    s->pause = sd_event_source_disable_unref(s->pause);
    if (sd_event_add_time_relative(s->loop, &s->pause, CLOCK_MONOTONIC, (uint64_t)(s->next_pause / MICROSECOND), 1000,
                                   on_pause_over, s) < 0)
        sd_event_exit(s->loop, 1);
    s->next_pause = s->next_pause * 2 > PAUSE_MOST ? PAUSE_MOST : s->next_pause * 2;
}

static int on_child(sd_event_source *source, const siginfo_t *information, void *context)
{
    struct process *process = context;
    struct supervisor *s = process->supervisor;
    enum role role = (enum role)(process - s->process);
    bool by_signal = information->si_code != CLD_EXITED;
    char how[80];
    (void)source;
    process->pid = 0;
    process->watch = sd_event_source_disable_unref(process->watch);
    if (by_signal)
        snprintf(how, sizeof(how), "was killed by signal %d (%s)", information->si_status,
                 strsignal(information->si_status));
    else
        snprintf(how, sizeof(how), "ended with status %d", information->si_status);
    if (role == ROLE_WARDEN) {
        warden_ended(s, how);
    } else if (is_own(s, role)) {
        own_ended(process, how);
    } else {
        struct supervise news = {.kind = SUPERVISE_ENDED,
                                 .role = role,
                                 .pid = information->si_pid,
                                 .status = information->si_status | (by_signal ? SUPERVISE_BY_SIGNAL : 0)};
        if (process->wanted) /* a warden that has just begun does not know of the one that ended */
            start_child(s, role);
        else
            say_warden(s, &news, -1);
    }
    if (s->finishing && all_gone(s))
        return sd_event_exit(s->loop, 0);
    return 0;
}

static void end_all(struct supervisor *s, int number)
{
    for (int role = 0; role < ROLES; role++)
        if (s->process[role].pid)
            kill(s->process[role].pid, number);
}

/* --- the warden's wishes -------------------------------------------------------------------------------------------
 */

static bool is_wardens(uint32_t role)
{
    return role == ROLE_WATCHER || role == ROLE_COURIER;
}

static int on_channel(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
    struct supervisor *s = context;
    struct supervise message;
    struct error error = {0};
    int along = -1, code = 0;
    (void)source;
    (void)events;
    while (s->channel >= 0 && (code = supervise_receive(descriptor, &message, &along, &error)) == 1) {
        s->heard = clock_steady();
        if (message.kind == SUPERVISE_READY && !s->finishing) {
            s->was_ready = true;
            sd_notify(0, "READY=1\nSTATUS=watching");
        } else if (message.kind == SUPERVISE_START && is_wardens(message.role) && !s->finishing) {
            start_child(s, (enum role)message.role);
        } else if (message.kind == SUPERVISE_STOP && is_wardens(message.role)) {
            if (s->process[message.role].pid)
                kill(s->process[message.role].pid, SIGKILL);
        } else if (message.kind == SUPERVISE_SETTINGS && !s->finishing) {
            on_settings(s, &message, along);
        }
        if (along >= 0)
            close(along);
    }
    if (code < 0) { /* its end follows, or is made to follow */
        s->channel_source = sd_event_source_disable_unref(s->channel_source);
        if (s->process[ROLE_WARDEN].pid && !s->finishing)
            kill(s->process[ROLE_WARDEN].pid, SIGKILL);
    }
    return 0;
}

static int on_second(sd_event_source *source, uint64_t when, void *context)
{
    struct supervisor *s = context;
    (void)when;
    if (s->process[ROLE_WARDEN].pid && !s->finishing && clock_steady() - s->heard > SILENCE) {
        log_write(&s->log, LOG_TROUBLE, "the warden is silent: it is ended");
        kill(s->process[ROLE_WARDEN].pid, SIGKILL);
    }
    sd_event_source_set_time_relative(source, SECOND / MICROSECOND);
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* --- the end -------------------------------------------------------------------------------------------------------
 */

static int on_out_of_patience(sd_event_source *source, uint64_t now, void *context)
{
    struct supervisor *s = context;
    (void)source;
    (void)now;
    return sd_event_exit(s->loop, 0); /* leave() kills */
}

static int on_terminate(sd_event_source *source, const struct signalfd_siginfo *information, void *context)
{
    struct supervisor *s = context;
    (void)source;
    (void)information;
    if (s->finishing)
        return 0;
    s->finishing = true;
    sd_notify(0, "STOPPING=1");
    say_warden(s, &(struct supervise){.kind = SUPERVISE_FINISH}, -1);
    for (int role = 0; role < ROLES; role++)
        if (is_own(s, (enum role)role) && s->process[role].pid) /* it may be ended at any moment */
            kill(s->process[role].pid, SIGKILL);
    if (all_gone(s))
        return sd_event_exit(s->loop, 0);
    return sd_event_add_time_relative(s->loop, &s->patience, CLOCK_MONOTONIC, END_PATIENCE / MICROSECOND, 1000,
                                      on_out_of_patience, s);
}

/* --- the beginning -------------------------------------------------------------------------------------------------
 */

static int check_rights(struct error *error)
{
    static const struct {
        int capability;
        const char *name, *what;
    } needed[] = {{CAP_NET_RAW, "CAP_NET_RAW", "open packet sockets"},
                  {CAP_NET_ADMIN, "CAP_NET_ADMIN", "watch network links and change nftables"}};
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
        if (!sandbox_holds(needed[i].capability))
            return error_set(error, EPERM,
                             "postern-agent run needs %s to %s: run it as root, or as a service with "
                             "AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW",
                             needed[i].name, needed[i].what);
    return 0;
}

static int on_claim(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
    struct supervisor *s = context;
    (void)source;
    (void)descriptor;
    (void)events;
    household_receive(&s->house);
    return 0;
}

static int make_loop(struct supervisor *s, struct error *error)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
    sigset_t signals;
    sigemptyset(&signals);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        sigaddset(&signals, numbers[i]);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    int code = sd_event_new(&s->loop);
    if (code >= 0)
        code = sd_event_add_signal(s->loop, NULL, SIGTERM, on_terminate, s);
    if (code >= 0)
        code = sd_event_add_signal(s->loop, NULL, SIGINT, on_terminate, s);
    if (code >= 0)
        code = sd_event_add_signal(s->loop, NULL, SIGHUP, on_hangup, s);
    if (code >= 0)
        code = sd_event_add_time_relative(s->loop, NULL, CLOCK_MONOTONIC, 1000000, 1000, on_second, s);
    if (code >= 0)
        code = sd_event_set_watchdog(s->loop, true);
    if (code >= 0 && s->house.claim >= 0)
        code = sd_event_add_io(s->loop, NULL, s->house.claim, EPOLLIN, on_claim, s);
    return code < 0 ? error_set(error, -code, "cannot make an event loop: %s", strerror(-code)) : 0;
}

static int enter(struct supervisor *s, struct error *error)
{
    int code = household_open(&s->configuration.process, s->configuration.metrics.listen, &s->house, error);
    if (code == 0)
        code = make_loop(s, error);
    if (code == 0)
        code = sandbox_become(
            &(struct sandbox_identity){.user = geteuid(),
                                       .group = getegid(),
                                       .capabilities = (geteuid() == 0 ? OUR_RIGHTS : 0) | wardens_rights(s)},
            error);
    if (code == 0)
        code = start_warden(s, error);
    for (int role = 0; code == 0 && role < ROLES; role++)
        start_own(&s->process[role]);
    return code;
}

/* Who was killed does nothing any more, but the kernel may take seconds to close hundreds of packet sockets; that is
 * not waited for. */
static void bury(struct supervisor *s)
{
    for (int tries = 0; tries < 50 && !all_gone(s); tries++) {
        for (int role = 0; role < ROLES; role++)
            if (s->process[role].pid && waitpid(s->process[role].pid, NULL, WNOHANG) != 0)
                s->process[role].pid = 0;
        if (!all_gone(s))
            usleep(10000);
    }
}

static void leave(struct supervisor *s)
{
    end_all(s, SIGKILL);
    for (int role = 0; role < ROLES; role++)
        s->process[role].watch = sd_event_source_disable_unref(s->process[role].watch);
    bury(s);
    household_close(&s->house, &s->configuration.process.agent);
    sd_event_source_disable_unref(s->channel_source);
    sd_event_source_disable_unref(s->pause);
    sd_event_source_disable_unref(s->patience);
    for (int role = 0; role < ROLES; role++)
        sd_event_source_disable_unref(s->own[role].pause);
    sd_event_unref(s->loop);
    if (s->channel >= 0)
        close(s->channel);
    central_clear(&s->central);
    if (s->bundle >= 0) {
        close(s->bundle);
        configuration_clear(&s->configuration);
    }
}

static int begin_configuration(struct supervisor *s, struct error *error)
{
    struct load_source from = source_of(s);
    struct loaded loaded;
    struct error trouble = {0};
    from.in_force = NULL;
    int code = load_first(&from, &s->central, &loaded, &trouble, error);
    if (trouble.code != 0)
        log_write(&s->log, LOG_TROUBLE, "%s", trouble.text);
    if (code != 0)
        return code;
    s->configuration = loaded.configuration;
    s->bundle = loaded.bundle;
    s->revision = loaded.revision;
    memcpy(s->left_out, loaded.left_out, sizeof(s->left_out));
    return 0;
}

int run_supervisor(const struct run_options *options)
{
    struct error error = {0};
    struct supervisor s = {.options = options, .channel = -1, .bundle = -1, .centre = -1, .next_pause = PAUSE_FIRST};
    s.log = log_open("agent");
    s.house.listener = s.house.policy = s.house.metrics = s.house.claim = -1;
    for (int role = 0; role < ROLES; role++)
        s.process[role].supervisor = &s;
    for (int role = 0; role < ROLES; role++)
        s.own[role].next_pause = PAUSE_FIRST;
    int status = 1;
    if (check_rights(&error) != 0)
        fprintf(stderr, "%s\n", error.text);
    else if (begin_configuration(&s, &error) != 0 || load_collector(&s.configuration, &s.centre, &error) != 0) {
        fprintf(stderr, "%s\n", error.text);
        status = 2;
    } else if (enter(&s, &error) == 0)
        status = sd_event_loop(s.loop);
    else
        log_write(&s.log, LOG_TROUBLE, "%s", error.text);
    leave(&s);
    return status;
}

static bool is_open(int descriptor)
{
    return fcntl(descriptor, F_GETFD) >= 0;
}

static int count_relays(void)
{
    int count = 0;
    while (count < ROLE_RELAYS && is_open(ROLE_RELAY + count))
        count++;
    return count;
}

bool run_role(const char *name, const char *state, int *exit_status)
{
    static int (*const mains[ROLES])(const struct role_start *) = {[ROLE_WARDEN] = warden_main,
                                                                   [ROLE_WATCHER] = watcher_main,
                                                                   [ROLE_COURIER] = courier_main,
                                                                   [ROLE_SCRIBE] = scribe_main,
                                                                   [ROLE_MILTER] = milter_main};
    for (int role = 0; role < ROLES; role++) {
        if (strcmp(role_name((enum role)role), name) != 0)
            continue;
        const struct role_start begin = {.role = (enum role)role,
                                         .channel = ROLE_CHANNEL,
                                         .listener = is_open(ROLE_LISTENER) ? ROLE_LISTENER : -1,
                                         .policy = role == ROLE_COURIER && is_open(ROLE_POLICY) ? ROLE_POLICY : -1,
                                         .centre = role == ROLE_COURIER && is_open(ROLE_CENTRE) ? ROLE_CENTRE : -1,
                                         .metrics = role == ROLE_COURIER && is_open(ROLE_METRICS) ? ROLE_METRICS : -1,
                                         .state = state && state[0] ? state : NULL,
                                         .relays = role == ROLE_COURIER ? count_relays() : 0};
        char title[16];
        snprintf(title, sizeof(title), "postern-%s", name);
        prctl(PR_SET_NAME, title, 0, 0, 0);
        *exit_status = mains[role](&begin);
        return true;
    }
    return false;
}
