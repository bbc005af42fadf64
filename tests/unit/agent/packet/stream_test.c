/* What TCP streams must give: rows of segments, and what the listener hears of them, as one line.
 *
 *     begun opened      the listener's calls
 *     c:abc s:xyz       bytes passed on, from client or server; what follows on the same side is joined
 *     c?3               a gap of three bytes
 *     closed=fin        the end */
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

static void hear(struct heard *heard, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void hear(struct heard *heard, const char *format, ...)
{
    size_t length = strlen(heard->text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(heard->text + length, sizeof heard->text - length, format, arguments);
    va_end(arguments);
}

static const char *space(const struct heard *heard)
{
    return heard->text[0] ? " " : "";
}

static void on_begun(void *context, struct stream *stream, void *room)
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

static void on_opened(void *context, struct stream *stream, void *room, moment time)
{
    struct heard *heard = context;
    (void)stream, (void)room, (void)time;
    hear(heard, "%sopened", space(heard));
    heard->side = 0;
}

static void on_bytes(void *context, struct stream *stream, void *room, enum stream_side side, struct text text,
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

static void on_gap(void *context, struct stream *stream, void *room, enum stream_side side, uint32_t length,
                   moment time)
{
    struct heard *heard = context;
    (void)stream, (void)room, (void)time;
    assert_true(length > 0);
    hear(heard, "%s%c?%u", space(heard), side == STREAM_CLIENT ? 'c' : 's', length);
    heard->side = 0;
}

static void on_closed(void *context, struct stream *stream, void *room, enum close_reason reason, moment time)
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
    int32_t at; /* milliseconds; 0: one after the last */
};

static const uint8_t client_address[] = {192, 0, 2, 1}, server_address[] = {198, 51, 100, 25};
static const uint8_t client_mac[] = {2, 0, 0, 0, 0, 1}, server_mac[] = {2, 0, 0, 0, 0, 2};

static struct stream_settings settings_of_tests(void)
{
    return (struct stream_settings){.streams = 64,
                                    .bytes_held = 65536,
                                    .bytes_per_stream = 16384,
                                    .opening = 30 * SECOND,
                                    .idle = 300 * SECOND,
                                    .ports = {25, 465, 587},
                                    .key = {{1, 2}}};
}

static struct streams *streams_of_test(const struct stream_settings *settings, struct heard *heard)
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

static struct segment segment_of(const struct packet *packet, moment time, uint32_t wrap)
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
                            .time_to_live = 64,
                            .payload = text_of(payload),
                            .missing = packet->missing,
                            .source_mac = client ? client_mac : server_mac};
}

static moment play(struct streams *streams, const struct packet *packets, size_t most, uint32_t wrap)
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

static void compare_counters(const struct row *row, const struct stream_counters *got)
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
#undef COMPARE
}

/* Each row from three beginnings of the sequence numbers: they may wrap anywhere. */
static void check_rows(const struct row *rows, size_t count)
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

/* ---- the life of a connection ---- */

