/* Cutting: once at once, once after 200 ms, once after a second, with the sequence numbers of then; the sender's
 * streams and no other's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "agent/packet/segment.h"
#include "agent/watcher/cuts.h"

#define CLIENT 1
#define OTHER  2

static uint32_t resets, again;
static struct message_reset latest;
static struct streams *streams;
static struct senders *senders;
static void *memory;

static void on_reset(void *context, const union message *message)
{
    (void)context;
    assert_true(message_is_sound(message));
    latest = message->reset;
    resets++;
    again += message->reset.again;
}

static void nothing_begun(void *context, struct stream *stream, void *room)
{
    (void)context;
    (void)stream;
    (void)room;
}
static void nothing_opened(void *context, struct stream *stream, void *room, moment time)
{
    (void)time;
    nothing_begun(context, stream, room);
}
static void nothing_bytes(void *context, struct stream *stream, void *room, enum stream_side side, struct text text,
                          moment time)
{
    (void)side;
    (void)text;
    nothing_opened(context, stream, room, time);
}
static void nothing_gap(void *context, struct stream *stream, void *room, enum stream_side side, uint32_t length,
                        moment time)
{
    (void)side;
    (void)length;
    nothing_opened(context, stream, room, time);
}
static void nothing_closed(void *context, struct stream *stream, void *room, enum close_reason reason, moment time)
{
    (void)reason;
    nothing_opened(context, stream, room, time);
}

static const uint8_t server[4] = {198, 51, 100, 25};

static void feed_port(uint32_t port, uint8_t client, bool from_client, uint8_t flags, uint32_t sequence,
                      uint32_t acknowledged, size_t bytes)
{
    static const char payload[100];
    static uint8_t address[4], macs[2][6] = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 0xfe}};
    memcpy(address, (uint8_t[]){203, 0, 113, client}, 4);
    const struct segment segment = {.time = SECOND,
                                    .family = 4,
                                    .source = from_client ? address : server,
                                    .target = from_client ? server : address,
                                    .source_port = from_client ? 40000 : 25,
                                    .target_port = from_client ? 25 : 40000,
                                    .sequence = sequence,
                                    .acknowledged = acknowledged,
                                    .window = 1000,
                                    .flags = flags,
                                    .time_to_live = 64,
                                    .payload = {payload, bytes},
                                    .source_mac = macs[!from_client],
                                    .port = port,
                                    .direction = from_client ? 1 : 2};
    streams_add(streams, &segment);
}

static void feed(uint8_t client, bool from_client, uint8_t flags, uint32_t sequence, uint32_t acknowledged,
                 size_t bytes)
{
    feed_port(client, client, from_client, flags, sequence, acknowledged, bytes);
}

/* The guest behind CLIENT's port under another's address. */
static void forge(uint8_t client, uint8_t flags, uint32_t sequence, uint32_t acknowledged, size_t bytes)
{
    feed_port(CLIENT, client, true, flags, sequence, acknowledged, bytes);
}

static void open_stream(uint8_t client)
{
    feed(client, true, SEGMENT_SYN, 1000, 0, 0);
    feed(client, false, SEGMENT_SYN | SEGMENT_ACK, 5000, 1001, 0);
    feed(client, true, SEGMENT_ACK, 1001, 5001, 0);
}

static int begin(void **state)
{
    const struct stream_listener listener = {.room = 8,
                                             .begun = nothing_begun,
                                             .opened = nothing_opened,
                                             .bytes = nothing_bytes,
                                             .gap = nothing_gap,
                                             .closed = nothing_closed};
    const struct stream_settings settings = {
        .streams = 16, .bytes_held = 65536, .bytes_per_stream = 4096, .opening = MINUTE, .idle = HOUR, .ports = {25}};
    const struct senders_shape shape = {.senders = 16, .sketches = 4, .judge_bytes = 8};
    const struct cuts_listener resetter = {NULL, on_reset, NULL};
    struct error error = {0};
    streams = streams_create(&settings, &listener, &error);
    memory = calloc(1, senders_memory(&shape));
    senders = streams && memory ? senders_place(memory, &shape, &error) : NULL;
    struct cuts *cuts = cuts_create(&resetter, &error);
    *state = cuts;
    resets = again = 0;
    const struct senders_port one = {CLIENT, "vnet1"}, two = {OTHER, "vnet2"};
    if (!streams || !senders || !cuts || !senders_set_port(senders, &one) || !senders_set_port(senders, &two))
        return -1;
    open_stream(CLIENT);
    open_stream(OTHER);
    return 0;
}

static int finish(void **state)
{
    struct cuts *cuts = *state;
    cuts_destroy(&cuts);
    senders_release(&senders);
    streams_destroy(&streams);
    free(memory);
    return 0;
}

