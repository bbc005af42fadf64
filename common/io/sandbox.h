/* Giving up rights: user, capabilities (libcap-ng), no_new_privs, and system calls (libseccomp).
 *
 * A process keeps what its table names and nothing else. A call that is not in the table kills the process: a daemon
 * that does what nobody foresaw is ended and started anew by its parent rather than left to whoever drives it. */
#ifndef COMMON_IO_SANDBOX_H
#define COMMON_IO_SANDBOX_H

#include <limits.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "common/error.h"

#define SANDBOX_END INT_MIN /* SCMP_SYS() gives negative numbers for calls that this machine does not have */

/* Who a process is from then on. */
struct sandbox_identity {
    uid_t user;
    gid_t group;
    const gid_t *groups; /* supplementary ones */
    size_t group_count;
    uint64_t capabilities; /* bits 1 << CAP_... */
};

/* Become that, with these capabilities in the effective, permitted and bounding sets and no other, and with these
 * supplementary groups and no other. Where the process may not change its user (no CAP_SETUID)
 * and is not root it stays who it is, and only capabilities are dropped. Sets no_new_privs. */
int sandbox_become(const struct sandbox_identity *, struct error *) MUST_CHECK;

/* From here on only these calls, ended by SANDBOX_END, and those that every C program makes (memory, time, signals,
 * reading, writing and closing what is open, ending). Builds with sanitizers allow what these need beyond. */
int sandbox_enter(const int *calls, struct error *) MUST_CHECK;
/* The same, but that the calls of `refused` fail with EPERM where others end the process: for libraries that try what
 * they can do without. */
int sandbox_enter_refusing(const int *calls, const int *refused, struct error *) MUST_CHECK;

/* Whether this process holds a capability now. */
bool sandbox_holds(int capability);

#endif