static void connections_begin_and_end(void **unused)
{
    (void)unused;
    static const struct row rows[] = {
        {"SYN-ACK forged from outside",
         {{'c', S}, {'s', SA, 0, 9}, {'s', SA}, {'c', A, 0, 0, "x"}},
         "begun closed=timeout begun closed=timeout begun opened c:x closed=open"},
        {"handshake, words, FINs",
         {HANDSHAKE, {'s', A, 0, 0, "220"}, {'c', A, 0, 3, "HELO"}, {'c', F, 4, 3}, {'s', F, 3, 5}, {'c', A, 5, 4}},
         "begun opened s:220 c:HELO closed=fin",
         {.opened = 1}},
        {"FIN with the last bytes",
         {HANDSHAKE, {'c', F, 0, 0, "QUIT"}, {'s', F, 0, 5, "221"}},
         "begun opened c:QUIT s:221 closed=fin"},
        {"the server ends first",
         {HANDSHAKE, {'s', F, 0, 0, "421"}, {'c', A, 0, 4}, {'c', F, 0, 4}},
         "begun opened s:421 closed=fin"},
        {"the client's FIN alone", {HANDSHAKE, {'c', F, 0, 0}}, "begun opened closed=fin"},
        {"the server's FIN alone", {HANDSHAKE, {'s', F, 0, 0}}, "begun opened closed=open"},
        {"client's FIN, then its reset", {HANDSHAKE, {'c', F, 0, 0, "x"}, {'c', R, 2}}, "begun opened c:x closed=fin"},
        {"reset by the server", {HANDSHAKE, {'s', A, 0, 0, "554"}, {'s', RA, 3, 0}}, "begun opened s:554 closed=reset"},
        {"left open", {HANDSHAKE, {'s', A, 0, 0, "220"}}, "begun opened s:220 closed=open"},
        {"refused", {{'c', S}, {'s', RA, -5001, 0}}, "begun closed=reset(refused)", {.refused = 1}},
        {"refused by a reset that acknowledges something else",
         {{'c', S}, {'s', RA, 0, 500}},
         "begun closed=open",
         {.resets_ignored = 1}},
        {"unanswered",
         {{'c', S}, {'c', S, .at = 1000}, {'c', S, .at = 3000}, {'t', .at = 30500}, {'t', .at = 33000}},
         "begun closed=timeout",
         {.unanswered = 1, .timed_out = 1}},
        {"unanswered, tried again after it was given up",
         {{'c', S}, {'t', .at = 33000}, {'c', S, .at = 35000}},
         "begun closed=timeout",
         {.unanswered = 1}},
        {"answered after it was given up",
         {{'c', S}, {'t', .at = 33000}, {'c', S, .at = 35000}, {'s', SA}, {'c', A}, {'s', A, 0, 0, "220"}},
         "begun closed=timeout begun opened s:220 closed=open",
         {.unanswered = 1, .opened = 1}},
        {"another SYN while the first waits",
         {{'c', S}, {'c', S, 77}, {'s', SA, 0, 77}, {'c', A, 77, 0}},
         "begun closed=timeout begun opened closed=open",
         {.unanswered = 1, .opened = 1}},
        {"data with the SYN",
         {{'c', S, 0, 0, "EHLO"}, {'s', SA, 0, 4}, {'c', A, 4, 0, "MAIL"}},
         "begun c:EHLO opened c:MAIL closed=open"},
        {"data with the SYN not taken, and sent again",
         {{'c', S, 0, 0, "EHLO"}, {'s', SA, 0, 0}, {'c', A, 0, 0, "EHLO"}},
         "begun c:EHLO opened closed=open"},
        {"SYN-ACK for another SYN, which was missed",
         {{'c', S}, {'s', SA, 0, 9}, {'c', A, 9, 0, "x"}},
         "begun closed=timeout begun opened c:x closed=open"},
        {"nothing for a long time",
         {HANDSHAKE, {'s', A, 0, 0, "220"}, {'t', .at = 299000}, {'t', .at = 302000}},
         "begun opened s:220 closed=timeout",
         {.timed_out = 1}},
        {"a packet now and then",
         {HANDSHAKE, {'s', A, 0, 0, "2", .at = 200000}, {'t', .at = 400000}, {'s', A, 1, 0, "2"}, {'t', .at = 690000}},
         "begun opened s:22 closed=open"},
    };
    check_rows(rows, COUNT(rows));
}

static void the_beginning_may_be_missed(void **unused)
{
    (void)unused;
    static const struct row rows[] = {
        {"joined by the client",
         {{'c', A, 40, 90, "RCPT"}, {'s', A, 90, 44, "250"}},
         "begun c:RCPT s:250 closed=open",
         {.joined = 1}},
        {"joined by the server",
         {{'s', A, 90, 44, "250"}, {'c', A, 44, 93, "DATA"}},
         "begun s:250 c:DATA closed=open",
         {.joined = 1}},
        {"SYN missed", {{'s', SA}, {'c', A}, {'s', A, 0, 0, "220"}}, "begun opened s:220 closed=open", {.opened = 1}},
        {"SYN-ACK that nobody asked for", {{'s', SA}, {'c', R}}, "begun closed=reset"},
        {"SYN-ACK missed",
         {{'c', S}, {'c', A}, {'s', A, 0, 0, "220"}},
         "begun opened s:220 closed=open",
         {.opened = 1}},
        {"SYN-ACK missed, the server speaks first",
         {{'c', S}, {'s', A, 0, 0, "220"}},
         "begun opened s:220 closed=open"},
        {"the client's side alone",
         {{'c', S}, {'c', A}, {'c', A, 0, 3, "HELO"}, {'c', F, 4, 9}},
         "begun opened s?9 c:HELO closed=fin"},
        {"an acknowledgement begins nothing", {{'c', A}, {'s', A}, {'s', F}, {'c', R}}, ""},
    };
    check_rows(rows, COUNT(rows));
}

