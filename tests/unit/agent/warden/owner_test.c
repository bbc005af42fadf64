/* Whose a connection is, as this kernel says it; and which program holds it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "agent/warden/owner.h"
#include "agent/warden/program.h"

struct connection {
    int listener, client, server;
    struct message_owner ends;
};

/* Over loopback; `mapped`: IPv4 by a socket of IPv6, as many programs do it. */
static struct connection connect_to_us(bool mapped)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, there;
    socklen_t size = sizeof here;
    struct connection c = {.listener = socket(AF_INET, SOCK_STREAM, 0),
                           .client = socket(mapped ? AF_INET6 : AF_INET, SOCK_STREAM, 0)};
    assert_int_equal(bind(c.listener, (struct sockaddr *)&here, sizeof here), 0);
    assert_int_equal(listen(c.listener, 1), 0);
    assert_int_equal(getsockname(c.listener, (struct sockaddr *)&here, &size), 0);
    if (mapped) {
        struct sockaddr_in6 wide = {.sin6_family = AF_INET6, .sin6_port = here.sin_port};
        assert_int_equal(inet_pton(AF_INET6, "::ffff:127.0.0.1", &wide.sin6_addr), 1);
        assert_int_equal(connect(c.client, (struct sockaddr *)&wide, sizeof wide), 0);
    } else {
        assert_int_equal(connect(c.client, (struct sockaddr *)&here, sizeof here), 0);
    }
    c.server = accept(c.listener, (struct sockaddr *)&there, &size);
    assert_true(c.server >= 0);
    c.ends =
        (struct message_owner){.family = 4, .client_port = ntohs(there.sin_port), .server_port = ntohs(here.sin_port)};
    memcpy(c.ends.client, &there.sin_addr, 4);
    memcpy(c.ends.server, &here.sin_addr, 4);
    return c;
}

static void end(struct connection *c)
{
    close(c->listener);
    close(c->server);
}

static struct owner *open_owner(void)
{
    struct owner *owner = NULL;
    struct error error = {0};
    assert_int_equal(owner_open(&owner, &error), 0);
    return owner;
}

static void the_user_of_an_open_connection(void **state)
{
    (void)state;
    struct owner *owner = open_owner();
    for (int mapped = 0; mapped < 2; mapped++) {
        struct connection c = connect_to_us(mapped);
        owner_find(owner, &c.ends);
        assert_int_equal(c.ends.owned, OWNED_BY_USER);
        assert_int_equal(c.ends.user, getuid());
        assert_true(c.ends.inode > 0);
        close(c.client); /* nobody holds it any more: the kernel would say 0 */
        owner_find(owner, &c.ends);
        assert_int_equal(c.ends.owned, OWNED_UNKNOWN);
        assert_int_equal(c.ends.inode, 0);
        c.ends.client_port ^= 1; /* no such connection */
        owner_find(owner, &c.ends);
        assert_int_equal(c.ends.owned, OWNED_UNKNOWN);
        end(&c);
    }
    owner_close(&owner);
    assert_null(owner);
}

static void carriers_are_told_from_users(void **state)
{
    (void)state;
    struct owner *owner = open_owner();
    struct connection c = connect_to_us(false);
    struct option_words words = {.count = 2};
    snprintf(words.items[0], sizeof words.items[0], "no-such-user-here");
    snprintf(words.items[1], sizeof words.items[1], "%u", (unsigned)getuid());
    owner_set_carriers(owner, &words);
    owner_find(owner, &c.ends);
    assert_int_equal(c.ends.owned, OWNED_BY_CARRIER);
    assert_true(c.ends.user == 0 && c.ends.inode == 0);
    words.count = 1;
    owner_set_carriers(owner, &words);
    owner_find(owner, &c.ends);
    assert_int_equal(c.ends.owned, OWNED_BY_USER);
    snprintf(words.items[0], sizeof words.items[0], "root");
    owner_set_carriers(owner, &words);
    owner_find(owner, &c.ends);
    assert_int_equal(c.ends.owned, getuid() != 0 ? OWNED_BY_USER : OWNED_BY_CARRIER);
    close(c.client);
    end(&c);
    owner_close(&owner);
}

static void the_program_that_holds_it(void **state)
{
    (void)state;
    struct owner *owner = open_owner();
    struct connection c = connect_to_us(false);
    struct program program;
    char wanted[32], directory[200];
    bool denied;
    owner_find(owner, &c.ends);
    assert_true(program_find(c.ends.user, c.ends.inode, &program, &denied));
    snprintf(wanted, sizeof wanted, "process %d", (int)getpid());
    assert_non_null(strstr(program.text, wanted));
    assert_non_null(getcwd(directory, sizeof directory));
    directory[strlen(directory) < 40 ? strlen(directory) : 40] = '\0'; /* it is cut for people */
    assert_non_null(strstr(program.text, directory));
    assert_false(program_find(c.ends.user, UINT32_MAX, &program, &denied)); /* nobody's socket */
    close(c.client);
    end(&c);
    owner_close(&owner);
}

