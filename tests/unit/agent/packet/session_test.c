/* What the packet path must give: from frames, with their link and IP headers, to observations and sessions. Rows of
 * what client and server say; the observations are written as one line each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "agent/packet/link.h"
#include "agent/packet/segment.h"
#include "agent/packet/session.h"

/* Rows leave off what is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- hearing ---- */

struct heard {
    char text[8192];
    unsigned sessions;
    struct session_summary last; /* its texts are not valid any more */
    struct origin origin;
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

#define SHOW(text) (int)(text).length, (text).bytes

static void on_observation(void *context, const struct observation *o)
{
    static const char *const outcomes[] = {"opened", "refused", "unanswered"};
    static const char *const reasons[] = {"quit", "fin", "reset", "timeout", "open"};
    struct heard *heard = context;
    heard->origin = o->origin;
    assert_int_equal(o->server_port, 25);
    assert_int_equal(o->origin.client_port, 40000);
    if (o->origin.account.length > 0)
        hear(heard, "%.*s: ", SHOW(o->origin.account));
    switch (o->kind) {
    case OBSERVATION_CONNECTION:
        hear(heard, "connection %s\n", outcomes[o->connection.outcome]);
        break;
    case OBSERVATION_HELO:
        hear(heard, "helo %.*s\n", SHOW(o->helo.name));
        break;
    case OBSERVATION_TRANSACTION:
        hear(heard, "from %.*s %u\n", SHOW(o->transaction.from), o->transaction.reply.code);
        break;
    case OBSERVATION_RECIPIENT:
        hear(heard, "to %.*s %u\n", SHOW(o->recipient.address), o->recipient.reply.code);
        break;
    case OBSERVATION_MESSAGE:
        hear(heard, "message %lu %u%s\n", (unsigned long)o->message.bytes, o->message.reply.code,
             o->message.complete ? "" : " incomplete");
        break;
    case OBSERVATION_CLOSE:
        hear(heard, "close %s\n", reasons[o->close.reason]);
        break;
    default:
        hear(heard, "other\n");
    }
}

static void on_session(void *context, const struct session_summary *summary)
{
    struct heard *heard = context;
    heard->sessions++;
    heard->last = *summary;
    hear(heard, "session %.*s %u%s\n", SHOW(summary->dialogue.helo), summary->dialogue.transaction_count,
         summary->gapped ? " gapped" : "");
}

/* ---- frames ---- */

enum {
    S = SEGMENT_SYN,
    A = SEGMENT_ACK,
    P = SEGMENT_ACK | SEGMENT_PSH,
    F = SEGMENT_FIN | SEGMENT_ACK,
    R = SEGMENT_RST | SEGMENT_ACK
};

struct line {
    char from; /* 'c', 's', 't' for a tick; 0: the end */
    uint8_t flags;
    const char *payload;
    uint32_t lost; /* bytes that this side says before, and nobody captured */
    uint32_t cut;  /* of the end of the payload, by the snap length */
    moment at;     /* seconds, for a tick */
};

static size_t put(uint8_t *frame, size_t at, const void *bytes, size_t length)
{
    memcpy(frame + at, bytes, length);
    return at + length;
}

static size_t put_number(uint8_t *frame, size_t at, uint32_t number, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--) {
        frame[at++] = (uint8_t)(number >> 8 * i);
    }
    return at;
}

static bool at_home; /* client and server are one machine */

/* Ethernet, with a tag, IPv4 or IPv6, TCP. */
static size_t put_frame(uint8_t frame[2048], bool client, bool six, uint8_t flags, uint32_t sequence,
                        uint32_t acknowledged, const char *payload)
{
    static const uint8_t mac[2][6] = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}};
    static const uint8_t four[2][4] = {{192, 0, 2, 1}, {198, 51, 100, 25}};
    static const uint8_t sixes[2][16] = {{0x20, 1, 0xd, 0xb8, [15] = 1}, {0x20, 1, 0xd, 0xb8, 9, [15] = 25}};
    size_t length = strlen(payload), at = 0;
    at = put(frame, at, mac[client], 6);
    at = put(frame, at, mac[!client], 6);
    at = put_number(frame, at, 0x81000007, 4);
    at = put_number(frame, at, six ? 0x86dd : 0x0800, 2);
    if (six) {
        at = put_number(frame, at, 0x60000000, 4);
        at = put_number(frame, at, (uint32_t)(20 + length), 2);
        at = put_number(frame, at, 0x0640, 2);
        at = put(frame, at, sixes[!client && !at_home], 16);
        at = put(frame, at, sixes[client && !at_home], 16);
    } else {
        at = put_number(frame, at, 0x4500, 2);
        at = put_number(frame, at, (uint32_t)(40 + length), 2);
        at = put_number(frame, at, 0, 4);
        at = put_number(frame, at, 0x40060000, 4);
        at = put(frame, at, four[!client && !at_home], 4);
        at = put(frame, at, four[client && !at_home], 4);
    }
    at = put_number(frame, at, client ? 40000 : 25, 2);
    at = put_number(frame, at, client ? 25 : 40000, 2);
    at = put_number(frame, at, sequence, 4);
    at = put_number(frame, at, acknowledged, 4);
    at = put_number(frame, at, 0x5000u | flags, 2);
    at = put_number(frame, at, 0xffff0000, 4);
    at = put_number(frame, at, 0, 2);
    return put(frame, at, payload, length);
}