static void late_packets_begin_nothing(void **unused)
{
    (void)unused;
    static const struct row rows[] = {
        {"after the FINs",
         {HANDSHAKE, {'c', F, 0, 0, "QUIT"}, {'s', F, 0, 5}, {'c', F, 0, 0, "QUIT"}, {'c', A, 5, 1}},
         "begun opened c:QUIT closed=fin",
         {.late = 2}},
        {"after a reset",
         {HANDSHAKE, {'c', A, 0, 0, "abc"}, {'c', R, 3}, {'s', A, 0, 3, "250"}, {'c', A, 3, 0, "x"}},
         "begun opened c:abc closed=reset",
         {.late = 2}},
        {"a new connection on the same ports",
         {HANDSHAKE, {'c', F}, {'s', F, 0, 1}, {'c', S, 999}, {'s', SA, 999, 999}, {'c', A, 999, 999, "new"}},
         "begun opened closed=fin begun opened c:new closed=open",
         {.opened = 2}},
        {"a new connection where the old was left",
         {HANDSHAKE, {'c', A, 0, 0, "old"}, {'c', S, 999, .at = 90000}, {'s', SA, 999, 999}, {'c', A, 999, 999, "new"}},
         "begun opened c:old closed=timeout begun opened c:new closed=open"},
        {"a new connection whose SYN-ACK was missed",
         {HANDSHAKE,
          {'c', A, 0, 0, "old"},
          {'c', S, 2000000, .at = 90000},
          {'s', A, 999, 2000000, "220"},
          {'c', A, 2000000, 1002, "new"}},
         "begun opened c:old closed=timeout begun opened s:220 c:new closed=open"},
        {"a new connection at once, for the client's machine was started anew",
         {HANDSHAKE, {'c', A, 0, 0, "old"}, {'c', S, 999}, {'s', SA, 999, 999}, {'c', A, 999, 999, "new"}},
         "begun opened c:old closed=timeout begun opened c:new closed=open"},
    };
    check_rows(rows, COUNT(rows));
}

static void a_sender_can_not_hide(void **unused)
{
    (void)unused;
    static const struct row rows[] = {
        {"reset with a number beyond the window",
         {HANDSHAKE, {'c', R, 200000}, {'c', A, 0, 0, "MAIL"}},
         "begun opened c:MAIL closed=open",
         {.resets_ignored = 1}},
        {"reset with a number that was acknowledged",
         {HANDSHAKE, {'c', A, 0, 0, "MAIL"}, {'s', A, 0, 4}, {'c', R, 2}, {'c', A, 4, 0, "RCPT"}},
         "begun opened c:MAILRCPT closed=open",
         {.resets_ignored = 1}},
        {"reset that dies on its way: the server goes on answering",
         {HANDSHAKE,
          {'c', A, 0, 0, "MAIL"},
          {'c', R, 4},
          {'c', A, 4, 0, "RCPT"},
          {'s', A, 0, 8, "250"},
          {'c', A, 8, 3, "DATA"}},
         "begun opened c:MAIL closed=reset begun s:250 c:DATA closed=open",
         {.joined = 1, .late = 1}},
        {"SYN that dies on its way, right behind the true one",
         {{'c', S}, {'c', S, 700}, {'s', SA}, {'c', A, 0, 0, "MAIL"}},
         "begun closed=timeout begun closed=timeout begun opened c:MAIL closed=open"},
        {"FIN and SYN that die on their way",
         {HANDSHAKE, {'c', F, 0, 0}, {'c', S, 700}, {'c', A, 0, 0, "MAIL"}, {'s', A, 0, 4, "250"}},
         "begun opened c:MAIL s:250 closed=open"},
        {"FIN that dies on its way",
         {HANDSHAKE, {'c', F, 0, 0}, {'c', A, 0, 0, "MAIL"}, {'s', A, 0, 4, "250"}},
         "begun opened c:MAIL s:250 closed=open",
         {.conflicting = 1}},
        {"SYN with another number in an open connection",
         {HANDSHAKE, {'c', A, 0, 0, "MAIL"}, {'c', S, 70000}, {'c', A, 4, 0, "RCPT"}},
         "begun opened c:MAILRCPT closed=open"},
        {"SYN and data behind it that die on their way",
         {HANDSHAKE, {'c', S, 70000}, {'c', A, 70000, 0, "x"}, {'c', A, 0, 0, "MAIL"}, {'s', A, 0, 4, "250"}},
         "begun opened c:MAIL s:250 c?69996 c:x closed=open"},
        {"an acknowledgement of what was never sent, taken back",
         {HANDSHAKE, {'s', A, 0, 5000}, {'c', A, 0, 0, "MAIL"}, {'s', A, 0, 4, "250"}},
         "begun opened c:MAIL s:250 closed=open"},
    };
    check_rows(rows, COUNT(rows));
}

