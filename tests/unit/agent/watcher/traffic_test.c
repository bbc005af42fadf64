/* What is told of a minute: those that did most by name, the rest as a sum, everything once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/watcher/traffic.h"

struct room {
    void *memory;
    struct senders *senders;
    struct traffic traffic;
    union message told[TRAFFIC_SENDERS + 1];
};

static int make_room(void **state)
{
    const struct senders_shape shape = {.senders = 1000, .sketches = 64, .judge_bytes = 100, .fingerprint = 42};
    struct room *room = calloc(1, sizeof *room);
    struct error error = {0};
    size_t size = (senders_memory(&shape) + 63) / 64 * 64;
    room->memory = aligned_alloc(64, size);
    memset(room->memory, 0, size);
    room->senders = senders_place(room->memory, &shape, &error);
    *state = room;
    return room->senders ? 0 : -1;
}

static int clear_room(void **state)
{
    struct room *room = *state;
    senders_release(&room->senders);
    free(room->memory);
    free(room);
    return 0;
}

static void send(struct room *room, uint32_t user, uint32_t messages)
{
    struct sender sender = sender_from_user(user);
    struct sender_record *record = senders_record(room->senders, &sender, SECOND);
    sender_record_open(record);
    record->messages += messages;
    record->bytes += 1000 * messages;
    sender_record_close(record);
}

static uint32_t tell(struct room *room, moment now)
{
    uint32_t count = traffic_collect(&room->traffic, room->senders, now, room->told);
    for (uint32_t i = 0; i < count; i++)
        assert_true(message_is_sound(&room->told[i]));
    return count;
}

static void what_was_told_is_not_told_again(void **state)
{
    struct room *room = *state;
    send(room, 7, 3);
    send(room, 8, 0);
    assert_int_equal(tell(room, 60 * SECOND), 1);
    struct sender seven = sender_from_user(7);
    assert_true(sender_equals(&room->told[0].traffic.sender, &seven));
    assert_int_equal(room->told[0].traffic.messages, 3);
    assert_int_equal(room->told[0].traffic.bytes, 3000);
    assert_int_equal(room->told[0].traffic.seconds, 60);
    assert_int_equal(tell(room, 120 * SECOND), 0);
    send(room, 7, 2);
    assert_int_equal(tell(room, 300 * SECOND), 1);
    assert_int_equal(room->told[0].traffic.messages, 2);
    assert_int_equal(room->told[0].traffic.seconds, 180);
}

static void the_busiest_have_names_and_the_rest_is_a_sum(void **state)
{
    struct room *room = *state;
    uint64_t by_name = 0, all = 0;
    for (uint32_t user = 1; user <= 600; user++) {
        uint32_t messages = user * 7919 % 601 + 1;
        send(room, user, messages);
        all += messages;
    }
    assert_int_equal(tell(room, 60 * SECOND), TRAFFIC_SENDERS + 1);
    const struct message_traffic *rest = &room->told[TRAFFIC_SENDERS].traffic;
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < TRAFFIC_SENDERS; i++) {
        assert_int_not_equal(room->told[i].traffic.sender.kind, SENDER_NONE);
        by_name += room->told[i].traffic.messages;
        if (room->told[i].traffic.messages < least)
            least = room->told[i].traffic.messages;
    }
    assert_int_equal(rest->sender.kind, SENDER_NONE);
    assert_int_equal(by_name + rest->messages, all);
    assert_true(least > 600 - TRAFFIC_SENDERS); /* no two of them sent as many */
    assert_int_equal(tell(room, 120 * SECOND), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_told_is_not_told_again, make_room, clear_room),
        cmocka_unit_test_setup_teardown(the_busiest_have_names_and_the_rest_is_a_sum, make_room, clear_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