static struct packet_settings settings_of_tests(void)
{
    return (struct packet_settings){.streams = {.streams = 64,
                                                .bytes_held = 65536,
                                                .bytes_per_stream = 16384,
                                                .opening = 30 * SECOND,
                                                .idle = 300 * SECOND,
                                                .ports = {25, 465},
                                                .key = {{1, 2}}},
                                    .fragmented_datagrams = 4};
}

static struct packet_path *path_of(const struct packet_settings *settings, struct heard *heard)
{
    struct packet_listener listener = {.context = heard, .observe = on_observation, .session = on_session};
    struct error error = {0};
    struct packet_path *path = packet_path_create(settings, &listener, &error);
    assert_non_null(path);
    return path;
}

static moment play(struct packet_path *path, const struct line *lines, bool six, uint8_t client_direction)
{
    uint32_t next[2] = {1000, 5000}; /* server, client */
    moment time = 1000 * SECOND;
    for (size_t i = 0; lines[i].from; i++) {
        if (lines[i].from == 't') {
            time = lines[i].at * SECOND;
            packet_path_tick(path, time);
            continue;
        }
        time += MILLISECOND;
        bool client = lines[i].from == 'c';
        uint8_t bytes[2048];
        const char *payload = lines[i].payload ? lines[i].payload : "";
        next[client] += lines[i].lost;
        size_t length = put_frame(bytes, client, six, lines[i].flags, next[client],
                                  lines[i].flags & A ? next[!client] : 0, payload);
        next[client] += (uint32_t)strlen(payload) + ((lines[i].flags & (SEGMENT_SYN | SEGMENT_FIN)) != 0);
        uint8_t server_direction = client_direction == FRAME_UNKNOWN      ? FRAME_UNKNOWN
                                   : client_direction == FRAME_FROM_GUEST ? FRAME_TO_GUEST
                                                                          : FRAME_FROM_GUEST;
        struct frame frame = {.time = time,
                              .bytes = bytes,
                              .captured = (uint32_t)length - lines[i].cut,
                              .length = (uint32_t)length,
                              .port = 9,
                              .link = LINK_ETHERNET,
                              .direction = client ? client_direction : server_direction};
        packet_path_add(path, &frame);
    }
    return time;
}

/* ---- rows ---- */

#define OPENING                                                                                                        \
    {'c', S}, {'s', S | A}, {'c', A}, {'s', P, "220 mx\r\n"}, {'c', P, "EHLO me\r\n"},                                 \
    {                                                                                                                  \
        's', P, "250 mx\r\n"                                                                                           \
    }
#define ENVELOPE                                                                                                       \
    {'c', P, "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"},                                          \
    {                                                                                                                  \
        's', P, "250 ok\r\n250 ok\r\n354 go on\r\n"                                                                    \
    }

