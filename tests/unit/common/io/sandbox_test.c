/* A forbidden system call kills; what the table names works; rights that were given up do not come back. */
#include <linux/capability.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "common/io/sandbox.h"

enum deed { NOTHING, SORT, OPEN_SOCKET, MAKE_DIRECTORY, START_PROGRAM, SIGNAL_PARENT };

static int descending(const void *a, const void *b)
{
    return *(const int *)b - *(const int *)a;
}

/* Many enough that the C library allocates memory for it. */
static void sort(void)
{
    int numbers[10000];
    for (int i = 0; i < 10000; i++)
        numbers[i] = i;
    qsort(numbers, 10000, sizeof(numbers[0]), descending);
}

static void do_deed(enum deed deed)
{
    static char *const arguments[] = {(char *)(uintptr_t) "/bin/true", NULL};
    switch (deed) {
    case NOTHING:
        break;
    case SORT:
        sort();
        break;
    case OPEN_SOCKET:
        (void)!socket(AF_INET, SOCK_STREAM, 0);
        break;
    case MAKE_DIRECTORY:
        (void)!rmdir("/nowhere/at/all");
        break;
    case START_PROGRAM:
        execv(arguments[0], arguments);
        break;
    case SIGNAL_PARENT:
        (void)!setpgid(0, 0);
        break;
    }
}

/* What wait() says of a process that enters a sandbox with these calls and then does that. */
static int status_of(const int *calls, enum deed deed)
{
    pid_t child = fork();
    if (child == 0) {
        struct error error = {0};
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || sandbox_enter(calls, &error) != 0)
            _exit(99);
        do_deed(deed);
        _exit(7);
    }
    int status = 0;
    assert_true(waitpid(child, &status, 0) == child);
    return status;
}

static bool was_killed(int status)
{
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

static bool went_on(int status)
{
    return WIFEXITED(status) && WEXITSTATUS(status) == 7;
}

static void test_a_forbidden_call_kills(void **state)
{
    static const int none[] = {SANDBOX_END}, sockets[] = {SCMP_SYS(socket), SANDBOX_END};
    (void)state;
    assert_true(went_on(status_of(none, NOTHING)));
    assert_true(went_on(status_of(none, SORT)));
    assert_true(was_killed(status_of(none, OPEN_SOCKET)));
    assert_true(was_killed(status_of(none, MAKE_DIRECTORY)));
    assert_true(was_killed(status_of(none, START_PROGRAM)));
    assert_true(was_killed(status_of(none, SIGNAL_PARENT)));
    assert_true(went_on(status_of(sockets, OPEN_SOCKET)));
    assert_true(was_killed(status_of(sockets, START_PROGRAM)));
}

/* Each row in a process of its own: rights do not come back to the test either. */
static int become(uid_t user, uint64_t capabilities)
{
    pid_t child = fork();
    if (child == 0) {
        struct error error = {0};
        if (sandbox_become(&(struct sandbox_identity){user, user, NULL, 0, capabilities}, &error) != 0)
            _exit(99);
        int seen = 0;
        seen |= getuid() == user && geteuid() == user ? 1 : 0;
        seen |= sandbox_holds(CAP_NET_RAW) ? 2 : 0;
        seen |= sandbox_holds(CAP_SETUID) || sandbox_holds(CAP_DAC_OVERRIDE) ? 4 : 0;
        seen |= prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 1 ? 8 : 0;
        seen |= setresuid(0, 0, 0) == 0 && user != 0 ? 16 : 0;
        seen |= getgroups(0, NULL) > 0 ? 32 : 0;
        seen |= prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 64;
        _exit(seen);
    }
    int status = 0;
    assert_true(waitpid(child, &status, 0) == child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_rights_are_gone(void **state)
{
    (void)state;
    if (geteuid() != 0 || !sandbox_holds(CAP_SETUID) || !sandbox_holds(CAP_SETPCAP))
        skip();
    assert_int_equal(become(65531, 0), 1);
    assert_int_equal(become(65531, UINT64_C(1) << CAP_NET_RAW), 1 | 2);
    assert_int_equal(become(0, UINT64_C(1) << CAP_NET_RAW), 1 | 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_forbidden_call_kills),
        cmocka_unit_test(test_rights_are_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
