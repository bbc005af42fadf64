/* The listener between sockets and dialogues: whoever may come is heard, answered and let go; nobody waits for one who
 * does not take his answers, and who is silent or stays too long goes. What is said is a small dialogue's: it gives
 * back what it hears in capitals, and ends behind "q". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/io/mail_listener.h"

#define LONG_ENOUGH 20000 /* milliseconds */

static struct mail_listener *listener;
static struct mail_dialogues manner;
static struct address_list everybody;
static _Atomic int begun, ended, away;
static int clients[4] = {-1, -1, -1, -1};

static void *begin(void *context, struct buffer *replies)
{
    begun++;
    return buffer_append(replies, TEXT("hello\n")) ? context : NULL;
}

static void *begin_nothing(void *context, struct buffer *replies)
{
    (void)context;
    assert_true(buffer_append(replies, TEXT("hello\n")));
    return NULL;
}

static bool feed(void *dialogue, struct text piece, struct buffer *replies)
{
    bool goes_on = true;
    assert_ptr_equal(dialogue, &manner);
    assert_true(piece.length <= MAIL_LISTENER_PIECE);
    for (size_t i = 0; i < piece.length && goes_on; i++) {
        goes_on = piece.bytes[i] != 'q';
        assert_true(buffer_append_byte(replies, piece.bytes[i] >= 'a' ? piece.bytes[i] ^ 0x20 : piece.bytes[i]));
        for (size_t more = 0; piece.bytes[i] == '!' && more < 1000000; more++)
            assert_true(buffer_append_byte(replies, '.'));
    }
    return goes_on;
}

static void end(void *dialogue)
{
    assert_ptr_equal(dialogue, &manner);
    ended++;
}

static void sent_away(void *context)
{
    assert_ptr_equal(context, &manner);
    away++;
}

static int before(void **unused)
{
    struct address all = {.family = 4};
    (void)unused;
    begun = ended = away = 0;
    manner = (struct mail_dialogues){.from = &everybody,
                                     .connections = 4,
                                     .silence = MINUTE,
                                     .whole = 10 * MINUTE,
                                     .replies = 4000000,
                                     .context = &manner,
                                     .begin = begin,
                                     .feed = feed,
                                     .end = end,
                                     .sent_away = sent_away};
    return everybody.count > 0 || address_list_add(&everybody, &all) ? 0 : -1;
}

static int after(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
        if (clients[i] >= 0)
            close(clients[i]);
        clients[i] = -1;
    }
    mail_listener_destroy(&listener);
    return 0;
}

static void listen_here(void)
{
    struct error error = {0};
    if (mail_listener_create("127.0.0.1:0", &manner, &listener, &error) < 0)
        fail_msg("%s", error.text);
}

static void come(int index)
{
    struct sockaddr_in name = {
        .sin_family = AF_INET, .sin_port = htons(mail_listener_port(listener)), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    clients[index] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(clients[index], (const struct sockaddr *)&name, sizeof name), 0);
}

static void say(int index, const char *words)
{
    assert_int_equal(send(clients[index], words, strlen(words), MSG_NOSIGNAL), (ssize_t)strlen(words));
}

/* Exactly that comes. */
static void hear(int index, const char *words)
{
    char got[64] = "";
    size_t length = 0;
    struct pollfd ready = {.fd = clients[index], .events = POLLIN};
    while (length < strlen(words) && poll(&ready, 1, LONG_ENOUGH) == 1) {
        ssize_t more = recv(clients[index], got + length, strlen(words) - length, 0);
        assert_true(more > 0);
        length += (size_t)more;
    }
    assert_string_equal(got, words);
}

/* All that comes until the connection ends. */
static size_t hear_out(int index)
{
    static char got[65536];
    size_t length = 0;
    struct pollfd ready = {.fd = clients[index], .events = POLLIN};
    for (ssize_t more = 1; more > 0; length += more > 0 ? (size_t)more : 0) {
        assert_int_equal(poll(&ready, 1, LONG_ENOUGH), 1);
        more = recv(clients[index], got, sizeof got, 0);
    }
    return length;
}

static void test_a_dialogue(void **unused)
{
    (void)unused;
    listen_here();
    come(0);
    hear(0, "hello\n");
    say(0, "abc");
    hear(0, "ABC");
    say(0, "dqe");
    hear(0, "DQ");
    assert_int_equal(hear_out(0), 0);
}

