/* Reading captures. Each record is looked at where it stands; nothing is copied, so reading a file costs little more
 * than its bytes. What a file claims of itself (lengths, interfaces, resolutions) is checked before it is used. */
#include "agent/packet/capture_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "agent/packet/link.h"
#include "common/cursor.h"

__extension__ typedef unsigned __int128 wide;

#define FRAME_MOST  (UINT32_C(1024) * 1024)                  /* larger than any super-segment: not a frame */
#define RECORD_MOST (FRAME_MOST + UINT32_C(64) * 1024)       /* with its options; the most that we ask to be kept */
#define BLOCK_MOST  (UINT32_C(1024) * UINT32_C(1024 * 1024)) /* no writer makes larger blocks: damage */

enum { INTERFACES_MOST = 65536 };

enum {
    PCAP_HEADER = 24,
    PCAP_RECORD = 16,
    PCAP_RECORD_MODIFIED = 24, /* with interface, protocol and packet type behind */
    BLOCK_FRAMING = 12,        /* type, length in front, length behind */
    SECTION_LEAST = 28,
};

enum { MAGIC_MICRO = 0xa1b2c3d4, MAGIC_NANO = 0xa1b23c4d, MAGIC_MODIFIED = 0xa1b2cd34, MAGIC_ORDER = 0x1a2b3c4d };

enum block_type {
    BLOCK_INTERFACE = 1,
    BLOCK_PACKET_OLD = 2,
    BLOCK_PACKET_SIMPLE = 3,
    BLOCK_PACKET = 6,
    BLOCK_SECTION = 0x0a0d0d0a,
};

enum format { FORMAT_UNKNOWN, FORMAT_PCAP, FORMAT_PCAPNG, FORMAT_ENDED };

struct interface {
    uint64_t multiply; /* time stamp units to nanoseconds, where that is a whole number; else 0 */
    duration offset;
    uint32_t snap_length;
    uint16_t link;
    uint8_t resolution; /* as in the file: 10^-n, or 2^-n with the highest bit */
    bool known;
};

struct capture_file {
    char *name;
    uint64_t position;
    uint64_t skip; /* bytes of an oversize record still to be passed over */
    uint64_t passed;
    enum format format;
    bool swapped; /* the file's byte order is not ours */
    uint16_t passed_link;
    bool passed_link_seen;
    moment time; /* of the last frame: a simple packet block has none of its own */

    bool lengths_may_be_exchanged; /* pcap before 2.4 */
    uint32_t record_header, snap_length;
    duration unit;
    uint16_t link;
    bool link_known;

    struct interface *interfaces;
    size_t interface_count, interface_room;
};