/* ---- order ---- */

static void bytes_are_put_in_order(void **unused)
{
    (void)unused;
    static const struct row rows[] = {
        {"swapped",
         {HANDSHAKE, {'c', A, 3, 0, "def"}, {'c', A, 0, 0, "abc"}},
         "begun opened c:abcdef closed=open",
         {.out_of_order = 1}},
        {"backwards",
         {HANDSHAKE, {'c', A, 6, 0, "g"}, {'c', A, 3, 0, "def"}, {'c', A, 0, 0, "abc"}},
         "begun opened c:abcdefg closed=open",
         {.out_of_order = 2}},
        {"twice",
         {HANDSHAKE, {'c', A, 0, 0, "abc"}, {'c', A, 0, 0, "abc"}, {'c', A, 3, 0, "d"}},
         "begun opened c:abcd closed=open",
         {.retransmitted = 1}},
        {"twice before its turn",
         {HANDSHAKE, {'c', A, 3, 0, "def"}, {'c', A, 3, 0, "def"}, {'c', A, 0, 0, "abc"}},
         "begun opened c:abcdef closed=open"},
        {"more than what was sent",
         {HANDSHAKE, {'c', A, 0, 0, "abc"}, {'c', A, 0, 0, "abcdef"}},
         "begun opened c:abcdef closed=open",
         {.overlapping = 1}},
        {"a copy with other bytes",
         {HANDSHAKE, {'c', A, 0, 0, "abc"}, {'c', A, 0, 0, "xyz"}, {'c', A, 3, 0, "d"}},
         "begun opened c:abcd closed=open",
         {.retransmitted = 1, .conflicting = 1}},
        {"a longer copy with other bytes",
         {HANDSHAKE, {'c', A, 0, 0, "abc"}, {'c', A, 0, 0, "xyzd"}},
         "begun opened c:abcd closed=open",
         {.overlapping = 1, .conflicting = 1}},
        {"what is held came first",
         {HANDSHAKE, {'c', A, 3, 0, "def"}, {'c', A, 0, 0, "abcXYZgh"}},
         "begun opened c:abcdefgh closed=open",
         {.overlapping = 1, .conflicting = 1}},
        {"held on both ends of what comes between",
         {HANDSHAKE, {'c', A, 2, 0, "cd"}, {'c', A, 6, 0, "gh"}, {'c', A, 1, 0, "bcdefgh"}, {'c', A, 0, 0, "a"}},
         "begun opened c:abcdefgh closed=open"},
        {"FIN before its turn",
         {HANDSHAKE, {'c', F, 3, 0}, {'c', A, 0, 0, "abc"}, {'s', F, 0, 4}},
         "begun opened c:abc closed=fin"},
        {"the probe that keeps a connection alive",
         {HANDSHAKE, {'c', A, 0, 0, "abc"}, {'c', A, 2, 0, "?"}},
         "begun opened c:abc closed=open"},
        {"a reply does not pass its command",
         {HANDSHAKE, {'s', A, 0, 4, "250"}, {'c', A, 0, 0, "NOOP"}},
         "begun opened c:NOOP s:250 closed=open"},
        {"each side's bytes acknowledge the other's",
         {HANDSHAKE, {'c', A, 0, 3, "NOOP"}, {'s', A, 0, 4, "220"}, {'s', A, 3, 4, "250"}},
         "begun opened s:220 c:NOOP s:250 closed=open"},
    };
    check_rows(rows, COUNT(rows));
}

