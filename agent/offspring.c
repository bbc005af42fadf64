/* Rights are dropped between fork() and execve(), so that the new program never has any that it should not have. */
#include "agent/offspring.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include "agent/message/role.h"
#include "common/io/log.h"
#include "common/io/sandbox.h"

#define ABOVE_OURS 16 /* descriptors are parked there while 3 to 11 are set */

/* What the service manager told the supervisor is not for its children. */
static const char *const supervisors_own[] = {"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_PID",
                                              "LISTEN_FDS"};

static bool place(int descriptor, int where)
{
    return descriptor < 0 ? close(where) == 0 || errno == EBADF : dup2(descriptor, where) == where;
}

struct placing {
    int descriptor, where;
};

#define PLACINGS (4 + ROLE_RELAYS)

static void list_placings(const struct offspring *child, struct placing placings[PLACINGS])
{
    placings[0] = (struct placing){child->listener, ROLE_LISTENER};
    placings[1] = (struct placing){child->policy, ROLE_POLICY};
    placings[2] = (struct placing){child->centre, ROLE_CENTRE};
    placings[3] = (struct placing){child->metrics, ROLE_METRICS};
    for (int i = 0; i < ROLE_RELAYS; i++)
        placings[4 + i] = (struct placing){i < child->relay_count ? child->relays[i] : -1, ROLE_RELAY + i};
}

static bool place_descriptors(int channel, const struct offspring *child)
{
    int parked = fcntl(channel, F_DUPFD_CLOEXEC, ABOVE_OURS);
    struct placing others[PLACINGS];
    int copies[PLACINGS];
    bool fine = parked >= 0;
    list_placings(child, others);
    for (size_t i = 0; i < PLACINGS; i++) {
        copies[i] = others[i].descriptor < 0 ? -1 : fcntl(others[i].descriptor, F_DUPFD_CLOEXEC, ABOVE_OURS);
        fine = fine && (copies[i] >= 0 || others[i].descriptor < 0);
    }
    fine = fine && place(parked, ROLE_CHANNEL);
    for (size_t i = 0; fine && i < PLACINGS; i++)
        fine = place(copies[i], others[i].where);
    return fine && close_range(ROLE_RELAY + ROLE_RELAYS, ~0U, 0) == 0;
}

/* A descriptor for each guest's port: the limit that is there for programs that use select() is not for us. */
static void raise_descriptors(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

static void become(const struct offspring *child, int channel, pid_t parent)
{
    struct error error = {0};
    struct log log = log_open(role_name(child->role));
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_IGN);
    setsid(); /* ^C is for the supervisor, which ends the others in order */
    raise_descriptors();
    /* Packets do not wait: a watcher that has no turn for a tenth of a second on a busy machine loses some. */
    setpriority(PRIO_PROCESS, 0, child->role == ROLE_COURIER || child->role == ROLE_MILTER ? 0 : -10);
    for (size_t i = 0; i < sizeof(supervisors_own) / sizeof(supervisors_own[0]); i++)
        unsetenv(supervisors_own[i]);
    if (!place_descriptors(channel, child)) {
        log_write(&log, LOG_TROUBLE, "cannot place our descriptors: %s", strerror(errno));
        return;
    }
    if (sandbox_become(&child->self, &error) != 0) {
        log_write(&log, LOG_TROUBLE, "%s", error.text);
        return;
    }
    /* After the change of user, which would take it back. A parent that died before this line is seen by the next. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        return;
    if (child->state && access(child->state, R_OK | W_OK | X_OK) != 0) {
        log_write(&log, LOG_TROUBLE, "user %u cannot use %s: %s; the directories above it must let others pass",
                  (unsigned)child->self.user, child->state, strerror(errno));
        return;
    }
    char *arguments[] = {(char *)(uintptr_t) "postern-agent",
                         (char *)(uintptr_t) "run",
                         (char *)(uintptr_t) "--role",
                         (char *)(uintptr_t)role_name(child->role),
                         child->state ? (char *)(uintptr_t) "--state" : NULL,
                         (char *)(uintptr_t)child->state,
                         NULL};
    execv("/proc/self/exe", arguments);
    log_write(&log, LOG_TROUBLE, "cannot execute ourselves: %s", strerror(errno));
}

int offspring_start(const struct offspring *child, int *channel, pid_t *process, struct error *error)
{
    int ends[2];
    pid_t parent = getpid();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        return error_set(error, errno, "cannot make a channel: %s", strerror(errno));
    pid_t pid = fork();
    if (pid == 0) {
        become(child, ends[1], parent);
        _exit(127);
    }
    int code = errno;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return error_set(error, code, "cannot start a process: %s", strerror(code));
    }
    *channel = ends[0];
    *process = pid;
    return 0;
}