static void sessions_are_observed(void **unused)
{
    (void)unused;
    static const struct {
        const char *name;
        struct line given[24];
        const char *want;
    } rows[] = {
        {"a message",
         {OPENING,
          ENVELOPE,
          {'c', P, "hello\r\n.\r\n"},
          {'s', P, "250 taken\r\n"},
          {'c', P, "QUIT\r\n"},
          {'s', P, "221 bye\r\n"},
          {'s', F},
          {'c', F}},
         "connection opened\nhelo me\nfrom a@b.example 250\nto c@d.example 250\nmessage 7 250\nclose quit\n"
         "session me 1\n"},
        {"refused", {{'c', S}, {'s', R}}, "connection refused\n"},
        {"unanswered", {{'c', S}, {'t', .at = 1040}}, "connection unanswered\n"},
        {"a SYN-ACK nobody asked for", {{'s', S | A}, {'t', .at = 2000}}, ""},
        {"the server's words alone", {{'s', P, "250 ok\r\n"}}, "session  0\n"},
        {"reset before a word",
         {{'c', S}, {'s', S | A}, {'c', A}, {'c', R}},
         "connection opened\nclose reset\nsession  0\n"},
        {"still open at the end", {OPENING}, "connection opened\nhelo me\nclose open\nsession me 0\n"},
        {"idle for too long",
         {OPENING, {'t', .at = 1400}},
         "connection opened\nhelo me\nclose timeout\nsession me 0\n"},
        {"a body cut by the snap length is known to be so",
         {OPENING,
          ENVELOPE,
          {'c', P, "hello, this is a body\r\n", .cut = 10},
          {'c', P, ".\r\n"},
          {'s', P, "250 taken\r\n"},
          {'c', F},
          {'s', F}},
         "connection opened\nhelo me\nfrom a@b.example 250\nto c@d.example 250\nmessage 23 250 incomplete\nclose fin\n"
         "session me 1\n"},
        {"the end cut off with the body: the reply says that it was there",
         {OPENING,
          ENVELOPE,
          {'c', P, "hello, this is a body\r\n.\r\n", .cut = 20},
          {'s', P, "250 taken\r\n"},
          {'c', P, "QUIT\r\n"},
          {'s', P, "221 bye\r\n"},
          {'c', F},
          {'s', F}},
         "connection opened\nhelo me\nfrom a@b.example 250\nto c@d.example 250\nmessage 23 250 incomplete\nclose quit\n"
         "session me 1\n"},
        {"the end cut in its midst",
         {OPENING,
          ENVELOPE,
          {'c', P, "hello, this is a body\r\n.\r\n", .cut = 2},
          {'s', P, "250 taken\r\n"},
          {'c', P, "QUIT\r\n"},
          {'s', P, "221 bye\r\n"},
          {'c', F},
          {'s', F}},
         "connection opened\nhelo me\nfrom a@b.example 250\nto c@d.example 250\nmessage 23 250 incomplete\nclose quit\n"
         "session me 1\n"},
        {"lost in the capture",
         {OPENING,
          {'c', P, "RSET\r\n", .lost = 6},
          {'s', P, "250 ok\r\n250 ok\r\n"},
          {'c', P, "QUIT\r\n"},
          {'t', .at = 1010},
          {'s', P, "221 bye\r\n"},
          {'c', F},
          {'s', F}},
         "connection opened\nhelo me\nclose quit\nsession me 0 gapped\n"},
    };
    for (size_t i = 0; i < COUNT(rows) * 2; i++) {
        struct heard heard = {0};
        struct packet_settings settings = settings_of_tests();
        struct packet_path *path = path_of(&settings, &heard);
        moment end = play(path, rows[i / 2].given, i % 2, FRAME_UNKNOWN);
        packet_path_finish(path, end);
        if (strcmp(heard.text, rows[i / 2].want) != 0) {
            fail_msg("%s, IPv%d:\ngot\n%swant\n%s", rows[i / 2].name, i % 2 ? 6 : 4, heard.text, rows[i / 2].want);
        }
        struct packet_counters counters = packet_path_counters(path);
        assert_int_equal(counters.sessions, heard.sessions);
        assert_int_equal(counters.streams.open_now, 0);
        packet_path_destroy(&path);
        assert_null(path);
    }
}

static void a_session_knows_whose_it_is(void **unused)
{
    (void)unused;
    static const struct line talk[] = {OPENING, {'c', P, "QUIT\r\n"}, {'s', P, "221\r\n"}, {'s', F}, {'c', F}, {0}};
    struct heard heard = {0};
    struct packet_settings settings = settings_of_tests();
    struct packet_path *path = path_of(&settings, &heard);
    play(path, talk, false, FRAME_FROM_GUEST);
    assert_int_equal(heard.sessions, 1);
    assert_int_equal(heard.origin.port, 9);
    assert_int_equal(heard.origin.vlan, 7);
    assert_memory_equal(heard.origin.mac, "\x02\0\0\0\0\x01", 6);
    assert_memory_equal(heard.last.ends.server_mac, "\x02\0\0\0\0\x02", 6);
    assert_memory_equal(heard.origin.address.bytes, "\xc0\0\x02\x01", 4);
    assert_memory_equal(heard.last.ends.server.bytes, "\xc6\x33\x64\x19", 4);
    assert_int_equal(heard.last.start, 1000 * SECOND + MILLISECOND);
    assert_int_equal(heard.last.end, 1000 * SECOND + 10 * MILLISECOND);
    assert_int_equal(heard.last.ends.client_bytes, strlen("EHLO me\r\nQUIT\r\n"));
    assert_int_equal(heard.last.ends.server_bytes, strlen("220 mx\r\n250 mx\r\n221\r\n"));
    packet_path_destroy(&path);
}