static void what_is_lost_becomes_a_gap(void **unused)
{
    (void)unused;
    static const struct row rows[] = {
        {"acknowledged, and time passed",
         {HANDSHAKE, {'c', A, 3, 0, "def"}, {'s', A, 0, 6, "250"}, {'t', .at = 1000}, {'c', A, 6, 3, "g"}},
         "begun opened c?3 c:def s:250 c:g closed=open",
         {.gaps = 1, .bytes_lost = 3}},
        {"acknowledged, and the connection went on",
         {HANDSHAKE,
          {'s', A, 0, 4, "1"},
          {'c', A, 4, 1, "a"},
          {'s', A, 1, 5, "2"},
          {'c', A, 5, 2, "b"},
          {'s', A, 2, 6, "3"},
          {'c', A, 6, 3, "c"},
          {'s', A, 3, 7, "4"},
          {'c', A, 7, 4, "d"},
          {'s', A, 4, 8, "5"},
          {'c', A, 8, 5, "e"}},
         "begun opened c?4 s:1 c:a s:2 c:b s:3 c:c s:4 c:d s:5 c:e closed=open",
         {.gaps = 1}},
        {"lost at the end", {HANDSHAKE, {'s', A, 0, 4, "250"}}, "begun opened c?4 s:250 closed=open", {.gaps = 1}},
        {"both sides lost something",
         {HANDSHAKE, {'c', A, 4, 3, "b"}, {'s', A, 3, 5, "y"}, {'t', .at = 1000}, {'c', A, 5, 4, "c"}},
         "begun opened c?4 s?3 c:b s:y c:c closed=open",
         {.gaps = 2}},
        {"cut by the snap length is a gap, and no loss",
         {HANDSHAKE, {'c', A, 0, 0, "ab", 3}, {'s', A, 0, 5}, {'c', A, 5, 0, "f"}},
         "begun opened c:ab c?3 c:f closed=open"},
        {"cut and out of order",
         {HANDSHAKE, {'c', A, 5, 0, "fg", 1}, {'c', A, 0, 0, "ab", 3}, {'c', A, 8, 0, "i"}},
         "begun opened c:ab c?3 c:fg c?1 c:i closed=open"},
        {"the receiver still waits, and so do we",
         {HANDSHAKE,
          {'c', A, 3, 0, "def"},
          {'s', A, 0, 0},
          {'t', .at = 2000},
          {'s', A, 0, 0, .at = 4000},
          {'t', .at = 6000},
          {'c', A, 0, 0, "abc"}},
         "begun opened c:abcdef closed=open"},
        {"nobody acknowledges, and time passed",
         {{'c', A, 0, 0, "abc"}, {'c', A, 6, 0, "ghi"}, {'t', .at = 500}, {'t', .at = 1500}, {'c', A, 9, 0, "j"}},
         "begun c:abc c?3 c:ghij closed=open",
         {.gaps = 1, .bytes_lost = 3}},
        {"still missing when it is reset",
         {HANDSHAKE, {'c', A, 3, 0, "def"}, {'c', R, 6}},
         "begun opened c?3 c:def closed=reset",
         {.gaps = 1}},
    };
    check_rows(rows, COUNT(rows));
}

/* ---- bounds ---- */

static void add_from(struct streams *streams, uint16_t client_port, uint8_t client, struct packet packet, moment time)
{
    uint8_t address[] = {192, 0, 2, client};
    struct segment segment = segment_of(&packet, time, 0);
    if (packet.from == 'c') {
        segment.source = address;
        segment.source_port = client_port;
    } else {
        segment.target = address;
        segment.target_port = client_port;
    }
    streams_add(streams, &segment);
}

static void connect_from(struct streams *streams, uint16_t port, uint8_t client, moment time)
{
    add_from(streams, port, client, (struct packet){'c', S}, time);
    add_from(streams, port, client, (struct packet){'s', SA}, time);
    add_from(streams, port, client, (struct packet){'c', A}, time);
}

static bool is_open(struct streams *streams, uint16_t port, uint8_t client, struct heard *heard, moment time)
{
    heard->text[0] = 0;
    heard->side = 0;
    add_from(streams, port, client, (struct packet){'c', A, 0, 0, "x"}, time);
    return strcmp(heard->text, "c:x") == 0;
}

static void the_oldest_idle_gives_way(void **unused)
{
    (void)unused;
    struct heard heard = {0};
    struct stream_settings settings = settings_of_tests();
    settings.streams = 16; /* 12 of them for both sides spoke */
    struct streams *streams = streams_of_test(&settings, &heard);
    for (uint16_t i = 0; i < 12; i++) {
        connect_from(streams, 1000 + i, 1, (100 + i) * SECOND);
    }
    assert_int_equal(streams_counters(streams).evicted, 0);
    add_from(streams, 1000, 1, (struct packet){'s', A, 0, 0, "2"}, 150 * SECOND); /* 1001 is now the idlest */
    connect_from(streams, 2000, 1, 151 * SECOND);
    struct stream_counters counters = streams_counters(streams);
    assert_int_equal(counters.evicted, 1);
    assert_int_equal(counters.open_now, 12);
    assert_true(is_open(streams, 1000, 1, &heard, 152 * SECOND));
    assert_true(is_open(streams, 1002, 1, &heard, 152 * SECOND));
    assert_true(is_open(streams, 2000, 1, &heard, 152 * SECOND));
    assert_false(is_open(streams, 1001, 1, &heard, 152 * SECOND));
    streams_destroy(&streams);
}

