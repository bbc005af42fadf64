/* How streams begin, live and end; their bounds; whose they are. See stream_rows.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "tests/unit/agent/packet/stream_rows.h"

#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

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
         "begun opened c:EHLOMAIL closed=open"},
        {"data with the SYN not taken, and sent again",
         {{'c', S, 0, 0, "EHLO"}, {'s', SA, 0, 0}, {'c', A, 0, 0, "EHLO"}},
         "begun opened c:EHLO closed=open"},
        {"data with the SYN that are not taken, and others sent in their place",
         {{'c', S, 0, 0, "NOOP"}, {'s', SA, 0, 0}, {'c', A, 0, 0, "MAIL"}, {'s', A, 0, 4, "250"}},
         "begun opened c:MAIL s:250 closed=open",
         {.conflicting = 1}},
        {"SYN-ACK for another SYN, which was missed",
         {{'c', S}, {'s', SA, 0, 9}, {'c', A, 9, 0, "x"}},
         "begun closed=timeout begun opened c:x closed=open"},
        {"nothing for a long time",
         {HANDSHAKE, {'s', A, 0, 0, "220"}, {'t', .at = 299000}, {'t', .at = 302000}},
         "begun opened s:220 closed=timeout",
         {.timed_out = 1}},
        {"the clock set back, and then nothing for a long time",
         {HANDSHAKE,
          {'s', A, 0, 0, "220", .at = 4000000},
          {'t', .at = 100000},
          {'t', .at = 390000},
          {'t', .at = 410000}},
         "begun opened s:220 closed=timeout",
         {.timed_out = 1}},
        {"unanswered, the clock set back",
         {{'c', S, .at = 4000000}, {'t', .at = 100000}, {'t', .at = 129000}, {'t', .at = 133000}},
         "begun closed=timeout",
         {.unanswered = 1, .timed_out = 1}},
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
        {"an acknowledgement of replies to come does not hide them",
         {HANDSHAKE,
          {'c', A, 0, 900},
          {'t', .at = 1000},
          {'c', A, 0, 0, "MAIL"},
          {'s', A, 0, 4, "250"},
          {'c', A, 4, 900},
          {'t', .at = 2000},
          {'c', A, 4, 3, "RCPT"},
          {'s', A, 3, 8, "550"}},
         "begun opened c:MAIL s:250 c:RCPT s:550 closed=open"},
        {"reset right in the window, but not where the server waits",
         {HANDSHAKE, {'c', A, 0, 0, "MAIL"}, {'s', A, 0, 4}, {'c', R, 5}, {'c', A, 4, 0, "RCPT"}},
         "begun opened c:MAILRCPT closed=open",
         {.resets_ignored = 1}},
        {"reset that lives shorter than all else",
         {HANDSHAKE, {'c', A, 0, 0, "MAIL"}, {'c', R, 4, .time_to_live = 9}, {'c', A, 4, 0, "RCPT"}},
         "begun opened c:MAILRCPT closed=open",
         {.resets_ignored = 1}},
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

/* Whose server is not seen stays among the unconfirmed, at the young end each time that it was too young to end. With
 * an age that is no coarse moment, or soon after 1970, that end was taken for old again, for ever. */
static void looking_for_the_old_comes_to_an_end(void **unused)
{
    (void)unused;
    static const struct {
        duration opening;
        moment begin;
    } rows[] = {{SECOND, 100 * SECOND}, {30 * SECOND, 0}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct heard heard = {0};
        struct stream_settings settings = settings_of_tests();
        settings.opening = rows[i].opening;
        struct streams *streams = streams_of_test(&settings, &heard);
        for (uint16_t port = 1000; port < 1003; port++) {
            add_from(streams, port, 1, (struct packet){'c', S}, rows[i].begin);
            add_from(streams, port, 1, (struct packet){'c', A, 0, 0, "x"}, rows[i].begin);
        }
        for (int second = 1; second <= 4; second++)
            streams_tick(streams, rows[i].begin + second * SECOND / 2);
        assert_int_equal(streams_counters(streams).open_now, 3);
        streams_destroy(&streams);
    }
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

/* However short they are: one that comes late is looked for among all of them. */
static void held_pieces_are_few(void **unused)
{
    (void)unused;
    struct heard heard = {0};
    struct stream_settings settings = settings_of_tests();
    struct streams *streams = streams_of_test(&settings, &heard);
    connect_from(streams, 1000, 1, 100 * SECOND);
    add_from(streams, 1000, 1, (struct packet){'s', A}, 100 * SECOND);
    for (int32_t i = 1; i <= 1000; i++)
        add_from(streams, 1000, 1, (struct packet){'c', A, i * 2, 0, "x"}, 100 * SECOND);
    assert_true(streams_counters(streams).bytes_dropped >= 1000 - settings.bytes_per_stream / 256);
    heard.text[0] = 0;
    streams_finish(streams, 101 * SECOND);
    assert_int_equal(streams_counters(streams).bytes_held_now, 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_begin_and_end),
        cmocka_unit_test(the_beginning_may_be_missed),
        cmocka_unit_test(late_packets_begin_nothing),
        cmocka_unit_test(a_sender_can_not_hide),
        cmocka_unit_test(the_oldest_idle_gives_way),
        cmocka_unit_test(looking_for_the_old_comes_to_an_end),
        cmocka_unit_test(a_flood_pushes_out_its_own),
        cmocka_unit_test(whoever_opens_most_gives_way),
        cmocka_unit_test(held_bytes_are_bounded),
        cmocka_unit_test(held_pieces_are_few),
        cmocka_unit_test(others_connections_are_passed_over),
        cmocka_unit_test(other_ports_are_no_mail),
        cmocka_unit_test(a_stream_knows_its_ends),
        cmocka_unit_test(a_connection_being_cut_survives_resets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