static struct observation close_of_talk;

static void keep_close(void *context, const struct observation *observation)
{
    (void)context;
    if (observation->kind == OBSERVATION_CLOSE)
        close_of_talk = *observation;
}

/* What a session was like, whatever was said in it. */
static void the_end_says_how_it_went(void **unused)
{
    (void)unused;
    static const struct line hasty[] = {
        OPENING, {'c', P, "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nNOOP\r\n"}, {'c', F}, {'s', F}, {0}};
    struct packet_listener listener = {.observe = keep_close};
    struct packet_settings settings = settings_of_tests();
    struct error error = {0};
    struct packet_path *path = packet_path_create(&settings, &listener, &error);
    play(path, hasty, false, FRAME_FROM_GUEST);
    assert_int_equal(close_of_talk.close.unasked, 2);
    assert_false(close_of_talk.close.spoke_first);
    assert_int_equal(close_of_talk.origin.odd, 0);
    assert_int_equal(close_of_talk.close.tls_commands, 0);
    packet_path_destroy(&path);
}

/* The client's frames inside two tags more. */
static void odd_frames_are_their_senders(void **unused)
{
    (void)unused;
    struct packet_listener listener = {.observe = keep_close};
    struct packet_settings settings = settings_of_tests();
    struct error error = {0};
    struct packet_path *path = packet_path_create(&settings, &listener, &error);
    static const uint8_t flags[] = {S, A, R};
    for (size_t i = 0; i < COUNT(flags); i++) {
        uint8_t plain[2048], bytes[2048];
        size_t length = put_frame(plain, true, false, flags[i], 1000 + (i > 0), flags[i] == S ? 0 : 5001, "");
        size_t at = put(bytes, 0, plain, 12);
        if (i == 1)
            at = put_number(bytes, put_number(bytes, at, 0x81000000, 4), 0x81000000, 4);
        at = put(bytes, at, plain + 12, length - 12);
        struct frame frame = {.time = SECOND * (moment)(i + 1),
                              .bytes = bytes,
                              .captured = (uint32_t)at,
                              .length = (uint32_t)at,
                              .port = 9,
                              .link = LINK_ETHERNET,
                              .direction = FRAME_FROM_GUEST};
        packet_path_add(path, &frame);
        if (i > 0)
            continue;
        frame.captured = frame.length = (uint32_t)put_frame(plain, false, false, S | A, 5000, 1001, "");
        frame.bytes = plain;
        frame.direction = FRAME_TO_GUEST;
        packet_path_add(path, &frame);
    }
    packet_path_finish(path, 100 * SECOND);
    assert_int_equal(close_of_talk.origin.odd, ODD_TAGS);
    packet_path_destroy(&path);
}

static void incoming_mail_is_passed_over(void **unused)
{
    (void)unused;
    static const struct line talk[] = {OPENING, {0}};
    static const struct {
        const char *name, *local;
        uint8_t client;
        bool heard;
    } rows[] = {{"nothing is known", NULL, FRAME_UNKNOWN, true},
                {"to a guest", NULL, FRAME_TO_GUEST, false},
                {"from a guest", NULL, FRAME_FROM_GUEST, true},
                {"from a local client", "192.0.2.0/24", FRAME_UNKNOWN, true},
                {"from another client", "203.0.113.0/24", FRAME_UNKNOWN, false}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct heard heard = {0};
        struct packet_settings settings = settings_of_tests();
        struct address prefix;
        if (rows[i].local) {
            assert_true(address_parse(text_of(rows[i].local), &prefix));
            assert_true(address_list_add(&settings.local, &prefix));
        }
        struct packet_path *path = path_of(&settings, &heard);
        address_list_clear(&settings.local); /* the path has its own */
        play(path, talk, false, rows[i].client);
        if ((heard.text[0] != 0) != rows[i].heard) {
            fail_msg("%s", rows[i].name);
        }
        assert_int_equal(packet_path_counters(path).streams.incoming, rows[i].heard ? 0 : 1);
        packet_path_destroy(&path); /* with an open dialogue: what it holds is freed */
    }
}

