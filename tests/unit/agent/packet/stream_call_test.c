/* Whose connection it is where the ports tell wrong: strangers who call from a mail port, and senders who want to look
 * as if they had been called. See stream_rows.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "agent/packet/stream_call.h"
#include "tests/unit/agent/packet/stream_rows.h"

#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* The guest is the client; 'f' is what it sends in the server's name. */
struct call_row {
    const char *name;
    struct packet given[PACKETS];
    const char *want;
    bool one_mail_port; /* between two it reads otherwise */
};

enum way { ON_GUESTS_PORT, WITHOUT_DIRECTION, BOTH_MAIL_PORTS, IPV6, WAYS };
static const char *const way_names[] = {"on a guest's port", "without direction", "both mail ports", "IPv6"};

static struct segment segment_on_way(const struct packet *packet, moment time, enum way way)
{
    static const uint8_t sixes[2][16] = {{0x20, 1, 0xd, 0xb8, [15] = 1}, {0x20, 1, 0xd, 0xb8, 9, [15] = 25}};
    struct packet as_server = *packet;
    as_server.from = packet->from == 'f' ? 's' : packet->from;
    struct segment segment = segment_of(&as_server, time, 0);
    segment.port = 3;
    segment.direction = way == WITHOUT_DIRECTION ? FRAME_UNKNOWN
                        : packet->from == 's'    ? FRAME_TO_GUEST
                                                 : FRAME_FROM_GUEST;
    if (way == BOTH_MAIL_PORTS) {
        *(packet->from == 'c' ? &segment.source_port : &segment.target_port) = 587;
    }
    if (way == IPV6) {
        segment.family = 6;
        segment.source = sixes[packet->from != 'c'];
        segment.target = sixes[packet->from == 'c'];
    }
    return segment;
}

static bool is_forgery(const struct call_row *row)
{
    for (size_t i = 0; i < PACKETS; i++) {
        if (row->given[i].from == 'f') {
            return true;
        }
    }
    return false;
}

static struct stream_counters check_call(const struct call_row *row, enum way way)
{
    struct heard heard = {0};
    struct stream_settings settings = settings_of_tests();
    struct streams *streams = streams_of_test(&settings, &heard);
    moment time = 1000 * SECOND;
    for (size_t i = 0; i < PACKETS && row->given[i].from; i++) {
        time = row->given[i].at ? (1000 + (moment)row->given[i].at) * SECOND : time + MILLISECOND;
        if (row->given[i].from == 't') {
            streams_tick(streams, time);
            continue;
        }
        struct segment segment = segment_on_way(&row->given[i], time, way);
        streams_add(streams, &segment);
    }
    streams_finish(streams, time);
    if (strcmp(heard.text, row->want) != 0) {
        fail_msg("%s, %s:\n  got  %s\n  want %s", row->name, way_names[way], heard.text, row->want);
    }
    struct stream_counters counters = streams_counters(streams);
    streams_destroy(&streams);
    return counters;
}

#define HOURS *3600 /* `at` counts in seconds here */
#define CALL                                                                                                           \
    {'s', S}, {'c', SA},                                                                                               \
    {                                                                                                                  \
        's', A                                                                                                         \
    }
#define DIALOGUE                                                                                                       \
    {'s', A, 0, 0, "220"}, {'c', A, 0, 3, "MAIL"},                                                                     \
    {                                                                                                                  \
        's', A, 3, 4, "550"                                                                                            \
    }

/* clang-format off */

