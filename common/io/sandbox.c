/* The kept system calls stand in two lists: everyone's here, each role's beside its own enter(). */
#include "common/io/sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

bool sandbox_holds(int capability)
{
    return capng_get_caps_process() == 0 && capng_have_capability(CAPNG_EFFECTIVE, (unsigned)capability);
}

/* Kept capabilities are made ambient as well, so that they outlive the execve() of a process that is not root. */
static void choose(uint64_t capabilities)
{
    capng_clear(CAPNG_SELECT_ALL);
    for (unsigned c = 0; c <= CAP_LAST_CAP; c++)
        if (capabilities >> c & 1)
            capng_update(CAPNG_ADD,
                         CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE | CAPNG_BOUNDING_SET | CAPNG_AMBIENT, c);
}

int sandbox_become(const struct sandbox_identity *self, struct error *error)
{
    bool may_change = sandbox_holds(CAP_SETUID) && sandbox_holds(CAP_SETGID);
    bool may_bound = sandbox_holds(CAP_SETPCAP);
    /* Without CAP_SETPCAP the bounding set cannot be lowered; no_new_privs then keeps execve() from regaining anything.
     */
    capng_select_t sets = CAPNG_SELECT_ALL;
    choose(self->capabilities);
    if (may_change && setgroups(self->group_count, self->groups) != 0)
        return error_set(error, errno, "cannot leave our groups: %s", strerror(errno));
    if (may_change && self->user != geteuid()) {
        int failed =
            capng_change_id((int)self->user, (int)self->group, may_bound ? CAPNG_CLEAR_BOUNDING : CAPNG_NO_FLAG);
        if (failed)
            return error_set(error, EPERM, "cannot become user %u (libcap-ng %d)", (unsigned)self->user, failed);
        choose(self->capabilities);
        sets = CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT;
    } else if (may_change && setresgid(self->group, self->group, self->group) != 0) {
        return error_set(error, errno, "cannot leave our group: %s", strerror(errno));
    }
    if (!may_bound)
        sets = CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT;
    if (capng_apply(sets) != 0)
        return error_set(error, EPERM, "cannot drop capabilities");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_set(error, errno, "cannot set no_new_privs: %s", strerror(errno));
    return 0;
}

/* What every C program calls, whatever it does: nothing here opens, starts or reaches anything. */
static const int everyones[] = {SCMP_SYS(read),
                                SCMP_SYS(write),
                                SCMP_SYS(readv),
                                SCMP_SYS(writev),
                                SCMP_SYS(close),
                                SCMP_SYS(lseek),
                                SCMP_SYS(fstat),
                                SCMP_SYS(newfstatat),
                                SCMP_SYS(fstat64),
                                SCMP_SYS(statx),
                                SCMP_SYS(_llseek),
                                SCMP_SYS(mmap),
                                SCMP_SYS(mmap2),
                                SCMP_SYS(munmap),
                                SCMP_SYS(mremap),
                                SCMP_SYS(mprotect),
                                SCMP_SYS(madvise),
                                SCMP_SYS(brk),
                                SCMP_SYS(futex),
                                SCMP_SYS(futex_time64),
                                SCMP_SYS(rseq),
                                SCMP_SYS(sched_yield),
                                SCMP_SYS(rt_sigreturn),
                                SCMP_SYS(sigreturn),
                                SCMP_SYS(rt_sigaction),
                                SCMP_SYS(rt_sigprocmask),
                                SCMP_SYS(sigaltstack),
                                SCMP_SYS(restart_syscall),
                                SCMP_SYS(tgkill),
                                SCMP_SYS(exit),
                                SCMP_SYS(exit_group),
                                SCMP_SYS(clock_gettime),
                                SCMP_SYS(clock_gettime64),
                                SCMP_SYS(gettimeofday),
                                SCMP_SYS(time),
                                SCMP_SYS(clock_nanosleep),
                                SCMP_SYS(clock_nanosleep_time64),
                                SCMP_SYS(nanosleep),
                                SCMP_SYS(getrandom),
                                SCMP_SYS(sysinfo), /* qsort() of more than a kilobyte asks how much memory there is */
                                SCMP_SYS(getpid),
                                SCMP_SYS(gettid),
                                SCMP_SYS(getuid),
                                SCMP_SYS(geteuid),
                                SCMP_SYS(getgid),
                                SCMP_SYS(getegid),
                                SCMP_SYS(poll),
                                SCMP_SYS(ppoll),
                                SCMP_SYS(epoll_create1),
                                SCMP_SYS(epoll_ctl),
                                SCMP_SYS(epoll_wait),
                                SCMP_SYS(epoll_pwait),
                                SCMP_SYS(epoll_pwait2),
                                SCMP_SYS(timerfd_create),
                                SCMP_SYS(timerfd_settime),
                                SCMP_SYS(timerfd_settime64),
                                SCMP_SYS(signalfd4),
                                SCMP_SYS(eventfd2),
                                SCMP_SYS(fcntl),
                                SCMP_SYS(fcntl64),
                                SCMP_SYS(recvmsg),
                                SCMP_SYS(sendmsg),
                                SANDBOX_END};