/* What a server says of a message; the rows are of who else was seen. */
#define ANSWERS                                                                                                        \
    {'s', P, "250 mx\r\n"}, {'s', P, "250 sender\r\n250 recipient\r\n354 go on\r\n"},                                  \
    {                                                                                                                  \
        's', P, "250 queued\r\n"                                                                                       \
    }

/* A stranger calls, from a mail port, something at the guest that says again what it hears. */
#define CALL                                                                                                           \
    {'s', S}, {'c', S | A},                                                                                            \
    {                                                                                                                  \
        's', A                                                                                                         \
    }
#define ECHO                                                                                                           \
    {'s', P, "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"},                                          \
    {                                                                                                                  \
        'c', P, "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"                                         \
    }

/* Somebody sends whole dialogues in a guest's name, by another way; on its port only the answers are seen, and the
 * resets with which the guest answers in its turn. */
static void what_others_answer_is_no_deed_of_a_guest(void **unused)
{
    (void)unused;
    static const struct {
        const char *name;
        uint8_t direction;
        struct line given[20];
        bool session, message;
    } rows[] = {
        {"nothing of the guest", FRAME_FROM_GUEST, {{'s', S | A}, ANSWERS}, false, false},
        {"one side alone is captured", FRAME_UNKNOWN, {{'s', S | A}, ANSWERS}, true, true},
        {"joined in the middle", FRAME_FROM_GUEST, {ANSWERS}, false, false},
        {"it resets at once", FRAME_FROM_GUEST, {{'s', S | A}, {'c', SEGMENT_RST}, ANSWERS}, false, false},
        {"it resets late", FRAME_FROM_GUEST, {{'s', S | A}, ANSWERS, {'c', SEGMENT_RST}}, false, false},
        {"it resets what was joined", FRAME_FROM_GUEST, {ANSWERS, {'c', SEGMENT_RST}}, false, false},
        {"it resets, and is answered on", FRAME_FROM_GUEST, {ANSWERS, {'c', SEGMENT_RST}, ANSWERS}, false, false},
        {"it resets, without direction", FRAME_UNKNOWN, {{'s', S | A}, ANSWERS, {'c', SEGMENT_RST}}, true, true},
        {"it takes part, then its packets are lost",
         FRAME_FROM_GUEST,
         {OPENING, ENVELOPE, {'c', A, .lost = 9}, {'s', P, "250 queued\r\n"}},
         true,
         true},
        {"its SYN was lost", FRAME_FROM_GUEST, {{'s', S | A}, {'c', A}, ANSWERS}, true, true},
        {"joined in the middle, it goes on", FRAME_FROM_GUEST, {{'s', P, "220 mx\r\n"}, {'c', A}, ANSWERS}, true, true},
        {"it is called from a mail port, and echoes", FRAME_FROM_GUEST, {CALL, ECHO, ANSWERS}, false, false},
        {"the same where the direction is not known", FRAME_UNKNOWN, {CALL, ECHO, ANSWERS}, false, false},
        {"it is called after it has reset an unasked SYN-ACK",
         FRAME_FROM_GUEST,
         {{'s', S | A}, {'c', SEGMENT_RST}, CALL, ECHO, ANSWERS},
         false,
         false},
        {"it calls where it was called before", FRAME_FROM_GUEST, {CALL, ECHO, OPENING, ENVELOPE, ANSWERS}, true, true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct heard heard = {0};
        struct packet_settings settings = settings_of_tests();
        struct packet_path *path = path_of(&settings, &heard);
        moment end = play(path, rows[i].given, false, rows[i].direction);
        packet_path_finish(path, end);
        bool message = strstr(heard.text, "message ");
        if ((heard.text[0] != 0) != rows[i].session || heard.sessions != rows[i].session ||
            message != rows[i].message) {
            fail_msg("%s: %s", rows[i].name, heard.text);
        }
        assert_int_equal(packet_path_counters(path).sessions, heard.sessions);
        packet_path_destroy(&path);
    }
}

static void other_frames_are_counted(void **unused)
{
    (void)unused;
    struct heard heard = {0};
    struct packet_settings settings = settings_of_tests();
    struct packet_path *path = path_of(&settings, &heard);
    uint8_t bytes[2048];
    size_t length = put_frame(bytes, true, false, A, 1, 1, "x");
    struct frame frame = {.time = SECOND,
                          .bytes = bytes,
                          .captured = (uint32_t)length,
                          .length = (uint32_t)length + 5,
                          .link = LINK_ETHERNET};
    packet_path_add(path, &frame); /* cut short */
    bytes[18 + 9] = 17;            /* UDP */
    packet_path_add(path, &frame);
    bytes[16] = 0x12; /* no IP */
    packet_path_add(path, &frame);
    put_frame(bytes, true, false, A, 1, 1, "x");
    bytes[18] = 0x41; /* a header of four bytes */
    packet_path_add(path, &frame);
    struct packet_counters counters = packet_path_counters(path);
    assert_int_equal(counters.frames, 4);
    assert_int_equal(counters.bytes, 4 * (length + 5));
    assert_int_equal(counters.cut_short, 4);
    assert_int_equal(counters.not_tcp, 1);
    assert_int_equal(counters.not_ip, 1);
    assert_int_equal(counters.malformed, 1);
    packet_path_destroy(&path);
}

/* What is submitted to the machine's own mail server is the account's that logged in. */
static void accounts_are_those_of_the_machine_itself(void **unused)
{
    (void)unused;
    static const struct {
        const char *name;
        bool at_home;
        const char *login, *answer, *behind, *refusal, *want;
    } rows[] = {
        {"a login at home", true, "AUTH PLAIN AGpvZQBzZWNyZXQ=\r\n", "235 in\r\n", "NOOP\r\n", "250 ok\r\n",
         "connection opened\nhelo me\njoe: other\njoe: from a@b.example 250\njoe: to c@d.example 250\n"},
        {"one that failed", true, "AUTH PLAIN AGpvZQBzZWNyZXQ=\r\n", "535 no\r\n", "NOOP\r\n", "250 ok\r\n",
         "connection opened\nhelo me\nother\nfrom a@b.example 250\nto c@d.example 250\n"},
        {"an account elsewhere is none of ours", false, "AUTH PLAIN AGpvZQBzZWNyZXQ=\r\n", "235 in\r\n", "NOOP\r\n",
         "250 ok\r\n", "connection opened\nhelo me\nother\nfrom a@b.example 250\nto c@d.example 250\n"},
        {"a second name behind the login, to have another accused", true, "AUTH PLAIN AGpvZQBzZWNyZXQ=\r\n",
         "235 in\r\n", "AUTH PLAIN AGFubmEAc2VjcmV0\r\n", "503 once is enough\r\n",
         "connection opened\nhelo me\njoe: other\njoe: other\njoe: from a@b.example 250\njoe: to c@d.example 250\n"},
        {"a name that failed before", true, "AUTH PLAIN AGFubmEAc2VjcmV0\r\n", "535 no\r\n",
         "AUTH PLAIN AGpvZQBzZWNyZXQ=\r\n", "235 in\r\n",
         "connection opened\nhelo me\nother\njoe: other\njoe: from a@b.example 250\njoe: to c@d.example 250\n"},
    };
    for (size_t i = 0; i < 2 * COUNT(rows); i++) {
        struct heard heard = {0};
        struct packet_settings settings = settings_of_tests();
        struct packet_path *path = path_of(&settings, &heard);
        const struct line lines[] = {OPENING,
                                     {'c', P, rows[i / 2].login},
                                     {'s', P, rows[i / 2].answer},
                                     {'c', P, rows[i / 2].behind},
                                     {'s', P, rows[i / 2].refusal},
                                     ENVELOPE,
                                     {0}};
        at_home = rows[i / 2].at_home;
        play(path, lines, i % 2, FRAME_FROM_GUEST);
        if (strcmp(heard.text, rows[i / 2].want) != 0)
            fail_msg("%s: heard\n%s", rows[i / 2].name, heard.text);
        packet_path_destroy(&path);
    }
    at_home = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_are_observed),        cmocka_unit_test(a_session_knows_whose_it_is),
        cmocka_unit_test(the_end_says_how_it_went),     cmocka_unit_test(odd_frames_are_their_senders),
        cmocka_unit_test(incoming_mail_is_passed_over), cmocka_unit_test(what_others_answer_is_no_deed_of_a_guest),
        cmocka_unit_test(other_frames_are_counted),     cmocka_unit_test(accounts_are_those_of_the_machine_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