static void who_is_called_calls_nobody(void **unused)
{
    (void)unused;
    static const struct call_row rows[] = {
        {"called from a mail port", {CALL, DIALOGUE}, ""},
        {"called with data in the SYN", {{'s', S, 0, 0, "220"}, {'c', SA, 0, 3}, {'s', A, 3, 0}, {'s', A, 3, 0, "250"},
                                         {'c', A, 0, 6, "MAIL"}}, ""},
        {"the call was missed", {{'c', SA}, {'s', A}, DIALOGUE}, ""},
        {"a SYN-ACK of the caller's in its midst", {CALL, {'s', SA}, {'c', A}, DIALOGUE}, ""},
        {"and a reset of the caller's that nobody takes", {CALL, {'s', R, 9000}, DIALOGUE}, ""},
        {"the guest has reset a SYN-ACK before", {{'s', SA}, {'c', R}, CALL, DIALOGUE}, "begun closed=reset"},
        {"the SYN-ACK again, and the reset lost", {{'s', SA}, CALL, {'s', SA}, {'c', A}, DIALOGUE},
         "begun closed=timeout"},
        {"silent for long, watched meanwhile", {CALL, {'t', .at = 1 HOURS}, {'t', .at = 20 HOURS}, DIALOGUE}, ""},
        {"it stays so while it is used", {CALL, {'c', A, 0, 0, "2", .at = 20 HOURS}, {'c', A, 1, 0, "2", .at = 40 HOURS},
                                          {'c', A, 2, 0, "0", .at = 60 HOURS}, {'s', A, 0, 3, "220"}}, ""},
        {"and called again, the SYN-ACK is lost", {CALL, {'s', S, 900}, {'s', A, 900, 0},
                                                   {'s', A, 900, 0, "220"}, {'c', A, 0, 903, "MAIL"}}, ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (enum way way = 0; way < WAYS; way++) {
            check_call(&rows[i], way);
        }
    }
    assert_int_equal(check_call(&rows[0], ON_GUESTS_PORT).incoming, 1);
    assert_int_equal(check_call(&rows[0], BOTH_MAIL_PORTS).incoming > 0, 1);
}

/* Whatever a sender has its friends send, or sends itself, before or after: its SYN makes it the client. */
static void who_calls_has_not_been_called(void **unused)
{
    (void)unused;
    static const struct call_row rows[] = {
        {"a friend's SYN first", {{'s', S, 77}, HANDSHAKE, DIALOGUE}, "begun opened s:220 c:MAIL s:550 closed=open"},
        {"and answered", {{'s', S, 77}, {'c', SA, 40, 77}, HANDSHAKE, DIALOGUE},
         "begun opened s:220 c:MAIL s:550 closed=open"},
        {"its own SYN in the server's name", {{'f', S, 77}, {'c', SA, 40, 77}, HANDSHAKE, DIALOGUE},
         "begun opened s:220 c:MAIL s:550 closed=open",
         .one_mail_port = true},
        {"both ends open at once", {{'s', S}, {'c', S}, {'c', SA}, {'s', SA}, {'c', A}, DIALOGUE},
         "begun opened s:220 c:MAIL s:550 closed=open"},
        {"a SYN-ACK while the SYN waits", {{'c', S}, {'c', SA, 0, 9}, {'s', SA}, {'c', A}, DIALOGUE},
         "begun opened s:220 c:MAIL s:550 closed=open"},
        {"a SYN-ACK on the open connection", {HANDSHAKE, {'s', S, 77}, {'c', SA, 0, 77}, DIALOGUE},
         "begun opened s:220 c:MAIL s:550 closed=open"},
        {"a SYN-ACK where the SYN was missed", {{'s', SA}, {'c', A}, {'c', SA, 0, 77}, DIALOGUE},
         "begun opened s:220 c:MAIL s:550 closed=open"},
        {"called before, and answered only after it was given up",
         {CALL, {'c', S}, {'t', .at = 40}, {'c', S, .at = 42}, {'s', SA}, {'c', A}, DIALOGUE},
         "begun closed=timeout begun opened s:220 c:MAIL s:550 closed=open"},
        {"called before, and a decoy of a SYN behind the real one",
         {CALL, {'c', S}, {'c', S, 7000}, {'s', SA}, {'c', A}, DIALOGUE},
         "begun closed=timeout begun closed=timeout begun opened s:220 c:MAIL s:550 closed=open"},
        {"called before, and a reset that the server does not take",
         {CALL, HANDSHAKE, {'s', A, 0, 0, "220"}, {'c', R}, {'c', SA, 0, 3}, {'c', A, 0, 3, "MAIL"}, {'s', A, 3, 4},
          {'c', SA, 4, 3}, {'s', A, 3, 4, "550"}, {'c', SA, 4, 3}, {'c', A, 4, 6, "RSET"}},
         "begun opened s:220 closed=reset begun s:550 c:RSET closed=open", .one_mail_port = true},
        {"joined in the middle, a new SYN, and a SYN-ACK",
         {{'c', A, 0, 0, "x"}, {'c', S, 7000}, {'c', SA, 7000, 0}, {'s', SA, 7000, 7000}, {'c', A, 7000, 7000, "MAIL"}},
         "begun c:x closed=timeout begun opened c:MAIL closed=open"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (enum way way = 0; way < WAYS; way++) {
            bool passes = (way != WITHOUT_DIRECTION || !is_forgery(&rows[i])) &&
                          (way != BOTH_MAIL_PORTS || !rows[i].one_mail_port);
            if (passes) {
                check_call(&rows[i], way);
            }
        }
    }
}

/* Between two mail ports the forged SYN could be the guest's own: it begins a connection beside the real one. */
static void who_calls_in_the_servers_name_calls_as_well(void **unused)
{
    (void)unused;
    static const struct call_row row = {"its own SYN in the server's name",
                                        {{'f', S, 77}, {'c', SA, 40, 77}, HANDSHAKE, {'f', S, 99}, DIALOGUE, {'f', R}},
                                        "begun begun opened closed=timeout begun s:220 c:MAIL s:550 closed=reset closed=open"};
    check_call(&row, BOTH_MAIL_PORTS);
}

static void who_was_not_seen_to_be_called_is_joined(void **unused)
{
    (void)unused;
    static const struct call_row rows[] = {
        {"joined in the middle", {DIALOGUE}, "begun s:220 c:MAIL s:550 closed=open"},
        {"a SYN alone says nothing", {{'s', S}, DIALOGUE}, "begun s:220 c:MAIL s:550 closed=open"},
        {"a SYN-ACK forged by somebody else", {{'f', SA}, DIALOGUE}, "begun s:220 c:MAIL s:550 closed=open"},
        {"called days ago", {CALL, {'s', A, 0, 0, "220", .at = 80 HOURS}, {'c', A, 0, 3, "MAIL"}},
         "begun s:220 c:MAIL closed=open"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        check_call(&rows[i], ON_GUESTS_PORT);
        check_call(&rows[i], IPV6);
    }
}
/* clang-format on */

/* Another guest's port, and without direction another's address, is not called by it. */
static void each_is_called_for_itself(void **unused)
{
    (void)unused;
    for (int way = ON_GUESTS_PORT; way <= WITHOUT_DIRECTION; way++) {
        struct heard heard = {0};
        struct stream_settings settings = settings_of_tests();
        struct streams *streams = streams_of_test(&settings, &heard);
        static const struct packet answer = {'c', SA};
        struct segment segment = segment_on_way(&answer, SECOND, way);
        streams_add(streams, &segment);
        assert_true(stream_call_was_answered(streams, &segment, STREAM_CLIENT));
        struct segment other = segment;
        other.source_port++;
        assert_false(stream_call_was_answered(streams, &other, STREAM_CLIENT));
        other = segment;
        other.port++;
        assert_false(stream_call_was_answered(streams, &other, STREAM_CLIENT));
        other = segment;
        other.source = server_address; /* a guest is the same whatever address it writes */
        assert_int_equal(stream_call_was_answered(streams, &other, STREAM_CLIENT), way == ON_GUESTS_PORT);
        assert_false(stream_call_was_answered(streams, &segment, STREAM_SERVER));
        streams_destroy(&streams);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_called_calls_nobody),
        cmocka_unit_test(who_calls_has_not_been_called),
        cmocka_unit_test(who_calls_in_the_servers_name_calls_as_well),
        cmocka_unit_test(who_was_not_seen_to_be_called_is_joined),
        cmocka_unit_test(each_is_called_for_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