#ifdef __SANITIZE_ADDRESS__
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifdef SANITIZED
/* Their runtime reads /proc, asks for symbols, and at the end stops the process's threads to look for leaks. */
static const int sanitizers[] = {SCMP_SYS(open),
                                 SCMP_SYS(openat),
                                 SCMP_SYS(readlink),
                                 SCMP_SYS(readlinkat),
                                 SCMP_SYS(access),
                                 SCMP_SYS(stat),
                                 SCMP_SYS(lstat),
                                 SCMP_SYS(prctl),
                                 SCMP_SYS(clone),
                                 SCMP_SYS(clone3),
                                 SCMP_SYS(ptrace),
                                 SCMP_SYS(wait4),
                                 SCMP_SYS(getdents64),
                                 SCMP_SYS(getppid),
                                 SCMP_SYS(kill),
                                 SCMP_SYS(sched_getaffinity),
                                 SCMP_SYS(prlimit64),
                                 SCMP_SYS(getrlimit),
                                 SCMP_SYS(setrlimit),
                                 SCMP_SYS(dup),
                                 SCMP_SYS(dup2),
                                 SCMP_SYS(pipe),
                                 SCMP_SYS(pipe2),
                                 SCMP_SYS(arch_prctl),
                                 SCMP_SYS(set_robust_list),
                                 SCMP_SYS(ioctl),
                                 SCMP_SYS(uname),
                                 SCMP_SYS(mlock),
                                 SCMP_SYS(munlock),
                                 SCMP_SYS(process_vm_readv),
                                 SCMP_SYS(getcwd),
                                 SANDBOX_END};
#else
static const int sanitizers[] = {SANDBOX_END};
#endif

static int rule(scmp_filter_ctx filter, uint32_t action, const int *calls)
{
    for (; *calls != SANDBOX_END; calls++) {
        int code = seccomp_rule_add(filter, action, *calls, 0);
        if (code != 0 && *calls >= 0) /* a call that this machine does not have needs no rule */
            return code;
    }
    return 0;
}

static int allow(scmp_filter_ctx filter, const int *calls)
{
    return rule(filter, SCMP_ACT_ALLOW, calls);
}

int sandbox_enter(const int *calls, struct error *error)
{
    static const int none[] = {SANDBOX_END};
    return sandbox_enter_refusing(calls, none, error);
}

int sandbox_enter_refusing(const int *calls, const int *refused, struct error *error)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!filter)
        return error_set(error, ENOMEM, "cannot make a system call filter");
    int code = allow(filter, everyones);
    if (!code)
        code = allow(filter, sanitizers);
    if (!code)
        code = allow(filter, calls);
    if (!code && sanitizers[0] == SANDBOX_END) /* their runtime does open files */
        code = rule(filter, SCMP_ACT_ERRNO(EPERM), refused);
    if (!code)
        code = seccomp_load(filter);
    seccomp_release(filter);
    return code ? error_set(error, -code, "cannot load the system call filter: %s", strerror(-code)) : 0;
}
