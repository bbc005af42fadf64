/* Only a regular file is opened, and through a link only what the owner of the link could read anyway. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>
#include "common/io/tail_open.h"

enum { ALICE = 1001, BOB = 1002 };

static char path[] = "/tmp/postern-open-XXXXXX";
static int folder = -1;

static int begin(void **state)
{
    (void)state;
    memcpy(path + strlen(path) - 6, "XXXXXX", 6);
    if (!mkdtemp(path))
        return -1;
    folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return folder < 0 ? -1 : 0;
}

static int end(void **state)
{
    (void)state;
    static const char *const names[] = {"a.log", "b.log", "current", "one", "two", "pipe", "socket", "null"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlinkat(folder, names[i], 0);
    unlinkat(folder, "sub/a.log", 0);
    unlinkat(folder, "sub", AT_REMOVEDIR);
    close(folder);
    return rmdir(path);
}

static void make_file(const char *name, const char *content)
{
    int file = openat(folder, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    assert_int_equal(write(file, content, strlen(content)), strlen(content));
    close(file);
}

static void make_link(const char *target, const char *name)
{
    assert_int_equal(symlinkat(target, folder, name), 0);
}

static void give(const char *name, uid_t user)
{
    assert_int_equal(fchownat(folder, name, user, user, AT_SYMLINK_NOFOLLOW), 0);
}

static void need_root(void)
{
    if (geteuid() != 0)
        skip();
}

static void expect_opens(const char *name, const char *content)
{
    struct error error = {.code = 0};
    struct stat status;
    char bytes[64];
    int file = tail_open(folder, name, &status, &error);
    if (file < 0)
        fail_msg("%s: %s", name, error.text);
    assert_int_equal(status.st_size, strlen(content));
    assert_int_equal(read(file, bytes, sizeof bytes), strlen(content));
    assert_memory_equal(bytes, content, strlen(content));
    assert_true((fcntl(file, F_GETFL) & O_ACCMODE) == O_RDONLY);
    assert_true((fcntl(file, F_GETFD) & FD_CLOEXEC) != 0);
    close(file);
}

static void expect_refused(const char *name, int code, const char *word)
{
    struct error error = {.code = 0};
    struct stat status;
    assert_int_equal(tail_open(folder, name, &status, &error), -code);
    assert_int_equal(error.code, code);
    if (!strstr(error.text, word))
        fail_msg("\"%s\" does not say \"%s\"", error.text, word);
    assert_null(strstr(error.text, path));
}

static void a_regular_file_is_opened_for_reading(void **state)
{
    (void)state;
    make_file("a.log", "one line\n");
    expect_opens("a.log", "one line\n");
}

static void what_is_not_there_is_said(void **state)
{
    (void)state;
    expect_refused("a.log", ENOENT, "a.log");
}

static void what_is_no_regular_file_is_refused_without_being_opened(void **state)
{
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", path);
    int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listening, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(mkfifoat(folder, "pipe", 0600), 0); /* opened plainly it would stop us here */
    assert_int_equal(mkdirat(folder, "sub", 0700), 0);
    make_link("/dev/null", "null");
    expect_refused("pipe", EINVAL, "a FIFO");
    expect_refused("sub", EINVAL, "a folder");
    expect_refused("socket", EINVAL, "a socket");
    expect_refused("null", EINVAL, "a device");
    close(listening);
}

static void our_own_links_are_followed(void **state)
{
    (void)state;
    assert_int_equal(mkdirat(folder, "sub", 0700), 0);
    make_file("sub/a.log", "of the day\n");
    make_link("sub/a.log", "current");
    expect_opens("current", "of the day\n");
    make_link("current", "one");
    expect_opens("one", "of the day\n");
    char whole[64];
    snprintf(whole, sizeof whole, "%s/sub/a.log", path);
    make_link(whole, "two");
    expect_opens("two", "of the day\n");
}

static void links_that_lead_nowhere_or_in_a_circle_end(void **state)
{
    (void)state;
    make_link("a.log", "current");
    expect_refused("current", ENOENT, "a.log");
    make_link("two", "one");
    make_link("one", "two");
    expect_refused("one", ELOOP, "cannot open");
}

static void a_users_link_to_his_own_file_is_followed(void **state)
{
    (void)state;
    need_root();
    make_file("a.log", "mine\n");
    give("a.log", ALICE);
    make_link("a.log", "current");
    give("current", ALICE);
    expect_opens("current", "mine\n");
}

static void a_users_link_to_a_file_of_others_is_not_followed(void **state)
{
    (void)state;
    need_root();
    make_file("a.log", "secret\n"); /* root's */
    make_file("b.log", "secret\n");
    give("b.log", BOB);
    make_link("a.log", "one");
    make_link("b.log", "two");
    give("one", ALICE);
    give("two", ALICE);
    expect_refused("one", EPERM, "not followed");
    expect_refused("two", EPERM, "not followed");
}

static void a_users_link_is_not_made_honest_by_one_of_root(void **state)
{
    (void)state;
    need_root();
    make_file("a.log", "secret\n");
    make_link("a.log", "two"); /* root's: may lead anywhere by itself */
    make_link("two", "one");
    expect_opens("one", "secret\n");
    give("one", ALICE);
    expect_refused("one", EPERM, "not followed");
}

static void a_link_of_root_to_a_users_link_trusts_that_user_no_further(void **state)
{
    (void)state;
    need_root();
    make_file("a.log", "secret\n");
    make_link("a.log", "two");
    give("two", ALICE);
    make_link("two", "one");
    expect_refused("one", EPERM, "not followed");
    give("a.log", ALICE);
    expect_opens("one", "secret\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_regular_file_is_opened_for_reading),
        TEST(what_is_not_there_is_said),
        TEST(what_is_no_regular_file_is_refused_without_being_opened),
        TEST(our_own_links_are_followed),
        TEST(links_that_lead_nowhere_or_in_a_circle_end),
        TEST(a_users_link_to_his_own_file_is_followed),
        TEST(a_users_link_to_a_file_of_others_is_not_followed),
        TEST(a_users_link_is_not_made_honest_by_one_of_root),
        TEST(a_link_of_root_to_a_users_link_trusts_that_user_no_further),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