static void a_flood_pushes_out_its_own(void **unused)
{
    (void)unused;
    for (int spoofed = 0; spoofed < 2; spoofed++) {
        struct heard heard = {0};
        struct stream_settings settings = settings_of_tests();
        settings.streams = 1024;
        struct streams *streams = streams_of_test(&settings, &heard);
        for (uint16_t i = 0; i < 40; i++) {
            connect_from(streams, 1000 + i, (uint8_t)i, 100 * SECOND);
        }
        for (uint32_t i = 0; i < 100000; i++) { /* SYNs that nobody answers */
            heard.text[0] = 0;
            add_from(streams, (uint16_t)(2000 + i % 50000), spoofed ? (uint8_t)(i % 199) : 200,
                     (struct packet){'c', S, (int32_t)i}, 101 * SECOND + i * 100 * MICROSECOND);
            assert_true(streams_counters(streams).open_now <= 1024);
        }
        for (uint16_t i = 0; i < 40; i++) {
            assert_true(is_open(streams, 1000 + i, (uint8_t)i, &heard, 120 * SECOND));
        }
        streams_destroy(&streams);
    }
}

static void whoever_opens_most_gives_way(void **unused)
{
    (void)unused;
    struct heard heard = {0};
    struct stream_settings settings = settings_of_tests();
    settings.streams = 1024;
    struct streams *streams = streams_of_test(&settings, &heard);
    for (uint16_t i = 0; i < 40; i++) {
        connect_from(streams, 1000 + i, (uint8_t)i, 100 * SECOND);
    }
    for (uint32_t i = 0; i < 20000; i++) { /* connections that are answered, and stay */
        heard.text[0] = 0;
        connect_from(streams, (uint16_t)(2000 + i), 200, 101 * SECOND + i * 100 * MICROSECOND);
    }
    for (uint16_t i = 0; i < 40; i++) {
        assert_true(is_open(streams, 1000 + i, (uint8_t)i, &heard, 120 * SECOND));
    }
    streams_destroy(&streams);
}

static void held_bytes_are_bounded(void **unused)
{
    (void)unused;
    struct heard heard = {0};
    struct stream_settings settings = settings_of_tests();
    struct streams *streams = streams_of_test(&settings, &heard);
    char block[512];
    memset(block, 'x', sizeof block - 1);
    block[sizeof block - 1] = 0;
    for (uint16_t port = 1000; port < 1040; port++) {
        connect_from(streams, port, (uint8_t)port, 100 * SECOND);
        for (int32_t i = 1; i < 60; i++) {
            heard.text[0] = 0;
            add_from(streams, port, (uint8_t)port, (struct packet){'c', A, i * 511, 0, block}, 100 * SECOND);
            add_from(streams, port, (uint8_t)port, (struct packet){'s', A}, 100 * SECOND);
            assert_true(streams_counters(streams).bytes_held_now <= settings.bytes_held);
        }
    }
    struct stream_counters counters = streams_counters(streams);
    assert_true(counters.bytes_held_now > 0);
    assert_true(counters.bytes_dropped > 0);
    heard.text[0] = 0;
    streams_finish(streams, 101 * SECOND);
    counters = streams_counters(streams);
    assert_int_equal(counters.bytes_held_now, 0);
    streams_destroy(&streams);
}

/* ---- whose connection it is ---- */