static void test_several_at_once(void **unused)
{
    (void)unused;
    listen_here();
    for (int i = 0; i < 4; i++)
        come(i);
    for (int i = 3; i >= 0; i--) {
        hear(i, "hello\n");
        say(i, "a");
    }
    for (int i = 0; i < 4; i++)
        hear(i, "A");
}

static void test_no_more_than_there_is_room_for(void **unused)
{
    struct pollfd ready;
    (void)unused;
    manner.connections = 1;
    listen_here();
    come(0);
    hear(0, "hello\n");
    come(1); /* the kernel has it, nobody hears it */
    ready = (struct pollfd){.fd = clients[1], .events = POLLIN};
    assert_int_equal(poll(&ready, 1, 300), 0);
    say(0, "q");
    hear(1, "hello\n");
    assert_int_equal(begun, 2);
}

/* Megabytes of answers wait for the one; the other is served. */
static void test_who_does_not_read_holds_up_nobody(void **unused)
{
    (void)unused;
    listen_here();
    come(0);
    hear(0, "hello\n");
    say(0, "!!!q");
    come(1);
    hear(1, "hello\n");
    say(1, "b");
    hear(1, "B");
    assert_int_equal(hear_out(0), 3 * 1000001 + 1);
}

static void test_who_may_not_come_is_sent_away(void **unused)
{
    static struct address_list nobody;
    (void)unused;
    manner.from = &nobody;
    listen_here();
    come(0);
    hear(0, "554 5.7.1 not from here\r\n");
    assert_int_equal(hear_out(0), 0);
    assert_int_equal(begun, 0);
    assert_int_equal(away, 1);
}

static void test_where_there_is_no_dialogue_nothing_of_it_is_said(void **unused)
{
    (void)unused;
    manner.begin = begin_nothing;
    listen_here();
    come(0);
    hear(0, "421 4.3.2 not now\r\n");
    assert_int_equal(hear_out(0), 0);
    assert_int_equal(away, 0);
}

static void test_who_is_silent_goes(void **unused)
{
    (void)unused;
    manner.silence = 10 * MILLISECOND;
    listen_here();
    come(0);
    hear(0, "hello\n");
    assert_int_equal(hear_out(0), 0);
    assert_int_equal(ended, 1);
}

static void test_who_stays_too_long_goes_however_busy(void **unused)
{
    char got;
    (void)unused;
    manner.whole = 300 * MILLISECOND;
    listen_here();
    come(0);
    hear(0, "hello\n");
    int count = 0;
    while (send(clients[0], "a", 1, MSG_NOSIGNAL) == 1 && recv(clients[0], &got, 1, 0) == 1 && count++ < 100000)
        usleep(1000);
    assert_true(count < 100000);
}

static void test_all_end_with_it(void **unused)
{
    (void)unused;
    listen_here();
    come(0);
    come(1);
    hear(0, "hello\n");
    hear(1, "hello\n");
    mail_listener_destroy(&listener);
    assert_null(listener);
    assert_int_equal(ended, 2);
    assert_int_equal(hear_out(0), 0);
}

static void test_an_address_that_is_taken(void **unused)
{
    CLEANUP(mail_listener_destroy) struct mail_listener *second = NULL;
    struct error error = {0};
    char address[64];
    (void)unused;
    listen_here();
    snprintf(address, sizeof address, "127.0.0.1:%u", mail_listener_port(listener));
    assert_int_equal(mail_listener_create(address, &manner, &second, &error), -EADDRINUSE);
    assert_int_equal(mail_listener_create("nowhere", &manner, &second, &error), -EINVAL);
    assert_null(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_dialogue, before, after),
        cmocka_unit_test_setup_teardown(test_several_at_once, before, after),
        cmocka_unit_test_setup_teardown(test_no_more_than_there_is_room_for, before, after),
        cmocka_unit_test_setup_teardown(test_who_does_not_read_holds_up_nobody, before, after),
        cmocka_unit_test_setup_teardown(test_who_may_not_come_is_sent_away, before, after),
        cmocka_unit_test_setup_teardown(test_where_there_is_no_dialogue_nothing_of_it_is_said, before, after),
        cmocka_unit_test_setup_teardown(test_who_is_silent_goes, before, after),
        cmocka_unit_test_setup_teardown(test_who_stays_too_long_goes_however_busy, before, after),
        cmocka_unit_test_setup_teardown(test_all_end_with_it, before, after),
        cmocka_unit_test_setup_teardown(test_an_address_that_is_taken, before, after),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    address_list_clear(&everybody);
    return failed;
}
