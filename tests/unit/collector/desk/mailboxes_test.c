/* Mailboxes as sources: what is new is brought, once, with how far it was read; what was not taken is brought again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "collector/desk/imap.h"
#include "collector/desk/maildir.h"
#include "collector/desk/mbox.h"

static char folder[64], path[128], place[MBOX_PLACE], taken[10][200];
static int count, refuse_at;
static struct error failed;

static int take(void *context, const struct brought *brought, struct error *error)
{
    (void)context;
    if (count == refuse_at)
        return error_set(error, EAGAIN, "not now");
    snprintf(taken[count++], sizeof taken[0], "%.*s", (int)brought->content.length, brought->content.bytes);
    if (brought->place)
        snprintf(place, sizeof place, "%s", brought->place);
    return 0;
}
static const struct taker taker = {.take = take};

static void put(const char *name, const char *mode, const char *content)
{
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, mode);
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static bool is_there(const char *name)
{
    char full[256];
    snprintf(full, sizeof full, "%s/%s", folder, name);
    return access(full, F_OK) == 0;
}

static int begin(void **state)
{
    static const char *const names[] = {"new", "cur", "tmp"};
    char full[128];
    (void)state;
    strcpy(folder, "/tmp/postern-desk-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    for (size_t i = 0; i < 3; i++) {
        snprintf(full, sizeof full, "%s/%s", folder, names[i]);
        if (mkdir(full, 0700) != 0)
            return -1;
    }
    count = 0;
    refuse_at = -1;
    place[0] = '\0';
    return 0;
}

static int end(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static int read_mbox(int most)
{
    snprintf(path, sizeof path, "%s/box", folder);
    return mbox_read(path, most, place, &taker, &failed);
}

static void test_mbox_is_read_on(void **unused)
{
    (void)unused;
    put("box", "w", "From a\nSubject: 1\n\n>From here\nFrom there\n\nFrom b\nSubject: 2\n\n\n");
    assert_int_equal(read_mbox(10), 2);
    assert_string_equal(taken[0], "Subject: 1\n\nFrom here\nFrom there\n\n");
    assert_string_equal(taken[1], "Subject: 2\n\n\n");
    assert_int_equal(read_mbox(10), 0);
    put("box", "a", "From c\nSubject: 3\n\nhalf");
    assert_int_equal(read_mbox(10), 0); /* it is being written */
    put("box", "a", " of it\n\n");
    assert_int_equal(read_mbox(10), 1);
    assert_string_equal(taken[2], "Subject: 3\n\nhalf of it\n\n");
}

static void test_mbox_a_few_at_a_time(void **unused)
{
    (void)unused;
    put("box", "w", "From a\n1:\n\nFrom a\n2:\n\nFrom a\n3:\n\n");
    assert_int_equal(read_mbox(1), 1);
    assert_int_equal(read_mbox(1), 1);
    assert_int_equal(read_mbox(1), 1);
    assert_int_equal(read_mbox(1), 0);
    assert_string_equal(taken[2], "3:\n\n");
}

static void test_mbox_what_was_refused_comes_again(void **unused)
{
    (void)unused;
    put("box", "w", "From a\n1:\n\nFrom a\n2:\n\n");
    refuse_at = 1;
    assert_int_equal(read_mbox(10), -EAGAIN);
    refuse_at = -1;
    assert_int_equal(read_mbox(10), 1);
    assert_string_equal(taken[1], "2:\n\n");
}

static void test_mbox_begun_anew(void **unused)
{
    (void)unused;
    put("box", "w", "From a\n1:\n\nFrom a\n2:\n\n");
    assert_int_equal(read_mbox(10), 2);
    put("box", "w", "From a\n3:\n\n");
    assert_int_equal(read_mbox(10), 1);
    assert_string_equal(taken[2], "3:\n\n");
    put("box", "w", "From a\n4: longer\n\nFrom a\n5:\n\n");
    assert_int_equal(read_mbox(10), 2);
    assert_string_equal(taken[3], "4: longer\n\n");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(read_mbox(10), -ENOENT);
}

static void test_mbox_what_is_too_long_is_said_and_passed_over(void **unused)
{
    (void)unused;
    char *large = malloc(BROUGHT_MOST + 2);
    put("box", "w", "From a\n1:\n\n");
    memset(large, 'a', BROUGHT_MOST + 1);
    large[BROUGHT_MOST + 1] = '\0';
    put("box", "a", "From a\n");
    put("box", "a", large);
    put("box", "a", "\n\nFrom a\n3:\n\n");
    free(large);
    assert_int_equal(read_mbox(10), -EMSGSIZE);
    assert_int_equal(count, 2);
    assert_string_equal(taken[1], "3:\n\n");
    assert_int_equal(read_mbox(10), 0);
}

static void test_maildir(void **unused)
{
    (void)unused;
    put("new/1.a", "w", "one");
    put("new/2.b:2,", "w", "two");
    put("new/.hidden", "w", "no");
    put("tmp/3.c", "w", "not yet");
    refuse_at = 1;
    assert_int_equal(maildir_read(folder, 10, &taker, &failed), -EAGAIN);
    assert_true(is_there("cur/1.a:2,S") && is_there("new/2.b:2,"));
    refuse_at = -1;
    assert_int_equal(maildir_read(folder, 10, &taker, &failed), 1);
    assert_string_equal(taken[1], "two");
    assert_true(is_there("cur/2.b:2,") && is_there("tmp/3.c") && is_there("new/.hidden"));
    assert_int_equal(maildir_read(folder, 10, &taker, &failed), 0);
    assert_true(maildir_read("/nowhere", 10, &taker, &failed) < 0);
}

static void test_maildir_follows_no_links(void **unused)
{
    char link[128];
    (void)unused;
    put("secret", "w", "secret");
    snprintf(link, sizeof link, "%s/new/1.link", folder);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(maildir_read(folder, 10, &taker, &failed), 0);
    assert_int_equal(count, 0);
}

static int ask_silent_server(const char *host, const struct taker *for_whom)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof name;
    char server[64];
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(listen(listening, 1), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&name, &length), 0);
    snprintf(server, sizeof server, "imap://%s:%u", host, ntohs(name.sin_port));
    const struct imap_settings settings = {
        .server = server, .mailbox = "INBOX", .user = "u", .password = "p", .authority = "", .patience = MINUTE};
    int status = imap_read(&settings, 10, "", for_whom, &failed);
    close(listening);
    return status;
}

static bool is_over(void *context)
{
    (void)context;
    return true;
}

static void test_imap_is_not_waited_for_at_the_end(void **unused)
{
    (void)unused;
    const struct taker ending = {.take = take, .is_over = is_over};
    assert_int_equal(ask_silent_server("127.0.0.1", &ending), -ECANCELED);
}

int main(void)
{
#define MAILBOX(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        MAILBOX(test_mbox_is_read_on),
        MAILBOX(test_mbox_a_few_at_a_time),
        MAILBOX(test_mbox_what_was_refused_comes_again),
        MAILBOX(test_mbox_begun_anew),
        MAILBOX(test_mbox_what_is_too_long_is_said_and_passed_over),
        MAILBOX(test_maildir),
        MAILBOX(test_maildir_follows_no_links),
        MAILBOX(test_imap_is_not_waited_for_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