static void others_connections_are_passed_over(void **unused)
{
    (void)unused;
    struct heard heard = {0};
    struct stream_settings settings = settings_of_tests();
    struct streams *streams = streams_of_test(&settings, &heard);
    static const struct packet talk[] = {HANDSHAKE, {'s', A, 0, 0, "220"}, {'c', A, 0, 3, "HELO"}};
    for (size_t i = 0; i < COUNT(talk); i++) { /* the guest is the server */
        struct segment segment = segment_of(&talk[i], SECOND, 0);
        segment.direction = talk[i].from == 'c' ? FRAME_TO_GUEST : FRAME_FROM_GUEST;
        segment.port = 3;
        streams_add(streams, &segment);
    }
    assert_string_equal(heard.text, "");
    assert_int_equal(streams_counters(streams).incoming, 1);
    for (size_t i = 0; i < COUNT(talk); i++) { /* the guest is the client; tags may differ by direction */
        struct segment segment = segment_of(&talk[i], SECOND, 0);
        segment.direction = talk[i].from == 's' ? FRAME_TO_GUEST : FRAME_FROM_GUEST;
        segment.port = 3;
        segment.vlan = talk[i].from == 'c' ? 7 : 0;
        streams_add(streams, &segment);
    }
    assert_string_equal(heard.text, "begun opened s:220 c:HELO");
    static const struct packet forged = {'s', A, 3, 4, "250"}; /* by the guest, in the server's name */
    struct segment segment = segment_of(&forged, SECOND, 0);
    segment.direction = FRAME_FROM_GUEST;
    segment.port = 3;
    streams_add(streams, &segment);
    assert_string_equal(heard.text, "begun opened s:220 c:HELO");
    streams_destroy(&streams);
}

static void other_ports_are_no_mail(void **unused)
{
    (void)unused;
    struct heard heard = {0};
    struct stream_settings settings = settings_of_tests();
    struct streams *streams = streams_of_test(&settings, &heard);
    static const struct packet talk[] = {HANDSHAKE, {'c', A, 0, 0, "GET /"}};
    for (size_t i = 0; i < COUNT(talk); i++) {
        struct segment segment = segment_of(&talk[i], SECOND, 0);
        *(talk[i].from == 'c' ? &segment.target_port : &segment.source_port) = 80;
        streams_add(streams, &segment);
    }
    assert_string_equal(heard.text, "");
    assert_int_equal(streams_counters(streams).not_mail, 4);
    streams_destroy(&streams);
}

static bool any(void *context, const struct stream_ends *ends)
{
    (void)context, (void)ends;
    return true;
}

static void keep(void *context, const struct stream_position *position)
{
    *(struct stream_position *)context = *position;
}

static void a_stream_knows_its_ends(void **unused)
{
    (void)unused;
    struct heard heard = {0};
    struct stream_settings settings = settings_of_tests();
    struct streams *streams = streams_of_test(&settings, &heard);
    static const struct packet talk[] = {HANDSHAKE, {'s', A, 0, 0, "220"}, {'c', A, 0, 3, "HELO"}};
    for (size_t i = 0; i < COUNT(talk); i++) {
        struct segment segment = segment_of(&talk[i], (moment)(100 + i) * SECOND, 0);
        segment.time_to_live = talk[i].from == 'c' ? (uint8_t)(60 + i) : 1;
        segment.vlan = talk[i].from == 'c' ? 7 : 0;
        segment.port = 3;
        streams_add(streams, &segment);
    }
    struct stream_position position;
    assert_int_equal(streams_visit(streams, false, any, keep, &position), 1);
    assert_int_equal(position.client_expects, SERVER_ISN + 1 + 3);
    assert_int_equal(position.server_expects, CLIENT_ISN + 1); /* HELO is not acknowledged yet */
    assert_int_equal(position.last, 104 * SECOND);
    const struct stream_ends *ends = &position.ends;
    assert_int_equal(ends->begun, 100 * SECOND);
    assert_int_equal(ends->origin.port, 3);
    assert_int_equal(ends->origin.vlan, 7);
    assert_int_equal(ends->origin.client_port, CLIENT_PORT);
    assert_int_equal(ends->server_port, 25);
    assert_int_equal(ends->client_ttl_least, 60);
    assert_int_equal(ends->client_ttl_most, 64);
    assert_int_equal(ends->client_bytes, 4);
    assert_int_equal(ends->server_bytes, 3);
    assert_true(ends->opened && ends->syn_seen && !ends->gapped);
    assert_memory_equal(ends->origin.mac, client_mac, 6);
    assert_memory_equal(ends->server_mac, server_mac, 6);
    struct address want = address_from_ipv4(client_address);
    assert_true(address_equals(&ends->origin.address, &want));
    streams_destroy(&streams);
}

/* ---- a law: however a talk is cut, shuffled, repeated, it is heard the same ---- */

static uint32_t random_next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

