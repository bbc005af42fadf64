/* How bytes are put in order, and which of two copies counts. See stream_rows.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "tests/unit/agent/packet/stream_rows.h"

#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

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
        {"in order over what was held: Linux takes what begins earlier",
         {HANDSHAKE, {'c', A, 3, 0, "def"}, {'c', A, 0, 0, "abcXYZgh"}},
         "begun opened c:abcXYZgh closed=open",
         {.overlapping = 1, .conflicting = 1}},
        {"before its turn over what was held, and beginning earlier",
         {HANDSHAKE, {'c', A, 3, 0, "def"}, {'c', A, 2, 0, "CXY"}, {'c', A, 0, 0, "ab"}},
         "begun opened c:abCXYf closed=open",
         {.overlapping = 1, .conflicting = 1}},
        {"... and beginning later",
         {HANDSHAKE, {'c', A, 3, 0, "def"}, {'c', A, 4, 0, "XYZ"}, {'c', A, 0, 0, "abc"}},
         "begun opened c:abcdefZ closed=open",
         {.overlapping = 1, .conflicting = 1}},
        {"... and covering it, and another",
         {HANDSHAKE, {'c', A, 2, 0, "c"}, {'c', A, 4, 0, "e"}, {'c', A, 2, 0, "VWXYZ"}, {'c', A, 0, 0, "ab"}},
         "begun opened c:abVWXYZ closed=open",
         {.overlapping = 1, .conflicting = 2}},
        {"... and inside of it",
         {HANDSHAKE, {'c', A, 2, 0, "cdef"}, {'c', A, 3, 0, "X"}, {'c', A, 0, 0, "ab"}},
         "begun opened c:abcdef closed=open",
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

/* Others are sent in their place first, which the server ignores: what it acknowledges was said. */
static void decoys_do_not_take_the_place_of_words(void **unused)
{
    (void)unused;
    static const struct row rows[] = {
        {"without ACK",
         {HANDSHAKE, {'c', 0, 0, 0, "NOOP"}, {'c', A, 0, 0, "MAIL"}, {'s', A, 0, 4, "250"}},
         "begun opened c:MAIL s:250 closed=open",
         {.doubted = 1}},
        {"without ACK, and without any connection", {{'c', 0, 0, 0, "NOOP"}}, "", {.doubted = 1}},
        {"dies on its way",
         {HANDSHAKE, {'c', A, 0, 0, "NOOP", .time_to_live = 5}, {'c', A, 0, 0, "MAIL"}, {'s', A, 0, 4, "250"}},
         "begun opened c:MAIL s:250 closed=open",
         {.doubted = 1, .conflicting = 1}},
        {"dies on its way, after a while",
         {HANDSHAKE,
          {'c', A, 0, 0, "NOOP", .time_to_live = 5},
          {'t', .at = 60000},
          {'c', A, 0, 0, "MAIL"},
          {'s', A, 0, 4, "250"}},
         "begun opened c:MAIL s:250 closed=open"},
        {"dies on its way, longer than what comes, which comes in parts",
         {HANDSHAKE,
          {'c', A, 0, 0, "NOOP NOOP", .time_to_live = 5},
          {'c', A, 0, 0, "MAIL"},
          {'c', A, 4, 0, "RCPT"},
          {'s', A, 0, 8, "250"}},
         "begun opened c:MAILRCPT s:250 c:P closed=open"},
        {"dies on its way, before its turn",
         {HANDSHAKE,
          {'c', A, 4, 0, "NOOP", .time_to_live = 5},
          {'c', A, 0, 0, "MAIL"},
          {'c', A, 4, 0, "RCPT"},
          {'s', A, 0, 8, "250"}},
         "begun opened c:MAILRCPT s:250 closed=open",
         {.conflicting = 1}},
        {"one dies sooner than the other",
         {HANDSHAKE,
          {'c', A, 0, 0, "NOOP", .time_to_live = 5},
          {'c', A, 0, 0, "MAIL", .time_to_live = 20},
          {'s', A, 0, 4, "250"},
          {'c', A, 4, 3, "DATA", .time_to_live = 20}},
         "begun opened c:MAIL s:250 c:DATA closed=open",
         {.doubted = 2, .conflicting = 1}},
        {"lives shorter from now on: the acknowledgement tells",
         {HANDSHAKE,
          {'c', A, 0, 0, "MAIL", .time_to_live = 63},
          {'s', A, 0, 4, "250"},
          {'c', A, 4, 3, "RCPT", .time_to_live = 63},
          {'c', A, 8, 3, "DATA", .time_to_live = 63}},
         "begun opened c:MAIL s:250 c:RCPTDATA closed=open",
         {.doubted = 1}},
        {"lives shorter, and a part of it is acknowledged",
         {HANDSHAKE,
          {'c', A, 0, 0, "MAILRCPT", .time_to_live = 63},
          {'s', A, 0, 4, "250"},
          {'c', A, 8, 3, "DATA"},
          {'s', A, 3, 12}},
         "begun opened c:MAIL s:250 c:RCPTDATA closed=open"},
        {"acknowledges what was never sent",
         {HANDSHAKE, {'c', A, 0, 5000, "NOOP"}, {'t', .at = 1000}, {'c', A, 0, 0, "MAIL"}, {'s', A, 0, 4, "250"}},
         "begun opened c:MAIL s:250 closed=open",
         {.conflicting = 1}},
        {"acknowledges what is long past",
         {HANDSHAKE,
          {'s', A, 0, 0, "220"},
          {'c', A, 0, 3},
          {'c', A, 0, -70000, "NOOP"},
          {'c', A, 0, 3, "MAIL"},
          {'s', A, 3, 4, "250"}},
         "begun opened s:220 c:MAIL s:250 closed=open",
         {.doubted = 1, .conflicting = 1}},
        {"FIN that dies on its way",
         {HANDSHAKE, {'c', F, 0, 0, .time_to_live = 5}, {'c', A, 0, 0, "MAIL"}, {'s', A, 0, 4, "250"}},
         "begun opened c:MAIL s:250 closed=open"},
        {"into a window that is shut",
         {HANDSHAKE,
          {'s', A, 0, 0, .shut = true},
          {'c', A, 0, 0, "N"},
          {'s', A, 0, 0},
          {'c', A, 0, 0, "MAIL"},
          {'s', A, 0, 4, "250"}},
         "begun opened c:MAIL s:250 closed=open",
         {.doubted = 1, .conflicting = 1}},
        {"the probe of a shut window, which is taken",
         {HANDSHAKE,
          {'s', A, 0, 0, .shut = true},
          {'c', A, 0, 0, "M"},
          {'s', A, 0, 1},
          {'c', A, 1, 0, "AIL"},
          {'s', A, 0, 4, "250"}},
         "begun opened c:MAIL s:250 closed=open"},
        {"nobody sees the server: nothing is doubted",
         {{'c', S}, {'c', A}, {'c', A, 0, 3, "HELO", .time_to_live = 5}, {'c', F, 4, 9}},
         "begun opened s?9 c:HELO closed=fin"},
        {"in fragments that overlap",
         {HANDSHAKE, {'c', A, 0, 0, "NOOP", .overlapped = true}, {'c', A, 0, 0, "MAIL"}, {'s', A, 0, 4, "250"}},
         "begun opened c:MAIL s:250 closed=open",
         {.doubted = 1, .conflicting = 1}},
        {"the end comes before the acknowledgement",
         {HANDSHAKE, {'c', A, 0, 0, "MAIL", .time_to_live = 5}},
         "begun opened c:MAIL closed=open"},
    };
    check_rows(rows, COUNT(rows));
}

/* ---- a law: however a talk is cut, shuffled, repeated, it is heard the same ---- */

static uint32_t random_next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
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
        cmocka_unit_test(bytes_are_put_in_order),
        cmocka_unit_test(what_is_lost_becomes_a_gap),
        cmocka_unit_test(decoys_do_not_take_the_place_of_words),
        cmocka_unit_test(shuffled_segments_give_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
