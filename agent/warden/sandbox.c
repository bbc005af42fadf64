/* Sockets of the kinds it holds rights for, memory to share, one small file; no execve(), no fork(): children are the
 * supervisor's. */
#include "agent/warden/sandbox.h"

#include "common/io/sandbox.h"

int warden_sandbox(struct error *error)
{
    static const int calls[] = {
        /* packet, raw and netlink sockets */
        SCMP_SYS(socket), SCMP_SYS(socketpair), SCMP_SYS(bind), SCMP_SYS(getsockname), SCMP_SYS(setsockopt),
        SCMP_SYS(getsockopt), SCMP_SYS(sendto), SCMP_SYS(recvfrom), SCMP_SYS(shutdown), SCMP_SYS(ioctl),
        /* the configuration, the senders' memory */
        SCMP_SYS(memfd_create), SCMP_SYS(ftruncate),
        /* programs of users: /proc */
        SCMP_SYS(getdents64), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(open), SCMP_SYS(openat2),
        SCMP_SYS(statx),
        /* logs */
        SCMP_SYS(inotify_init1), SCMP_SYS(inotify_add_watch), SCMP_SYS(inotify_rm_watch),
        /* the switch */
        SCMP_SYS(openat), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(fsync), SANDBOX_END};
    return sandbox_enter(calls, error);
}
