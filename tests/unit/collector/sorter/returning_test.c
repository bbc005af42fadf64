/* The listener for returned messages, over real sockets: who may connect, what is told, and who is sent away. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "collector/sorter/returning.h"

static struct returned_settings settings;
static struct filter_settings filters[2];
static struct returning *returning;
static struct error failed;
static struct opinion told;
static char told_name[64];
static int answer;

static int tell(void *context, const char *message, const struct filter_settings *filter, const struct opinion *opinion)
{
    assert_ptr_equal(context, &told);
    snprintf(told_name, sizeof told_name, "%s.%s", message, filter->name);
    told = *opinion;
    return answer;
}

static int start(const char *from)
{
    struct address address;
    settings =
        (struct returned_settings){.listen = "127.0.0.1:0", .connections = 2, .patience = SECOND, .size = 1 << 20};
    assert_true(address_parse(text_of(from), &address));
    assert_true(address_list_add(&settings.from, &address));
    filters[0] = (struct filter_settings){.name = "rspamd"};
    filters[1] = (struct filter_settings){
        .name = "gate", .kind = 3, .mailbox = "filter.firm.example", .headers = "builtin:spamassassin"};
    answer = 0;
    told_name[0] = 0;
    failed = (struct error){0};
    return returning_create(&settings, filters, 2, tell, &told, &returning, &failed);
}

static int setup(void **unused)
{
    (void)unused;
    return start("127.0.0.0/8");
}

static int teardown(void **unused)
{
    (void)unused;
    returning_destroy(&returning);
    address_list_clear(&settings.from);
    return 0;
}

static int dial(void)
{
    const struct sockaddr_in name = {
        .sin_family = AF_INET, .sin_port = htons(returning_port(returning)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int link = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(link, (const struct sockaddr *)&name, sizeof name), 0);
    return link;
}

/* What comes until the other side closes, or says that. */
static const char *hear(int link, const char *until)
{
    static char heard[65536];
    size_t length = 0;
    heard[0] = 0;
    while (length + 1 < sizeof heard && !(until && strstr(heard, until))) {
        struct pollfd ready = {.fd = link, .events = POLLIN};
        ssize_t got = poll(&ready, 1, 10000) == 1 ? recv(link, heard + length, sizeof heard - 1 - length, 0) : -1;
        if (got <= 0)
            break;
        length += (size_t)got;
        heard[length] = 0;
    }
    return heard;
}

static const char *say(const char *text)
{
    int link = dial();
    assert_int_equal(send(link, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    const char *heard = hear(link, NULL);
    close(link);
    return heard;
}

#define MESSAGE(mailbox)                                                                                               \
    "EHLO gate\r\nMAIL FROM:<>\r\nRCPT TO:<" mailbox                                                                   \
    ">\r\nDATA\r\nX-Spam-Status: Yes, score=7.1 required=5.0\r\n\r\nx\r\n.\r\n"                                        \
    "QUIT\r\n"

static void a_verdict_is_told(void **unused)
{
    (void)unused;
    assert_non_null(strstr(say(MESSAGE("0dc5b48d4.a739d.GATE@Filter.firm.example")), "\r\n250 2.0.0 taken\r\n221 "));
    assert_string_equal(told_name, "0DC5B48D4.A739D.gate");
    assert_int_equal(told.score, 710);
    assert_int_equal(returning_counts(returning).taken, 1);
    assert_int_equal(returning_counts(returning).unread, 0);
}

static void a_message_without_one_is_told_as_well(void **unused)
{
    (void)unused;
    assert_non_null(strstr(say("LHLO x\r\nMAIL FROM:<>\r\nRCPT "
                               "TO:<0DC5B48D4.A739D.gate@filter.firm.example>\r\nDATA\r\n\r\n.\r\nQUIT\r\n"),
                           "250 2.0.0 taken"));
    assert_string_equal(told_name, "0DC5B48D4.A739D.gate");
    assert_false(opinion_is_one(&told));
    assert_int_equal(returning_counts(returning).unread, 1);
}

static void what_cannot_be_kept_is_brought_again(void **unused)
{
    (void)unused;
    answer = -EIO;
    assert_non_null(strstr(say(MESSAGE("0DC5B48D4.A739D.gate@filter.firm.example")), "\r\n451 4.3.0 "));
    assert_int_equal(returning_counts(returning).deferred, 1);
}

static void mailboxes_of_others_are_refused(void **unused)
{
    (void)unused;
    assert_non_null(strstr(say(MESSAGE("0DC5B48D4.A739D.gate@elsewhere.example")), "\r\n550 5.1.1 "));
    assert_non_null(strstr(say(MESSAGE("0DC5B48D4.A739D.rspamd@filter.firm.example")), "\r\n550 5.1.1 "));
    assert_non_null(strstr(say(MESSAGE("postmaster@filter.firm.example")), "\r\n550 5.1.1 "));
    assert_string_equal(told_name, "");
    assert_int_equal(returning_counts(returning).refused, 3);
}

static void who_is_not_on_the_list_is_not_heard(void **unused)
{
    (void)unused;
    (void)teardown(NULL);
    assert_int_equal(start("192.0.2.1"), 0);
    int link = dial();
    assert_string_equal(hear(link, NULL), "554 5.7.1 not from here\r\n");
    close(link);
    assert_int_equal(returning_counts(returning).refused, 1);
}

static void who_is_silent_makes_room(void **unused)
{
    (void)unused;
    int first = dial(), second = dial();
    assert_non_null(strstr(hear(first, "\r\n"), "220 "));
    assert_non_null(strstr(hear(second, "\r\n"), "220 "));
    /* Both places are taken; the third waits until the others' patience ends. */
    assert_non_null(strstr(say(MESSAGE("0DC5B48D4.A739D.gate@filter.firm.example")), "250 2.0.0 taken"));
    assert_string_equal(hear(first, NULL), "");
    close(first);
    close(second);
}

static void it_ends_with_connections_open(void **unused)
{
    (void)unused;
    int link = dial();
    assert_non_null(strstr(hear(link, "\r\n"), "220 "));
    assert_int_equal(send(link, "EHLO", 4, 0), 4);
    returning_destroy(&returning);
    assert_string_equal(hear(link, NULL), "");
    close(link);
}

static void what_cannot_be_read_is_said_at_the_start(void **unused)
{
    (void)unused;
    (void)teardown(NULL);
    (void)start("127.0.0.0/8");
    struct returning *second = NULL;
    snprintf(filters[1].headers, sizeof filters[1].headers, "/nonexistent/own.conf");
    assert_int_equal(returning_create(&settings, filters, 2, tell, &told, &second, &failed), -ENOENT);
    assert_non_null(strstr(failed.text, "[filter gate] headers: "));
    snprintf(filters[1].headers, sizeof filters[1].headers, "builtin:assp");
    snprintf(settings.listen, sizeof settings.listen, "127.0.0.1:%u", returning_port(returning));
    assert_int_equal(returning_create(&settings, filters, 2, tell, &told, &second, &failed), -EADDRINUSE);
    assert_null(second);
    assert_true(returned_settings_check(&settings, &failed));
    snprintf(settings.listen, sizeof settings.listen, "nowhere");
    assert_false(returned_settings_check(&settings, &failed));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_verdict_is_told),
        TEST(a_message_without_one_is_told_as_well),
        TEST(what_cannot_be_kept_is_brought_again),
        TEST(mailboxes_of_others_are_refused),
        TEST(who_is_not_on_the_list_is_not_heard),
        TEST(who_is_silent_makes_room),
        TEST(it_ends_with_connections_open),
        TEST(what_cannot_be_read_is_said_at_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
