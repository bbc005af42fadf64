/* TCP streams. The first byte chooses: a dialogue that is known, cut anywhere, with segments swapped, repeated and
 * overlapping, but none lost: it must be heard as it was said, and no side before the words it answers. Or segments
 * with any numbers, flags and lengths: bounds must hold, and everything must be given back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "agent/packet/frame.h"
#include "agent/packet/stream.h"
#include "common/cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* The client speaks on odd turns. */
static const char *const turns[] = {"220 mx.example ESMTP\r\n",
                                    "EHLO client.example\r\n",
                                    "250-mx.example\r\n250 PIPELINING\r\n",
                                    "MAIL FROM:<a@client.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n",
                                    "250 ok\r\n250 ok\r\n354 go on\r\n",
                                    "Subject: hello\r\n\r\none\r\n..two\r\nthree\r\n.\r\n",
                                    "250 taken\r\n",
                                    "QUIT\r\n",
                                    "221 bye\r\n"};
#define TURNS (sizeof turns / sizeof turns[0])

struct said {
    char text[512];
    size_t length, heard;
    size_t begins[TURNS + 1]; /* where each turn begins in it: for the other side's turns, what it follows */
};

struct ear {
    struct said said[2];
    bool exact; /* the dialogue is known */
    bool gone;
};

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void heard_bytes(void *context, struct stream *stream, void *room, enum stream_side side, struct text text,
                        moment time)
{
    struct ear *ear = context;
    struct said *own = &ear->said[side], *peer = &ear->said[1 - side];
    (void)stream, (void)time;
    must(text.length > 0 && *(uint8_t *)room == 1);
    if (!ear->exact) {
        return;
    }
    must(own->heard + text.length <= own->length && memcmp(own->text + own->heard, text.bytes, text.length) == 0);
    own->heard += text.length;
    for (size_t turn = side == STREAM_CLIENT ? 1 : 0; turn < TURNS; turn += 2) {
        must(own->heard <= own->begins[turn] || peer->heard >= peer->begins[turn]);
    }
}

static void heard_gap(void *context, struct stream *stream, void *room, enum stream_side side, uint32_t length,
                      moment time)
{
    struct ear *ear = context;
    (void)stream, (void)side, (void)time;
    must(length > 0 && *(uint8_t *)room == 1 && !ear->exact);
}

static void heard_begun(void *context, struct stream *stream, void *room)
{
    (void)context, (void)stream;
    must(*(uint8_t *)room == 0);
    *(uint8_t *)room = 1;
}

static void heard_closed(void *context, struct stream *stream, void *room, enum close_reason reason, moment time)
{
    struct ear *ear = context;
    struct stream_ends ends;
    (void)reason, (void)time;
    must(*(uint8_t *)room == 1);
    stream_ends(stream, &ends);
    ear->gone = true;
}

static struct streams *streams_of(struct ear *ear, uint32_t streams)
{
    struct stream_settings settings = {.streams = streams,
                                       .bytes_held = 16384,
                                       .bytes_per_stream = 8192,
                                       .opening = 30 * SECOND,
                                       .idle = 300 * SECOND,
                                       .ports = {25},
                                       .key = {{3, 4}}};
    struct stream_listener listener = {.room = 8,
                                       .context = ear,
                                       .begun = heard_begun,
                                       .bytes = heard_bytes,
                                       .gap = heard_gap,
                                       .closed = heard_closed};
    struct streams *s = streams_create(&settings, &listener, NULL);
    must(s != NULL);
    return s;
}

/* ---- the known dialogue ---- */

static const uint8_t ends[2][4] = {{192, 0, 2, 1}, {198, 51, 100, 25}};

struct part {
    enum stream_side side;
    size_t turn, from, to; /* of what that side says */
};

static void send_part(struct streams *s, const struct ear *ear, const uint32_t first[2], const struct part *part,
                      uint8_t flags)
{
    enum stream_side side = part->side;
    struct segment segment = {.time = SECOND,
                              .family = 4,
                              .source = ends[side],
                              .target = ends[1 - side],
                              .source_port = side == STREAM_CLIENT ? 1025 : 25,
                              .target_port = side == STREAM_CLIENT ? 25 : 1025,
                              .sequence = first[side] + (uint32_t)part->from,
                              .acknowledged = first[1 - side] + (uint32_t)ear->said[1 - side].begins[part->turn],
                              .flags = flags,
                              .window = first[0] & 1 || part->turn == TURNS ? 1000 : 0, /* into a shut one: doubted */
                              .payload = {ear->said[side].text + part->from, part->to - part->from}};
    streams_add(s, &segment);
}

/* One turn in parts that overlap and stand in any order. */
static size_t cut_turn(const struct said *own, size_t turn, enum stream_side side, struct cursor *choice,
                       struct part parts[16])
{
    size_t count = 0, at = own->begins[turn], end = own->begins[turn + 1];
    while (at < end) {
        uint8_t byte = cursor_u8(choice);
        size_t from = at > (byte & 7) ? at - (byte & 7) : 0, to = at + 1 + (byte >> 3) * 2;
        to = to < end && count < 14 ? to : end;
        parts[count++] = (struct part){side, turn, from, to};
        at = to;
    }
    for (size_t i = 0; i < count; i++) {
        size_t j = cursor_u8(choice) % count;
        struct part swap = parts[i];
        parts[i] = parts[j];
        parts[j] = swap;
    }
    return count;
}