static void test_three_rounds(void **state)
{
    struct cuts *cuts = *state;
    struct sender sender = sender_from_port("vnet1");
    const duration t = HOUR;
    assert_int_equal(cuts_due(cuts, streams, senders, t), 0);
    cuts_begin(cuts, &sender, t);
    assert_int_equal(resets, 0); /* the verdict may have come from the middle of a packet */
    assert_int_equal(cuts_due(cuts, streams, senders, t), t + 200 * MILLISECOND);
    assert_int_equal(resets, 1);
    assert_int_equal(latest.port, CLIENT);
    assert_int_equal(latest.client[3], CLIENT);
    assert_int_equal(latest.client_port, 40000);
    assert_int_equal(latest.server_port, 25);
    assert_int_equal(latest.to_server_sequence, 1001);
    assert_int_equal(latest.to_client_sequence, 5001);
    assert_true(latest.client_mac_known && latest.server_mac_known);
    feed(CLIENT, false, SEGMENT_ACK | SEGMENT_PSH, 5001, 1001, 30); /* it goes on meanwhile */
    feed(CLIENT, true, SEGMENT_ACK, 1001, 5031, 0);
    assert_int_equal(cuts_due(cuts, streams, senders, t + 100 * MILLISECOND), t + 200 * MILLISECOND);
    assert_int_equal(resets, 1);
    assert_int_equal(cuts_due(cuts, streams, senders, t + 200 * MILLISECOND), t + SECOND);
    assert_int_equal(resets, 2);
    assert_int_equal(again, 1);
    assert_int_equal(latest.to_client_sequence, 5031); /* as it is now */
    assert_int_equal(cuts_due(cuts, streams, senders, t + SECOND), 0);
    assert_int_equal(resets, 3);
    assert_int_equal(cuts_due(cuts, streams, senders, t + MINUTE), 0);
    assert_int_equal(resets, 3);
}

/* It is our own, or the kernel's to one end; the other end may not have believed it. */
static void test_a_reset_seen_meanwhile_is_not_the_end(void **state)
{
    struct cuts *cuts = *state;
    struct sender sender = sender_from_port("vnet1");
    cuts_begin(cuts, &sender, HOUR);
    cuts_due(cuts, streams, senders, HOUR);
    feed(CLIENT, false, SEGMENT_RST, 5001, 1001, 0);
    cuts_due(cuts, streams, senders, HOUR + 300 * MILLISECOND);
    assert_int_equal(resets, 2);
    cuts_due(cuts, streams, senders, HOUR + SECOND);
    assert_int_equal(resets, 3);
    feed(CLIENT, false, SEGMENT_RST, 5001, 1001, 0);
    cuts_begin(cuts, &sender, HOUR); /* nothing is left to cut */
    cuts_due(cuts, streams, senders, HOUR);
    assert_int_equal(resets, 3);
}

/* Frames under another's address, out of the blocked guest's port: the answers go to the other's port. */
static void test_a_connection_without_answers_is_not_its_own(void **state)
{
    struct cuts *cuts = *state;
    struct sender sender = sender_from_port("vnet1");
    forge(7, SEGMENT_SYN, 1000, 0, 0);
    forge(8, SEGMENT_ACK, 1001, 5001, 0);
    forge(9, SEGMENT_ACK | SEGMENT_PSH, 1001, 5001, 20);
    cuts_begin(cuts, &sender, HOUR);
    cuts_due(cuts, streams, senders, HOUR);
    assert_int_equal(resets, 1);
    assert_int_equal(latest.client[3], CLIENT);
}

static void test_a_released_sender_is_left_alone(void **state)
{
    struct cuts *cuts = *state;
    struct sender sender = sender_from_port("vnet1");
    cuts_begin(cuts, &sender, HOUR);
    cuts_forget(cuts, &sender);
    assert_int_equal(cuts_due(cuts, streams, senders, HOUR), 0);
    assert_int_equal(resets, 0);
}

/* A person may name an address or a MAC although the sender is known by its port. */
static void test_senders_by_other_names(void **state)
{
    static const struct {
        const char *name;
        uint32_t want;
    } rows[] = {{"203.0.113.1", 1}, {"203.0.113.3", 0}, {"02:00:00:00:00:01", 2}, {"port:vnet2", 1}, {"uid:0", 0}};
    struct cuts *cuts = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sender sender;
        resets = 0;
        assert_true(sender_parse(text_of(rows[i].name), &sender));
        cuts_begin(cuts, &sender, HOUR);
        cuts_due(cuts, streams, senders, HOUR);
        cuts_forget(cuts, &sender);
        if (resets != rows[i].want)
            fail_msg("%s: %u", rows[i].name, resets);
    }
}

static void test_the_bound(void **state)
{
    struct cuts *cuts = *state;
    for (uint32_t user = 0; user < 10000; user++) {
        struct sender sender = sender_from_user(user);
        cuts_begin(cuts, &sender, HOUR);
    }
    struct sender sender = sender_from_port("vnet1");
    cuts_begin(cuts, &sender, HOUR);
    cuts_due(cuts, streams, senders, HOUR);
    assert_int_equal(resets, 1);
}

int main(void)
{
#define WITH_STREAMS(test) cmocka_unit_test_setup_teardown(test, begin, finish)
    const struct CMUnitTest tests[] = {
        WITH_STREAMS(test_three_rounds),
        WITH_STREAMS(test_a_reset_seen_meanwhile_is_not_the_end),
        WITH_STREAMS(test_a_connection_without_answers_is_not_its_own),
        WITH_STREAMS(test_a_released_sender_is_left_alone),
        WITH_STREAMS(test_senders_by_other_names),
        WITH_STREAMS(test_the_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
