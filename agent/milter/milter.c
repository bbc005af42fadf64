/* See milter.h. */
#include "agent/milter/milter.h"

#include <errno.h>
#include <grp.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent/message/settings.h"
#include "agent/milter/session.h"
#include "agent/milter/strangers.h"
#include "common/cleanup.h"
#include "common/io/clock.h"
#include "common/io/log.h"
#include "common/io/sandbox.h"

#define STACK            ((size_t)256 * 1024) /* of a thread */
#define DESCRIPTORS_MORE 32                   /* beside two for each session: its own, and that of its question */
#define LOOK_EVERY       2                    /* seconds */
#define WAITING_MOST     128                  /* connections that are not taken yet */

/* The library's threads, its listening socket and its syslog; our questions. */
static const int allowed_calls[] = {SCMP_SYS(clone),
                                    SCMP_SYS(clone3),
                                    SCMP_SYS(set_robust_list),
                                    SCMP_SYS(set_tid_address),
                                    SCMP_SYS(sched_getaffinity),
                                    SCMP_SYS(sched_getparam),
                                    SCMP_SYS(sched_getscheduler),
                                    SCMP_SYS(prctl),
                                    SCMP_SYS(prlimit64),
                                    SCMP_SYS(rt_sigtimedwait),
                                    SCMP_SYS(pipe),
                                    SCMP_SYS(pipe2),
                                    SCMP_SYS(accept),
                                    SCMP_SYS(accept4),
                                    SCMP_SYS(select),
                                    SCMP_SYS(pselect6),
                                    SCMP_SYS(socket),
                                    SCMP_SYS(connect),
                                    SCMP_SYS(sendto),
                                    SCMP_SYS(recvfrom),
                                    SCMP_SYS(setsockopt),
                                    SCMP_SYS(getsockopt),
                                    SCMP_SYS(getsockname),
                                    SCMP_SYS(getpeername),
                                    SCMP_SYS(shutdown),
                                    SANDBOX_END};

/* --- beginning -----------------------------------------------------------------------------------------------------
 */

/* Sessions are bounded by our count; connections that are none yet, by descriptors. */
static int bound(uint32_t sessions, struct strangers *strangers, struct error *error)
{
    struct rlimit files;
    pthread_attr_t attributes;
    uint32_t most = 2 * sessions + DESCRIPTORS_MORE;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return error_set(error, errno, "cannot ask for the limit of descriptors: %s", strerror(errno));
    if (files.rlim_max < most)
        most = (uint32_t)files.rlim_max;
    files = (struct rlimit){most, most};
    strangers->count = most;
    strangers->at = calloc(most, sizeof *strangers->at);
    (void)mallopt(M_ARENA_MAX, 2); /* else each thread has a heap of its own */
    if (!strangers->at || setrlimit(RLIMIT_NOFILE, &files) != 0 || pthread_attr_init(&attributes) != 0)
        return error_set(error, ENOMEM, "cannot set our limits");
    bool fine = pthread_attr_setstacksize(&attributes, STACK) == 0 && pthread_setattr_default_np(&attributes) == 0;
    pthread_attr_destroy(&attributes);
    return fine ? 0 : error_set(error, EINVAL, "cannot set the size of threads' stacks");
}

static int begin_common(const struct process_settings *settings, struct session_common *common, struct error *error)
{
    char path[OPTION_TEXT_SIZE];
    common->ask.address.sun_family = AF_UNIX;
    common->ask.patience = settings->milter.patience;
    common->fail_defers = settings->milter.fail == MILTER_FAIL_TEMPFAIL;
    common->sessions_most = settings->milter.sessions;
    if (!settings_policy(&settings->agent, path))
        return error_set(error, EINVAL, "[milter] listen needs the policy socket, and [agent] policy is none");
    if (strlen(path) >= sizeof common->ask.address.sun_path)
        return error_set(error, ENAMETOOLONG, "the policy socket's name is too long");
    memcpy(common->ask.address.sun_path, path, strlen(path));
    return 0;
}

/* The group may talk to it, and nobody else. */
static int give_path(const struct milter_settings *settings, struct error *error)
{
    const char *path = settings_milter_path(settings);
    const struct group *group = settings->group[0] ? getgrnam(settings->group) : NULL;
    if (!path)
        return 0;
    if ((group && lchown(path, (uid_t)-1, group->gr_gid) != 0) || chmod(path, group ? 0660 : 0600) != 0)
        return error_set(error, errno, "cannot give %s to group \"%s\": %s", path, settings->group, strerror(errno));
    return 0;
}

static int open_socket(const struct milter_settings *settings, struct error *error)
{
    char listen[OPTION_TEXT_SIZE];
    const char *path = settings_milter_path(settings);
    snprintf(listen, sizeof listen, "%s", settings->listen);
    mode_t before = umask(0177);
    bool opened = smfi_register(session_callbacks()) == MI_SUCCESS && smfi_setconn(listen) == MI_SUCCESS &&
                  smfi_setbacklog(WAITING_MOST) == MI_SUCCESS && smfi_opensocket(path != NULL) == MI_SUCCESS;
    umask(before);
    return opened ? give_path(settings, error)
                  : error_set(error, errno ? errno : EINVAL, "the milter cannot listen at %s%s", settings->listen,
                              path ? ": its user must be able to write to the directory" : "");
}

/* --- running -------------------------------------------------------------------------------------------------------
 */

static void *look_for_strangers(void *context)
{
    for (;; sleep(LOOK_EVERY))
        (void)strangers_end(context, clock_steady());
    return NULL;
}

/* Signals are for the library's own thread. */
static int start_looking(struct strangers *strangers, struct error *error)
{
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int code = pthread_create(&thread, NULL, look_for_strangers, strangers);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code ? error_set(error, code, "cannot start a thread: %s", strerror(code)) : 0;
}

static int enter(const struct role_start *start, struct session_common *common, struct strangers *strangers,
                 struct error *error)
{
    struct process_settings settings = {0};
    int code = process_settings_read(start->listener, &settings, error);
    if (code == 0)
        code = begin_common(&settings, common, error);
    if (code == 0)
        code = bound(settings.milter.sessions, strangers, error);
    if (code == 0)
        code = open_socket(&settings.milter, error);
    if (code == 0)
        code = sandbox_enter(allowed_calls, error);
    if (code == 0 && !settings_milter_path(&settings.milter))
        code = start_looking(strangers, error);
    return code;
}

int milter_main(const struct role_start *start)
{
    static struct session_common common; /* threads of the library may still be about when this returns */
    static struct strangers strangers;
    struct log log = log_open("milter");
    struct error error = {0};
    clock_read_zone(); /* for the times in what the library says to syslog */
    session_begin(&common);
    if (enter(start, &common, &strangers, &error) == 0 && smfi_main() == MI_SUCCESS)
        return 0;
    log_write(&log, LOG_TROUBLE, "%s", error.text[0] ? error.text : "the milter's library gave up");
    return 1;
}