/* A reset to one end has been sent and is seen; the other end may have been missed, and is still to be found. */
static void a_connection_being_cut_survives_resets(void **unused)
{
    (void)unused;
    struct heard heard = {0};
    struct stream_settings settings = settings_of_tests();
    struct streams *streams = streams_of_test(&settings, &heard);
    static const struct packet talk[] = {HANDSHAKE, {'c', A, 0, 0, "HELO"}};
    static const struct packet later[] = {{'s', RA, 0, 0}, {'c', RA, 4, 0}, {'s', A, 0, 4}};
    static const struct packet reset = {'s', RA, 0, 4};
    struct stream_position position;
    for (size_t i = 0; i < COUNT(talk); i++) {
        struct segment segment = segment_of(&talk[i], (moment)(100 + i) * SECOND, 0);
        streams_add(streams, &segment);
    }
    assert_int_equal(streams_visit(streams, true, any, keep, &position), 1);
    assert_int_equal(position.server_expects, CLIENT_ISN + 1);
    for (size_t i = 0; i < COUNT(later); i++) {
        struct segment segment = segment_of(&later[i], (moment)(200 + i) * SECOND, 0);
        streams_add(streams, &segment);
    }
    assert_int_equal(streams_visit(streams, false, any, keep, &position), 1);
    assert_int_equal(position.server_expects, CLIENT_ISN + 1 + 4);
    struct segment segment = segment_of(&reset, 300 * SECOND, 0);
    streams_add(streams, &segment);
    assert_string_equal(heard.text, "begun opened c:HELO closed=reset");
    streams_destroy(&streams);
}

static void shuffled_segments_give_the_same(void **unused)
{
    (void)unused;
    static const char said[] = "EHLO client.example MAIL FROM RCPT TO DATA one two three four five six QUIT";
    uint64_t state = 7;
    for (int round = 0; round < 3000; round++) {
        struct heard heard = {0};
        struct stream_settings settings = settings_of_tests();
        struct streams *streams = streams_of_test(&settings, &heard);
        uint32_t wrap = random_next(&state) * 2;
        static const struct packet handshake[] = {HANDSHAKE, {0}};
        play(streams, handshake, COUNT(handshake), wrap);
        struct packet pieces[64];
        char texts[64][sizeof said];
        size_t count = 0;
        int32_t at = 0, length = (int32_t)sizeof said - 1;
        while (at < length) { /* pieces that overlap, without a hole between them */
            int32_t back = (int32_t)(random_next(&state) % 4), from = at > back ? at - back : 0;
            int32_t to = at + 1 + (int32_t)(random_next(&state) % 9);
            to = to < length ? to : length;
            snprintf(texts[count], sizeof texts[count], "%.*s", (int)(to - from), said + from);
            pieces[count] = (struct packet){'c', A, from, 0, texts[count]};
            count++;
            at = to;
        }
        for (size_t i = 0; i < count; i++) { /* shuffle */
            size_t j = random_next(&state) % count;
            struct packet swap = pieces[i];
            pieces[i] = pieces[j];
            pieces[j] = swap;
        }
        for (size_t i = 0; i < count * 2; i++) {
            struct segment segment = segment_of(&pieces[i < count ? i : random_next(&state) % count], SECOND, wrap);
            streams_add(streams, &segment);
        }
        char want[256];
        snprintf(want, sizeof want, "begun opened c:%s", said);
        assert_string_equal(heard.text, want);
        struct stream_counters counters = streams_counters(streams);
        assert_int_equal(counters.bytes_held_now, 0);
        assert_int_equal(counters.conflicting, 0);
        assert_int_equal(counters.gaps, 0);
        streams_destroy(&streams);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_begin_and_end),
        cmocka_unit_test(the_beginning_may_be_missed),
        cmocka_unit_test(late_packets_begin_nothing),
        cmocka_unit_test(a_sender_can_not_hide),
        cmocka_unit_test(bytes_are_put_in_order),
        cmocka_unit_test(what_is_lost_becomes_a_gap),
        cmocka_unit_test(the_oldest_idle_gives_way),
        cmocka_unit_test(a_flood_pushes_out_its_own),
        cmocka_unit_test(whoever_opens_most_gives_way),
        cmocka_unit_test(held_bytes_are_bounded),
        cmocka_unit_test(others_connections_are_passed_over),
        cmocka_unit_test(other_ports_are_no_mail),
        cmocka_unit_test(a_stream_knows_its_ends),
        cmocka_unit_test(a_connection_being_cut_survives_resets),
        cmocka_unit_test(shuffled_segments_give_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