static void talk(struct cursor *choice)
{
    struct ear ear = {.exact = true};
    for (size_t turn = 0; turn < TURNS; turn++) {
        struct said *own = &ear.said[turn % 2 ? STREAM_CLIENT : STREAM_SERVER];
        for (int side = 0; side < 2; side++) {
            ear.said[side].begins[turn] = ear.said[side].length;
        }
        memcpy(own->text + own->length, turns[turn], strlen(turns[turn]));
        own->length += strlen(turns[turn]);
    }
    ear.said[0].begins[TURNS] = ear.said[0].length;
    ear.said[1].begins[TURNS] = ear.said[1].length;

    struct streams *s = streams_of(&ear, 16);
    uint32_t first[2] = {cursor_u32(choice), cursor_u32(choice)};
    struct segment handshake = {.time = SECOND,
                                .family = 4,
                                .source = ends[0],
                                .target = ends[1],
                                .source_port = 1025,
                                .target_port = 25,
                                .sequence = first[0] - 1,
                                .flags = SEGMENT_SYN};
    streams_add(s, &handshake);
    handshake = (struct segment){.time = SECOND,
                                 .family = 4,
                                 .source = ends[1],
                                 .target = ends[0],
                                 .source_port = 25,
                                 .target_port = 1025,
                                 .sequence = first[1] - 1,
                                 .acknowledged = first[0],
                                 .flags = SEGMENT_SYN | SEGMENT_ACK};
    streams_add(s, &handshake);

    struct part sent[TURNS * 16];
    size_t count = 0, added = 0;
    for (size_t turn = 0; turn < TURNS; turn++) {
        size_t before = added;
        enum stream_side side = turn % 2 ? STREAM_CLIENT : STREAM_SERVER;
        added = cut_turn(&ear.said[side], turn, side, choice, sent + count);
        if (before > 1 &&
            (cursor_u8(choice) & 1)) { /* an answer overtakes the end of what it answers, but not by far */
            struct part swap = sent[count];
            sent[count] = sent[count - 1];
            sent[count - 1] = swap;
        }
        count += added;
    }
    for (size_t i = 0; i < count; i++) {
        send_part(s, &ear, first, &sent[i], SEGMENT_ACK);
        uint8_t again = cursor_u8(choice);
        if (again & 1) {
            send_part(s, &ear, first, &sent[(again >> 1) % (i + 1)], SEGMENT_ACK);
        }
    }
    must(ear.said[0].heard == ear.said[0].length && ear.said[1].heard == ear.said[1].length);
    must(streams_counters(s).conflicting == 0 && streams_counters(s).bytes_held_now == 0);
    struct part last[] = {{STREAM_CLIENT, TURNS, ear.said[0].length, ear.said[0].length},
                          {STREAM_SERVER, TURNS, ear.said[1].length, ear.said[1].length}};
    send_part(s, &ear, first, &last[1], SEGMENT_ACK);
    send_part(s, &ear, first, &last[0], SEGMENT_ACK | SEGMENT_FIN);
    send_part(s, &ear, first, &last[1], SEGMENT_ACK | SEGMENT_FIN);
    must(ear.gone && streams_counters(s).open_now == 0);
    streams_destroy(&s);
}

/* ---- anything ---- */

static bool any(void *context, const struct stream_ends *stream)
{
    (void)context;
    return stream->server_port == 25 || stream->origin.client_port == 25;
}

static void visit(void *context, const struct stream_position *position)
{
    (void)context, (void)position;
}

static void babble(struct cursor *choice, uint8_t mode)
{
    static const char bytes[1024];
    struct ear ear = {0};
    struct streams *s = streams_of(&ear, 4);
    moment time = SECOND;
    while (cursor_left(choice) >= 10) {
        uint8_t which = cursor_u8(choice), flags = cursor_u8(choice), step = cursor_u8(choice);
        bool client = which & 1;
        uint8_t guest[16] = {10, which >> 1 & 7};
        time += (moment)step * step * 10 * MILLISECOND;
        if ((which & 0xf0) == 0xf0) {
            streams_tick(s, time);
            continue;
        }
        struct segment segment = {.time = time,
                                  .family = mode & 2 ? 6 : 4,
                                  .source = client ? guest : (const uint8_t *)"\x02\x03zzzzzzzzzzzzzzz",
                                  .target = client ? (const uint8_t *)"\x02\x03zzzzzzzzzzzzzzz" : guest,
                                  .source_port = client ? 25 + (which >> 4 & 1) : 25,
                                  .target_port = client ? 25 : 25 + (which >> 4 & 1),
                                  .flags = flags & 31,
                                  .window = step,
                                  .time_to_live = step & 3,
                                  .overlapped = (step & 60) == 60,
                                  .direction = mode & 4 ? (client ? FRAME_FROM_GUEST : FRAME_TO_GUEST) : FRAME_UNKNOWN};
        segment.sequence = (uint32_t)(int16_t)cursor_u16(choice) << (flags >> 5 & 3) * 5;
        segment.acknowledged = (uint32_t)(int16_t)cursor_u16(choice);
        segment.payload = (struct text){bytes, cursor_u16(choice) % sizeof bytes};
        segment.missing = cursor_u8(choice);
        streams_add(s, &segment);
        struct stream_counters counters = streams_counters(s);
        must(counters.bytes_held_now <= 16384 && counters.open_now <= 4);
    }
    streams_visit(s, mode & 4, any, visit, NULL);
    if (mode & 8) {
        streams_finish(s, time);
        must(streams_counters(s).open_now == 0 && streams_counters(s).bytes_held_now == 0);
    }
    streams_destroy(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct cursor choice = cursor_of(bytes, length);
    uint8_t mode = cursor_u8(&choice);
    if (mode & 1) {
        talk(&choice);
    } else {
        babble(&choice, mode);
    }
    return 0;
}