static uint32_t load_native(const uint8_t *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static uint32_t load_u32(const struct capture_file *file, const uint8_t *bytes)
{
    uint32_t value = load_native(bytes);
    return file->swapped ? __builtin_bswap32(value) : value;
}

static uint16_t load_u16(const struct capture_file *file, const uint8_t *bytes)
{
    uint16_t value;
    memcpy(&value, bytes, sizeof value);
    return file->swapped ? __builtin_bswap16(value) : value;
}

static bool magic_is(uint32_t magic, uint32_t wanted)
{
    return magic == wanted || magic == __builtin_bswap32(wanted);
}

bool capture_file_is(struct text first_bytes)
{
    if (first_bytes.length < 4)
        return false;
    uint32_t magic = load_native((const uint8_t *)first_bytes.bytes);
    return magic_is(magic, MAGIC_MICRO) || magic_is(magic, MAGIC_NANO) || magic_is(magic, MAGIC_MODIFIED) ||
           magic == BLOCK_SECTION; /* reads the same in both orders */
}

struct capture_file *capture_file_create(const char *name)
{
    CLEANUP(capture_file_destroy) struct capture_file *file = calloc(1, sizeof *file);
    if (!file)
        return NULL;
    file->name = strdup(name);
    return file->name ? TAKE(file) : NULL;
}

void capture_file_destroy(struct capture_file **file)
{
    if (!*file)
        return;
    free((*file)->interfaces);
    free((*file)->name);
    free(*file);
    *file = NULL;
}

uint64_t capture_file_position(const struct capture_file *file)
{
    return file->position;
}

uint64_t capture_file_passed(const struct capture_file *file)
{
    return file->passed;
}

/* What one call works on. */
struct reading {
    struct cursor bytes;
    bool last;
    struct error *error;
};

static enum capture_outcome damaged(struct capture_file *file, struct reading *reading, const char *what)
{
    file->format = FORMAT_ENDED;
    error_set(reading->error, EBADMSG, "%s: byte %" PRIu64 ": %s", file->name, file->position, what);
    return CAPTURE_END;
}

static enum capture_outcome ended(struct capture_file *file, struct reading *reading)
{
    file->format = FORMAT_ENDED;
    if (file->passed_link_seen)
        error_set(reading->error, EPROTONOSUPPORT,
                  "%s: %" PRIu64
                  " frames passed over: link type %u is none of Ethernet, raw IP, Linux cooked, loopback",
                  file->name, file->passed, file->passed_link);
    return CAPTURE_END;
}

/* The bytes end inside a record. */
static enum capture_outcome want_more(struct capture_file *file, struct reading *reading)
{
    if (!reading->last)
        return CAPTURE_MORE;
    if (cursor_left(&reading->bytes) == 0 && file->skip == 0)
        return ended(file, reading);
    return damaged(file, reading, "the file ends inside a record");
}

static void consume(struct capture_file *file, struct reading *reading, size_t length)
{
    cursor_skip(&reading->bytes, length);
    file->position += length;
}

/* Pass `length` bytes over, as many now as there are. */
static void pass_over(struct capture_file *file, struct reading *reading, uint64_t length)
{
    size_t left = cursor_left(&reading->bytes);
    size_t now = length < left ? (size_t)length : left;
    consume(file, reading, now);
    file->skip = length - now;
}

static void pass_frame(struct capture_file *file, bool link_known, uint16_t link)
{
    file->passed++;
    if (!link_known && !file->passed_link_seen) {
        file->passed_link_seen = true;
        file->passed_link = link;
    }
}

static bool read_pcap_header(struct capture_file *file, struct reading *reading)
{
    const uint8_t *header = reading->bytes.at;
    if (cursor_left(&reading->bytes) < PCAP_HEADER)
        return false;
    uint32_t magic = load_native(header);
    file->swapped = magic != MAGIC_MICRO && magic != MAGIC_NANO && magic != MAGIC_MODIFIED;
    magic = load_u32(file, header);
    file->unit = magic == MAGIC_NANO ? 1 : MICROSECOND;
    file->record_header = magic == MAGIC_MODIFIED ? PCAP_RECORD_MODIFIED : PCAP_RECORD;
    file->lengths_may_be_exchanged = load_u16(file, header + 4) == 2 && load_u16(file, header + 6) < 4;
    file->snap_length = load_u32(file, header + 16);
    /* The upper half says how long a checksum stands behind each frame; IP's own lengths cut that off. */
    file->link = (uint16_t)load_u32(file, header + 20);
    file->link_known = link_type_is_known(file->link);
    file->format = FORMAT_PCAP;
    consume(file, reading, PCAP_HEADER);
    return true;
}

static void fill_frame(struct frame *frame, moment time, const uint8_t *bytes, uint32_t captured, uint32_t length,
                       uint16_t link)
{
    *frame = (struct frame){
        .time = time,
        .bytes = bytes,
        .captured = captured,
        .length = length > captured ? length : captured,
        .link = link,
    };
}

static enum capture_outcome next_in_pcap(struct capture_file *file, struct reading *reading, struct frame *frame)
{
    for (;;) {
        size_t left = cursor_left(&reading->bytes);
        if (left < file->record_header)
            return want_more(file, reading);
        const uint8_t *record = reading->bytes.at;
        uint32_t captured = load_u32(file, record + 8);
        uint32_t length = load_u32(file, record + 12);
        if (captured > length && file->lengths_may_be_exchanged) {
            uint32_t exchanged = captured;
            captured = length;
            length = exchanged;
        }
        if (captured > FRAME_MOST) {
            if (captured > file->snap_length || captured > BLOCK_MOST)
                return damaged(file, reading, "a frame's length is larger than any frame");
            pass_frame(file, true, 0);
            pass_over(file, reading, (uint64_t)captured + file->record_header);
            if (file->skip != 0)
                return want_more(file, reading);
            continue;
        }
        if (left - file->record_header < captured)
            return want_more(file, reading);
        consume(file, reading, file->record_header + captured);
        /* The next record is told by this one alone: no processor guesses where it is, so it is fetched meanwhile. */
        __builtin_prefetch(reading->bytes.at);
        __builtin_prefetch(reading->bytes.at + 64);
        if (!file->link_known) {
            pass_frame(file, false, file->link);
            continue;
        }
        moment time = load_u32(file, record) * SECOND + load_u32(file, record + 4) * file->unit;
        fill_frame(frame, time, record + file->record_header, captured, length, file->link);
        return CAPTURE_FRAME;
    }
}

static moment saturate(wide nanoseconds, duration offset)
{
    moment sum, time = nanoseconds > INT64_MAX ? INT64_MAX : (moment)nanoseconds;
    if (__builtin_add_overflow(time, offset, &sum))
        return offset < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}

static moment block_time(const struct interface *interface, uint32_t high, uint32_t low)
{
    uint64_t units = (uint64_t)high << 32 | low;
    if (interface->multiply)
        return saturate((wide)units * interface->multiply, interface->offset);
    unsigned power = interface->resolution & 0x7f;
    if (interface->resolution & 0x80)
        return saturate(((wide)units * SECOND) >> power, interface->offset);
    for (; power > 9 && units != 0; power--)
        units /= 10;
    return saturate(units, interface->offset);
}

static void set_resolution(struct interface *interface, uint8_t resolution)
{
    interface->resolution = resolution;
    interface->multiply = 0;
    if (resolution > 9)
        return;
    interface->multiply = 1;
    for (unsigned power = resolution; power < 9; power++)
        interface->multiply *= 10;
}

static void set_offset(struct interface *interface, int64_t seconds)
{
    if (__builtin_mul_overflow(seconds, SECOND, &interface->offset))
        interface->offset = seconds < 0 ? INT64_MIN : INT64_MAX;
}

static void read_interface_options(const struct capture_file *file, struct interface *interface, struct cursor options)
{
    enum { OPTION_END = 0, OPTION_RESOLUTION = 9, OPTION_OFFSET = 14 };
    const uint8_t *header;

    while ((header = cursor_bytes(&options, 4))) {
        uint16_t code = load_u16(file, header), length = load_u16(file, header + 2);
        const uint8_t *value = cursor_bytes(&options, length);
        if (!value || code == OPTION_END)
            return;
        if (code == OPTION_RESOLUTION && length >= 1)
            set_resolution(interface, value[0]);
        if (code == OPTION_OFFSET && length >= 8) {
            uint32_t first = load_u32(file, value), second = load_u32(file, value + 4);
            bool little = file->swapped == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
            uint64_t seconds = little ? (uint64_t)second << 32 | first : (uint64_t)first << 32 | second;
            set_offset(interface, (int64_t)seconds);
        }
        cursor_skip(&options, -(size_t)length & 3);
    }
}

/* False: no memory, or more interfaces than we keep. */
static bool add_interface(struct capture_file *file, const struct interface *interface)
{
    if (file->interface_count == file->interface_room) {
        size_t room = file->interface_room ? file->interface_room * 2 : 8;
        if (room > INTERFACES_MOST)
            return false;
        struct interface *interfaces = realloc(file->interfaces, room * sizeof *interfaces);
        if (!interfaces)
            return false;
        file->interfaces = interfaces;
        file->interface_room = room;
    }
    file->interfaces[file->interface_count++] = *interface;
    return true;
}

static const char *read_interface(struct capture_file *file, struct cursor body)
{
    const uint8_t *fixed = cursor_bytes(&body, 8);
    if (!fixed)
        return "an interface block is too short";
    struct interface interface = {.link = load_u16(file, fixed), .snap_length = load_u32(file, fixed + 4)};
    interface.known = link_type_is_known(interface.link);
    set_resolution(&interface, 6);
    read_interface_options(file, &interface, body);
    return add_interface(file, &interface) ? NULL : "too many interfaces";
}

/* A packet block of any of the three kinds. *found: it gave a frame, else it was passed over. */
static const char *read_packet(struct capture_file *file, uint32_t type, struct cursor body, struct frame *frame,
                               bool *found)
{
    size_t fixed_length = type == BLOCK_PACKET_SIMPLE ? 4 : 20;
    const uint8_t *fixed = cursor_bytes(&body, fixed_length);
    *found = false;
    if (!fixed)
        return "a packet block is too short";
    uint32_t number = type == BLOCK_PACKET       ? load_u32(file, fixed)
                      : type == BLOCK_PACKET_OLD ? load_u16(file, fixed)
                                                 : 0;
    if (number >= file->interface_count)
        return "a packet block names an interface that was not described";
    const struct interface *interface = &file->interfaces[number];
    uint32_t captured, length;
    if (type == BLOCK_PACKET_SIMPLE) {
        captured = length = load_u32(file, fixed);
        if (interface->snap_length != 0 && captured > interface->snap_length)
            captured = interface->snap_length;
    } else {
        captured = load_u32(file, fixed + 12);
        length = load_u32(file, fixed + 16);
        file->time = block_time(interface, load_u32(file, fixed + 4), load_u32(file, fixed + 8));
    }
    const uint8_t *bytes = cursor_bytes(&body, captured);
    if (!bytes)
        return "a packet block is shorter than its frame";
    if (!interface->known) {
        pass_frame(file, false, interface->link);
        return NULL;
    }
    fill_frame(frame, file->time, bytes, captured, length, interface->link);
    *found = true;
    return NULL;
}

/* A section brings its own byte order and interfaces. False with *problem NULL: more bytes are needed to say. */
static bool begin_section(struct capture_file *file, struct reading *reading, const char **problem)
{
    *problem = NULL;
    if (cursor_left(&reading->bytes) < 16)
        return false;
    const uint8_t *block = reading->bytes.at;
    uint32_t order = load_native(block + 8);
    if (!magic_is(order, MAGIC_ORDER)) {
        *problem = "a section without a byte order";
        return false;
    }
    file->swapped = order != MAGIC_ORDER;
    file->format = FORMAT_PCAPNG;
    file->interface_count = 0;
    if (load_u32(file, block + 4) < SECTION_LEAST || load_u16(file, block + 12) != 1) {
        *problem = "a section of an unknown version";
        return false;
    }
    return true;
}

static bool block_is_packet(uint32_t type)
{
    return type == BLOCK_PACKET || type == BLOCK_PACKET_SIMPLE || type == BLOCK_PACKET_OLD;
}

static enum capture_outcome next_in_pcapng(struct capture_file *file, struct reading *reading, struct frame *frame)
{
    for (;;) {
        const char *problem = NULL;
        size_t left = cursor_left(&reading->bytes);
        if (left < BLOCK_FRAMING)
            return want_more(file, reading);
        const uint8_t *block = reading->bytes.at;
        uint32_t type = load_u32(file, block);
        if (type == BLOCK_SECTION && !begin_section(file, reading, &problem))
            return problem ? damaged(file, reading, problem) : want_more(file, reading);
        uint32_t length = load_u32(file, block + 4);
        if (length < BLOCK_FRAMING || length % 4 != 0 || length > BLOCK_MOST)
            return damaged(file, reading, "a block has an impossible length");

        bool wanted = block_is_packet(type) || type == BLOCK_INTERFACE;
        if (!wanted || length > RECORD_MOST) {
            if (block_is_packet(type))
                pass_frame(file, true, 0);
            pass_over(file, reading, length);
            if (file->skip != 0)
                return want_more(file, reading);
            continue;
        }
        if (left < length)
            return want_more(file, reading);
        if (load_u32(file, block + length - 4) != length)
            return damaged(file, reading, "a block's two lengths differ");
        struct cursor body = cursor_of(block + 8, length - BLOCK_FRAMING);
        bool found = false;
        problem = type == BLOCK_INTERFACE ? read_interface(file, body) : read_packet(file, type, body, frame, &found);
        if (problem)
            return damaged(file, reading, problem);
        consume(file, reading, length);
        if (found)
            return CAPTURE_FRAME;
    }
}

static enum capture_outcome next_in_unknown(struct capture_file *file, struct reading *reading, struct frame *frame)
{
    struct text first = cursor_rest(&reading->bytes);
    if (first.length < 4)
        return want_more(file, reading);
    if (!capture_file_is(first))
        return damaged(file, reading, "neither pcap nor pcapng");
    if (load_native((const uint8_t *)first.bytes) == BLOCK_SECTION)
        return next_in_pcapng(file, reading, frame);
    return read_pcap_header(file, reading) ? next_in_pcap(file, reading, frame) : want_more(file, reading);
}

static enum capture_outcome next_in_any(struct capture_file *file, struct reading *reading, struct frame *frame)
{
    if (file->skip != 0) {
        pass_over(file, reading, file->skip);
        if (file->skip != 0)
            return want_more(file, reading);
    }
    switch (file->format) {
    case FORMAT_PCAP:
        return next_in_pcap(file, reading, frame);
    case FORMAT_PCAPNG:
        return next_in_pcapng(file, reading, frame);
    case FORMAT_ENDED:
        return CAPTURE_END;
    case FORMAT_UNKNOWN:
        break;
    }
    return next_in_unknown(file, reading, frame);
}

enum capture_outcome capture_file_next(struct capture_file *file, struct text bytes, bool last, size_t *consumed,
                                       struct frame *frame, struct error *error)
{
    struct reading reading = {cursor_of(bytes.bytes, bytes.length), last, error};
    uint64_t before = file->position;
    enum capture_outcome outcome = next_in_any(file, &reading, frame);
    *consumed += (size_t)(file->position - before);
    return outcome;
}
