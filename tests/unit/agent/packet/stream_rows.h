/* Rows of segments, and what the listener of the streams hears of them, as one line; for the tests of streams.
 *
 *     begun opened      the listener's calls
 *     c:abc s:xyz       bytes passed on, from client or server; what follows on the same side is joined
 *     c?3               a gap of three bytes
 *     closed=fin        the end */
#ifndef TESTS_UNIT_AGENT_PACKET_STREAM_ROWS_H
#define TESTS_UNIT_AGENT_PACKET_STREAM_ROWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "agent/packet/frame.h"
#include "agent/packet/stream.h"

/* Rows leave off what is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CLIENT_PORT  40000
#define CLIENT_ISN   1000
#define SERVER_ISN   5000

/* ---- hearing ---- */

struct heard {
    char text[4096];
    char side; /* whose bytes were heard last, so that they can be joined; 0: none */
    unsigned closed;
};

static inline void hear(struct heard *heard, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline void hear(struct heard *heard, const char *format, ...)
{
    size_t length = strlen(heard->text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(heard->text + length, sizeof heard->text - length, format, arguments);
    va_end(arguments);
}

static inline const char *space(const struct heard *heard)
{
    return heard->text[0] ? " " : "";
}

static inline void on_begun(void *context, struct stream *stream, void *room)
{
    struct heard *heard = context;
    (void)stream;
    for (int i = 0; i < 24; i++) {
        assert_int_equal(((uint8_t *)room)[i], 0);
    }
    memset(room, 0xa5, 24);
    hear(heard, "%sbegun", space(heard));
    heard->side = 0;
}

static inline void on_opened(void *context, struct stream *stream, void *room, moment time)
{
    struct heard *heard = context;
    (void)stream, (void)room, (void)time;
    hear(heard, "%sopened", space(heard));
    heard->side = 0;
}

static inline void on_bytes(void *context, struct stream *stream, void *room, enum stream_side side, struct text text,
                            moment time)
{
    struct heard *heard = context;
    (void)stream, (void)time;
    assert_int_equal(*(uint8_t *)room, 0xa5);
    assert_true(text.length > 0);
    char name = side == STREAM_CLIENT ? 'c' : 's';
    if (heard->side != name) {
        hear(heard, "%s%c:", space(heard), name);
    }
    hear(heard, "%.*s", (int)text.length, text.bytes);
    heard->side = name;
}

static inline void on_gap(void *context, struct stream *stream, void *room, enum stream_side side, uint32_t length,
                          moment time)
{
    struct heard *heard = context;
    (void)stream, (void)room, (void)time;
    assert_true(length > 0);
    hear(heard, "%s%c?%u", space(heard), side == STREAM_CLIENT ? 'c' : 's', length);
    heard->side = 0;
}

static inline void on_closed(void *context, struct stream *stream, void *room, enum close_reason reason, moment time)
{
    static const char *const names[] = {"quit", "fin", "reset", "timeout", "open"};
    struct heard *heard = context;
    struct stream_ends ends;
    (void)room, (void)time;
    stream_ends(stream, &ends);
    hear(heard, "%sclosed=%s%s", space(heard), names[reason], ends.refused ? "(refused)" : "");
    heard->side = 0;
    heard->closed++;
}

/* ---- making ---- */

enum { S = SEGMENT_SYN, A = SEGMENT_ACK, F = SEGMENT_FIN | SEGMENT_ACK, R = SEGMENT_RST, SA = S | A, RA = R | A };

/* Sequence and acknowledgement count from the byte after each side's SYN. */
struct packet {
    char from; /* 'c', 's'; 't': time passes, `at` is a tick; 0: the end of the row */
    uint8_t flags;
    int32_t sequence, acknowledged;
    const char *payload;
    uint32_t missing;
    int32_t at;           /* milliseconds; 0: one after the last */
    uint8_t time_to_live; /* 0: the usual */
    bool overlapped;
    bool shut; /* its sender takes nothing more */
};

static const uint8_t client_address[] = {192, 0, 2, 1}, server_address[] = {198, 51, 100, 25};
static const uint8_t client_mac[] = {2, 0, 0, 0, 0, 1}, server_mac[] = {2, 0, 0, 0, 0, 2};

static inline struct stream_settings settings_of_tests(void)
{
    return (struct stream_settings){.streams = 64,
                                    .bytes_held = 65536,
                                    .bytes_per_stream = 16384,
                                    .opening = 30 * SECOND,
                                    .idle = 300 * SECOND,
                                    .ports = {25, 465, 587},
                                    .key = {{1, 2}}};
}

static inline struct streams *streams_of_test(const struct stream_settings *settings, struct heard *heard)
{
    struct stream_listener listener = {.room = 24,
                                       .context = heard,
                                       .begun = on_begun,
                                       .opened = on_opened,
                                       .bytes = on_bytes,
                                       .gap = on_gap,
                                       .closed = on_closed};
    struct error error = {0};
    struct streams *streams = streams_create(settings, &listener, &error);
    assert_non_null(streams);
    return streams;
}

static inline struct segment segment_of(const struct packet *packet, moment time, uint32_t wrap)
{
    bool client = packet->from == 'c';
    uint32_t own = (client ? CLIENT_ISN : SERVER_ISN) + wrap, peer = (client ? SERVER_ISN : CLIENT_ISN) + wrap;
    bool syn = packet->flags & SEGMENT_SYN;
    const char *payload = packet->payload ? packet->payload : "";
    return (struct segment){.time = time,
                            .family = 4,
                            .source = client ? client_address : server_address,
                            .target = client ? server_address : client_address,
                            .source_port = client ? CLIENT_PORT : 25,
                            .target_port = client ? 25 : CLIENT_PORT,
                            .sequence = own + (uint32_t)packet->sequence + (syn ? 0 : 1),
                            .acknowledged = packet->flags & A ? peer + 1 + (uint32_t)packet->acknowledged : 0,
                            .flags = packet->flags,
                            .overlapped = packet->overlapped,
                            .window = packet->shut ? 0 : 65535,
                            .time_to_live = packet->time_to_live ? packet->time_to_live : 64,
                            .payload = text_of(payload),
                            .missing = packet->missing,
                            .source_mac = client ? client_mac : server_mac};
}

static inline moment play(struct streams *streams, const struct packet *packets, size_t most, uint32_t wrap)
{
    moment time = 1000 * SECOND;
    for (size_t i = 0; i < most && packets[i].from; i++) {
        time = packets[i].at ? 1000 * SECOND + packets[i].at * MILLISECOND : time + MILLISECOND;
        if (packets[i].from == 't') {
            streams_tick(streams, time);
        } else {
            struct segment segment = segment_of(&packets[i], time, wrap);
            streams_add(streams, &segment);
        }
    }
    return time;
}

#define HANDSHAKE                                                                                                      \
    {'c', S}, {'s', SA},                                                                                               \
    {                                                                                                                  \
        'c', A                                                                                                         \
    }
#define PACKETS 24

struct row {
    const char *name;
    struct packet given[PACKETS];
    const char *want;
    struct stream_counters count; /* fields that are not zero are compared */
};

static inline void compare_counters(const struct row *row, const struct stream_counters *got)
{
#define COMPARE(field)                                                                                                 \
    if (row->count.field != 0 && row->count.field != got->field) {                                                     \
        fail_msg("%s: %s is %lu, not %lu", row->name, #field, (unsigned long)got->field,                               \
                 (unsigned long)row->count.field);                                                                     \
    }
    COMPARE(opened)
    COMPARE(joined)
    COMPARE(refused)
    COMPARE(unanswered)
    COMPARE(timed_out)
    COMPARE(retransmitted)
    COMPARE(overlapping)
    COMPARE(conflicting)
    COMPARE(out_of_order)
    COMPARE(gaps)
    COMPARE(bytes_lost)
    COMPARE(late)
    COMPARE(resets_ignored)
    COMPARE(doubted)
#undef COMPARE
}

/* Each row from three beginnings of the sequence numbers: they may wrap anywhere. */
static inline void check_rows(const struct row *rows, size_t count)
{
    const uint32_t wraps[] = {0, 0u - CLIENT_ISN - 4, 0u - SERVER_ISN - 4, 0x7ffffff0u - CLIENT_ISN};
    for (size_t i = 0; i < count; i++) {
        for (size_t w = 0; w < COUNT(wraps); w++) {
            struct heard heard = {0};
            struct stream_settings settings = settings_of_tests();
            struct streams *streams = streams_of_test(&settings, &heard);
            moment end = play(streams, rows[i].given, PACKETS, wraps[w]);
            streams_finish(streams, end);
            if (strcmp(heard.text, rows[i].want) != 0) {
                fail_msg("%s (wrap %zu):\n  got  %s\n  want %s", rows[i].name, w, heard.text, rows[i].want);
            }
            struct stream_counters counters = streams_counters(streams);
            compare_counters(&rows[i], &counters);
            assert_int_equal(counters.bytes_held_now, 0);
            assert_int_equal(counters.open_now, 0);
            streams_destroy(&streams);
            assert_null(streams);
        }
    }
}

#endif