/* Run `body` in a child in which these calls are refused; its exit status. */
static int without(int call, bool netlink_only, int (*body)(struct owner *), struct owner *owner)
{
    pid_t child = fork();
    if (child == 0) {
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
        if (netlink_only)
            seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 1, SCMP_A0(SCMP_CMP_EQ, AF_NETLINK));
        else
            seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 0);
        _exit(seccomp_load(filter) != 0 ? 99 : body(owner));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int cannot_open(struct owner *unused)
{
    struct owner *owner = unused;
    struct error error = {0};
    int code = owner_open(&owner, &error);
    return code == -EPERM && !owner && strstr(error.text, "whose a connection is") ? 0 : 1;
}

static struct connection asked_about;

static int finds_nobody(struct owner *owner)
{
    asked_about.ends.owned = OWNED_BY_USER;
    asked_about.ends.user = 7;
    owner_find(owner, &asked_about.ends);
    return asked_about.ends.owned || asked_about.ends.user || asked_about.ends.inode ? 1 : 0;
}

/* A kernel without sock_diag, or one that does not let us: an error when it is opened, nobody when it is asked. */
static void a_kernel_that_does_not_say(void **state)
{
    (void)state;
    assert_int_equal(without(SCMP_SYS(socket), true, cannot_open, NULL), 0);
    struct owner *owner = open_owner();
    asked_about = connect_to_us(false);
    assert_int_equal(without(SCMP_SYS(sendto), false, finds_nobody, owner), 0);
    assert_int_equal(without(SCMP_SYS(recvmsg), false, finds_nobody, owner), 0);
    owner_find(owner, &asked_about.ends);
    assert_int_equal(asked_about.ends.owned, OWNED_BY_USER); /* it was the refusal */
    close(asked_about.client);
    end(&asked_about);
    owner_close(&owner);
}

/* `sh SCRIPT`, run in a directory while it holds a connection, comes to be called so. */
static void is_called(const char *directory, const char *script, const char *wanted)
{
    struct owner *owner = open_owner();
    struct connection c = connect_to_us(false);
    struct program program = {{0}, {0}};
    char command[80];
    int input[2];
    assert_int_equal(pipe(input), 0); /* what it waits for */
    pid_t child = fork();
    bool denied;
    if (child == 0) {
        if (chdir(directory) == 0 && dup2(input[0], 0) == 0)
            execl("/bin/sh", "sh", script, (char *)NULL);
        _exit(1);
    }
    owner_find(owner, &c.ends);
    assert_int_equal(c.ends.owned, OWNED_BY_USER);
    close(c.client); /* the child alone holds it */
    for (int i = 0; i < 500 && !strstr(program.text, wanted); i++) {
        usleep(10000);
        (void)program_find(c.ends.user, c.ends.inode, &program, &denied);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    if (!strstr(program.text, wanted))
        fail_msg("%s is called \"%s\"", script, program.text);
    snprintf(command, sizeof command, "sh %s", script);
    assert_string_equal(program.command, command);
    close(input[0]);
    close(input[1]);
    end(&c);
    owner_close(&owner);
}

static void write_script(const char *directory, const char *name, const char *text)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void a_script_is_one_only_where_there_is_a_file(void **state)
{
    char directory[] = "/tmp/postern-XXXXXX", path[64], whole[80], gone[80];
    (void)state;
    assert_non_null(mkdtemp(directory));
    write_script(directory, "mail.sh", "read line\n");
    write_script(directory, "bill.sh", "rm bill.sh\nread line\n"); /* it takes its own file away */
    snprintf(path, sizeof path, "%s/mail.sh", directory);
    snprintf(whole, sizeof whole, ", script %s/mail.sh, process", directory); /* made whole by the directory */
    snprintf(gone, sizeof gone, ", said to run %s/bill.sh", directory);
    is_called(directory, "mail.sh", whole);
    is_called(directory, path, ", script /tmp/postern-");
    is_called(directory, "bill.sh", gone);
    unlink(path);
    rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_user_of_an_open_connection),
        cmocka_unit_test(carriers_are_told_from_users),
        cmocka_unit_test(the_program_that_holds_it),
        cmocka_unit_test(a_kernel_that_does_not_say),
        cmocka_unit_test(a_script_is_one_only_where_there_is_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
