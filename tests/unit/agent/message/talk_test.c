/* A conversation in a loop: in order whatever the receiver's pace; news gives way, what must arrive waits; each end is
 * said once. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "agent/message/talk.h"

struct side {
    struct talk *talk;
    uint32_t received, last, ended, out_of_order;
    int code;
    bool close_in_message;
};

static sd_event *loop;
static struct side watcher, courier;

static void on_message(void *context, const union message *message, int descriptor)
{
    struct side *side = context;
    assert_int_equal(descriptor, -1);
    side->received++;
    side->out_of_order += message->head.question <= side->last;
    side->last = message->head.question;
    if (side->close_in_message)
        talk_close(&side->talk);
}

static void on_ended(void *context, const struct error *why)
{
    struct side *side = context;
    side->ended++;
    side->code = why->code;
    talk_close(&side->talk);
}

static int begin(void **state)
{
    int ends[2];
    struct error error = {0};
    (void)state;
    watcher = courier = (struct side){0};
    if (sd_event_new(&loop) < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return -1;
    const struct talk_listener one = {&watcher, on_message, on_ended}, other = {&courier, on_message, on_ended};
    return talk_open(loop, (struct channel){ends[0], ROLE_WATCHER, ROLE_COURIER}, &one, 1000, &watcher.talk, &error) ||
           talk_open(loop, (struct channel){ends[1], ROLE_COURIER, ROLE_WATCHER}, &other, 1000, &courier.talk, &error);
}

static int finish(void **state)
{
    (void)state;
    talk_close(&watcher.talk);
    talk_close(&courier.talk);
    loop = sd_event_unref(loop);
    return 0;
}

static void run(int rounds)
{
    while (rounds-- > 0 && sd_event_run(loop, 1000) > 0)
        ;
}

/* Fill the socket and the queue without giving the receiver a turn. Returns how many were taken. */
static uint32_t fill(enum talk_weight weight, uint32_t most)
{
    uint32_t taken = 0;
    while (taken < most && talk_plain(watcher.talk, MESSAGE_END, taken + 1, weight))
        taken++;
    return taken;
}

static void test_what_waits_arrives_in_order(void **state)
{
    (void)state;
    uint32_t taken = fill(TALK_MUST, 1000);
    assert_int_equal(taken, 1000);
    assert_true(talk_waiting(watcher.talk) > 0);
    run(400);
    assert_int_equal(courier.received, 1000);
    assert_int_equal(courier.out_of_order, 0);
    assert_int_equal(talk_waiting(watcher.talk), 0);
    assert_int_equal(talk_lost(watcher.talk), 0);
}

static void test_news_gives_way(void **state)
{
    (void)state;
    uint32_t taken = fill(TALK_NEWS, 1000000);
    assert_int_equal(talk_waiting(watcher.talk), 500); /* one half of the bound */
    assert_int_equal(talk_lost(watcher.talk), 1);
    assert_false(talk_has_room(watcher.talk, 1));
    assert_true(
        talk_plain(watcher.talk, MESSAGE_END, taken + 1, TALK_MUST)); /* the other half is for what must arrive */
    run(2000);
    assert_int_equal(courier.received, taken + 1);
    assert_int_equal(courier.out_of_order, 0);
    assert_true(talk_has_room(watcher.talk, 500));
    assert_int_equal(watcher.ended, 0);
}

static void test_a_dead_receiver_ends_it(void **state)
{
    (void)state;
    fill(TALK_MUST, 1000000);
    assert_int_equal(talk_lost(watcher.talk), 1);
    run(2000);
    assert_int_equal(watcher.ended, 1);
    assert_null(watcher.talk);
}

static void test_the_other_side_goes(void **state)
{
    (void)state;
    assert_true(talk_plain(watcher.talk, MESSAGE_END, 1, TALK_MUST));
    talk_close(&watcher.talk);
    run(10);
    assert_int_equal(courier.received, 1);
    assert_int_equal(courier.ended, 1);
    assert_int_equal(courier.code, ECONNRESET);
}

static void test_broken_rules(void **state)
{
    (void)state;
    int descriptors[2]; /* a stranger's bytes in place of the watcher's */
    struct error error = {0};
    struct side warden = {0};
    const struct talk_listener listener = {&warden, on_message, on_ended};
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, descriptors), 0);
    assert_int_equal(talk_open(loop, (struct channel){descriptors[0], ROLE_WARDEN, ROLE_WATCHER}, &listener, 10,
                               &warden.talk, &error),
                     0);
    assert_int_equal(send(descriptors[1], "nonsense", 8, 0), 8);
    run(5);
    assert_int_equal(warden.ended, 1);
    assert_int_equal(warden.code, EPROTO);
    close(descriptors[1]);
}

static void test_a_listener_may_close_it(void **state)
{
    (void)state;
    courier.close_in_message = true;
    fill(TALK_MUST, 10);
    run(10);
    assert_int_equal(courier.received, 1);
    assert_null(courier.talk);
}

int main(void)
{
#define IN_A_LOOP(test) cmocka_unit_test_setup_teardown(test, begin, finish)
    const struct CMUnitTest tests[] = {
        IN_A_LOOP(test_what_waits_arrives_in_order),
        IN_A_LOOP(test_news_gives_way),
        IN_A_LOOP(test_a_dead_receiver_ends_it),
        IN_A_LOOP(test_the_other_side_goes),
        IN_A_LOOP(test_broken_rules),
        IN_A_LOOP(test_a_listener_may_close_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
