/* Who wants to hide his commands sends others first, in segments that reach us and that the server never takes: they
 * have a wrong checksum, die on their way, or break a rule of TCP. So such data wait until the server acknowledges
 * them, or until a copy comes about which there is less doubt.
 *
 * Doubt costs an honest client nothing but the time until the acknowledgement, in which nothing of its dialogue could
 * happen anyway; so it may be wide. What it must not do is cost time where there is none: the content of mail, which is
 * nearly all of its bytes, is not summed up. */
#include "agent/packet/stream_doubt.h"

/* Up to here summing up costs less than asking whether it matters. */
#define SUMMED_ALWAYS 96
#define TCP_HEADER    20

enum { OPTION_END = 0, OPTION_NOTHING = 1, OPTION_SEGMENT_SIZE = 2, OPTION_SELECTIVE = 4, OPTION_STAMP = 8 };
enum { OPTION_SIGNATURE = 19, OPTION_AUTHENTICATION = 29 };

/* ---- checksums (RFC 1071) ---- */

/* Carries are collected above, and folded in once. In the machine's byte order, which the sum does not depend on. */
__extension__ typedef unsigned __int128 wide;

static inline uint64_t load_u64(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static inline uint32_t load_native(const uint8_t *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* At least 8 bytes: the last word reaches back into the one before, whose part is shifted out. */
static inline wide add_bytes(wide sum, const uint8_t *bytes, size_t length)
{
    const uint8_t *end = bytes + length;
    for (; length >= 32; bytes += 32, length -= 32) {
        sum += load_u64(bytes);
        sum += load_u64(bytes + 8);
        sum += load_u64(bytes + 16);
        sum += load_u64(bytes + 24);
    }
    for (; length >= 8; bytes += 8, length -= 8) {
        sum += load_u64(bytes);
    }
    if (length > 0) {
        uint64_t last = load_u64(end - 8);
        sum += __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? last >> (64 - 8 * length) : last << (64 - 8 * length);
    }
    return sum;
}

static inline uint64_t without_carries(wide sum)
{
    uint64_t low = (uint64_t)sum, high = (uint64_t)(sum >> 64);
    low += high;
    return low + (low < high);
}

/* Nothing but zeros sums up to zero; else a sum of 16-bit words that is all ones is a multiple of 65535. */
static inline bool is_all_ones(wide sum)
{
    return without_carries(sum) % 0xffff == 0;
}

/* A number of the pseudo header, as its bytes would be read. */
static inline uint32_t in_network_order(size_t number)
{
    uint32_t low = (uint32_t)number;
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap32(low) : low;
}

static inline bool ip_checksum_is_right(const struct segment *segment)
{
    enum { ADDRESSES_AT = 12, SHORTEST = 0x45 };
    if (segment->family != 4) {
        return true;
    }
    const uint8_t *ip = segment->source - ADDRESSES_AT;
    if (ip[0] == SHORTEST) {
        return is_all_ones((wide)load_u64(ip) + load_u64(ip + 8) + load_native(ip + 16));
    }
    return is_all_ones(add_bytes(0, ip, (size_t)(ip[0] & 15) * 4));
}

static inline size_t header_length(const struct segment *segment)
{
    return (size_t)((const uint8_t *)segment->payload.bytes - segment->header);
}

/* The addresses stand one behind the other. */
static inline wide add_addresses(const struct segment *segment)
{
    wide sum = load_u64(segment->source);
    if (segment->family != 4) {
        sum += (wide)load_u64(segment->source + 8) + load_u64(segment->source + 16) + load_u64(segment->source + 24);
    }
    return sum;
}

enum { PROTOCOL_TCP = 6 };

static inline bool tcp_checksum_is_written(const struct segment *segment)
{
    size_t length = header_length(segment) + segment->payload.length;
    wide sum = add_addresses(segment) + in_network_order(length) + in_network_order(PROTOCOL_TCP);
    return is_all_ones(add_bytes(sum, segment->header, length));
}

/* Not written yet: the sum of the addresses stands there, with the length, or without where the card will cut it up. */
static bool tcp_checksum_is_begun(const struct segment *segment)
{
    enum { FIELD = 16 };
    size_t length = header_length(segment) + segment->payload.length;
    uint64_t ends = without_carries(add_addresses(segment) + in_network_order(PROTOCOL_TCP)) % 0xffff;
    uint16_t field;
    memcpy(&field, segment->header + FIELD, 2);
    uint64_t begun = field % 0xffff;
    return begun == ends || begun == (ends + in_network_order(length)) % 0xffff;
}

bool stream_checksum_is_right(const struct segment *segment)
{
    if (!ip_checksum_is_right(segment)) {
        return false;
    }
    if (segment->checksum == FRAME_CHECKSUM_OPEN || segment->missing > 0 || tcp_checksum_is_written(segment)) {
        return true;
    }
    return segment->checksum == FRAME_CHECKSUM_UNKNOWN && tcp_checksum_is_begun(segment);
}

/* ---- the rules of TCP ---- */

static uint32_t load_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Options up to the first that is damaged, as receivers read them. `stamp`: NULL without one. */
static uint16_t read_options(const uint8_t *options, size_t length, const uint8_t **stamp)
{
    uint16_t doubt = 0;
    *stamp = NULL;
    for (size_t at = 0; at < length && options[at] != OPTION_END;) {
        if (options[at] == OPTION_NOTHING) {
            at++;
            continue;
        }
        size_t size = at + 1 < length ? options[at + 1] : 0;
        if (size < 2 || size > length - at) {
            break;
        }
        if (options[at] == OPTION_STAMP && size == 10) {
            *stamp = options + at + 2;
        } else if (options[at] == OPTION_SIGNATURE || options[at] == OPTION_AUTHENTICATION) {
            doubt = DOUBT_OPTION;
        }
        at += size;
    }
    return doubt;
}

/* `newest` is set where there is a time stamp that goes on from the one before. */
static uint16_t doubt_of_options(const struct side *own, const struct segment *segment, uint32_t *newest)
{
    static const uint8_t usual[] = {OPTION_NOTHING, OPTION_NOTHING, OPTION_STAMP, 10};
    const uint8_t *options = segment->header + TCP_HEADER, *stamp = NULL;
    size_t length = (size_t)((const uint8_t *)segment->payload.bytes - options);
    uint16_t doubt = 0;
    if (length == 12 && memcmp(options, usual, sizeof usual) == 0) {
        stamp = options + sizeof usual;
    } else if (length > 0) {
        doubt = read_options(options, length, &stamp);
    }
    if (!stamp) {
        return doubt | (own->flags & SIDE_STAMPED ? DOUBT_STAMP : 0);
    }
    uint32_t value = load_u32(stamp);
    if ((own->flags & SIDE_STAMPED) && sequence_distance(own->stamp, value) < 0) {
        return doubt | DOUBT_STAMP;
    }
    *newest = value;
    return doubt;
}

static uint16_t doubt_of_numbers(const struct stream *stream, const struct segment *segment)
{
    const struct side *server = &stream->sides[STREAM_SERVER];
    if (!(server->flags & SIDE_KNOWN)) {
        return 0;
    }
    if (sequence_distance(server->next, segment->acknowledged) > 0) {
        return DOUBT_BEYOND;
    }
    bool comparable = (server->flags & SIDE_ACKED) && !stream_is_missing(server);
    return comparable && sequence_distance(server->acked, segment->acknowledged) < 0 ? DOUBT_BEHIND : 0;
}

/* Content is not looked at for checksums where it is large: a wrong one there costs its digest, not the dialogue. */
static inline bool is_worth_summing(const struct streams *s, const struct stream *stream, const struct segment *segment)
{
    return segment->payload.length <= SUMMED_ALWAYS || !s->listener.careless ||
           !s->listener.careless((const void *)(stream + 1));
}

/* The usual: time stamps or no options at all, as the SYN said. */
static inline bool has_usual_options(struct side *own, const struct segment *segment)
{
    static const uint8_t usual[] = {OPTION_NOTHING, OPTION_NOTHING, OPTION_STAMP, 10};
    size_t options = header_length(segment) - TCP_HEADER;
    if (options == 0) {
        return !(own->flags & SIDE_STAMPED);
    }
    if (options != 12 || !(own->flags & SIDE_STAMPED) ||
        load_native(segment->header + TCP_HEADER) != load_native(usual)) {
        return false;
    }
    uint32_t stamp = load_u32(segment->header + TCP_HEADER + 4);
    if (sequence_distance(own->stamp, stamp) < 0) {
        return false;
    }
    own->stamp = stamp;
    return true;
}

bool stream_is_beyond_doubt(const struct streams *s, struct stream *stream, const struct segment *segment)
{
    struct side *own = &stream->sides[STREAM_CLIENT];
    const struct side *server = &stream->sides[STREAM_SERVER];
    if (segment->time_to_live < own->usual_ttl || server->flags & SIDE_SHUT || !segment->header ||
        segment->overlapped ||
        (server->flags & SIDE_ACKED && sequence_distance(server->acked, segment->acknowledged) < 0)) {
        return false;
    }
    if (is_worth_summing(s, stream, segment)) {
        if (!ip_checksum_is_right(segment) ||
            (segment->checksum != FRAME_CHECKSUM_OPEN && !tcp_checksum_is_written(segment))) {
            return false;
        }
        own->flags |= SIDE_SUMMED;
    }
    if (!has_usual_options(own, segment)) {
        return false;
    }
    own->usual_ttl = segment->time_to_live;
    return true;
}

uint16_t stream_doubt_of(const struct streams *s, struct stream *stream, const struct segment *segment)
{
    struct side *own = &stream->sides[STREAM_CLIENT];
    const struct side *server = &stream->sides[STREAM_SERVER];
    if (!(segment->flags & SEGMENT_ACK)) {
        return DOUBT_OPENING;
    }
    if (!(server->flags & SIDE_SEEN)) {
        return 0;
    }
    uint16_t doubt = doubt_of_numbers(stream, segment);
    doubt |= server->flags & SIDE_SHUT ? DOUBT_WINDOW : 0;
    doubt |= segment->time_to_live < own->usual_ttl ? DOUBT_TIME_TO_LIVE - segment->time_to_live : 0;
    doubt |= segment->overlapped ? DOUBT_FRAGMENTS : 0;
    uint32_t stamp = own->stamp;
    if (segment->header) {
        doubt |= doubt_of_options(own, segment, &stamp);
        if (is_worth_summing(s, stream, segment)) {
            bool right = stream_checksum_is_right(segment);
            own->flags |= right ? SIDE_SUMMED : 0;
            /* A FIN alone hides nothing; where no checksum is right it is believed like all else. */
            bool matters = segment->payload.length > 0 || own->flags & SIDE_SUMMED;
            doubt |= right || !matters ? 0 : DOUBT_CHECKSUM;
        }
    }
    if (doubt == 0) {
        own->stamp = stamp;
        own->usual_ttl = segment->time_to_live;
    }
    return doubt;
}

bool stream_doubt_of_reset(const struct stream *stream, const struct segment *segment)
{
    if (!(stream->sides[STREAM_SERVER].flags & SIDE_SEEN)) {
        return false;
    }
    return segment->time_to_live < stream->sides[STREAM_CLIENT].usual_ttl ||
           (segment->header && stream->sides[STREAM_CLIENT].flags & SIDE_SUMMED && !stream_checksum_is_right(segment));
}

/* Where the time stamps are among a SYN's options; NULL: nowhere. */
static const uint8_t *find_stamp(const struct segment *syn)
{
    static const uint8_t usual[] = {OPTION_SELECTIVE, 2, OPTION_STAMP, 10}; /* behind the segment size */
    const uint8_t *options = syn->header + TCP_HEADER, *found = NULL;
    size_t length = header_length(syn) - TCP_HEADER;
    if (length >= 16 && options[0] == OPTION_SEGMENT_SIZE && options[1] == 4 &&
        load_native(options + 4) == load_native(usual)) {
        return options + 8;
    }
    read_options(options, length, &found);
    return found;
}

void stream_doubt_begins(struct stream *stream, const struct segment *segment)
{
    struct side *own = &stream->sides[STREAM_CLIENT];
    own->usual_ttl = segment->time_to_live;
    own->flags &= (uint8_t)~SIDE_STAMPED;
    const uint8_t *stamp = segment->header ? find_stamp(segment) : NULL;
    own->stamp = stamp ? load_u32(stamp) : 0;
    own->flags |= stamp ? SIDE_STAMPED : 0;
}

void stream_doubt_answered(struct stream *stream, const struct segment *segment)
{
    if (segment->header && !find_stamp(segment)) {
        stream->sides[STREAM_CLIENT].flags &= (uint8_t)~SIDE_STAMPED;
    }
}

void stream_doubt_ends(struct stream *stream, uint16_t doubt)
{
    if (doubt & DOUBT_TIME_TO_LIVE) {
        stream->sides[STREAM_CLIENT].usual_ttl = (uint8_t)(DOUBT_TIME_TO_LIVE - (doubt & DOUBT_TIME_TO_LIVE));
    }
}
