/* From the IP header to the TCP payload. Lengths are believed as the receiver would believe them: an IP header that
 * claims more than the frame had on the wire is dropped there and malformed here, else text that nobody received could
 * be slipped in front of what was. */
#include "agent/packet/ip.h"

#include <string.h>
#include "common/words/observation.h"

enum { PROTOCOL_HOP_OPTIONS = 0, PROTOCOL_TCP = 6, PROTOCOL_ROUTING = 43, PROTOCOL_FRAGMENT = 44 };
enum { PROTOCOL_AUTHENTICATION = 51, PROTOCOL_NONE = 59, PROTOCOL_TARGET_OPTIONS = 60 };

enum {
    IPV4_HEADER = 20,
    IPV6_HEADER = 40,
    TCP_HEADER = 20,
    JUMBO_LEAST = 65536,
    /* More than a packet of 1500 bytes can hold, so that nobody hides behind the bound; a super-segment is not read
     * to its end for their sake either. */
    EXTENSIONS_MOST = 256,
};

/* A packet on its way through its headers. */
struct packet {
    const struct frame *frame;
    const struct link_layer *link;
    struct fragments *fragments;
    struct segment *result;
    struct cursor bytes; /* what was captured behind the headers read so far */
    uint32_t missing;    /* what the snap length cut off behind them */
    uint8_t family, time_to_live;
    const uint8_t *source, *target;
    bool was_fragment; /* a second fragment header is refused by receivers */
    bool overlapped;
    uint8_t odd; /* enum origin_odd */
};

static uint16_t load_u16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static uint32_t load_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* The segment behind the last IP header: `left` bytes of it are here, `missing` were cut off. */
static inline enum ip_outcome read_segment(const struct packet *packet, const uint8_t *tcp, size_t left, size_t missing,
                                           struct segment *result)
{
    if (left < TCP_HEADER)
        return IP_MALFORMED;
    size_t header = (size_t)(tcp[12] >> 4) * 4;
    if (header < TCP_HEADER || header > left + missing)
        return IP_MALFORMED;
    bool whole_header = header <= left;
    if (!whole_header) {
        missing -= header - left;
        header = left;
    }
    static const uint8_t no_mac[6];
    const struct frame *frame = packet->frame;
    const struct link_layer *link = packet->link;
    result->time = frame->time;
    result->family = packet->family;
    result->source = packet->source;
    result->target = packet->target;
    result->source_port = load_u16(tcp);
    result->target_port = load_u16(tcp + 2);
    result->sequence = load_u32(tcp + 4);
    result->acknowledged = load_u32(tcp + 8);
    result->window = load_u16(tcp + 14);
    result->flags = tcp[13] & (SEGMENT_FIN | SEGMENT_SYN | SEGMENT_RST | SEGMENT_PSH | SEGMENT_ACK | SEGMENT_URG);
    result->time_to_live = packet->time_to_live;
    result->checksum = frame->checksum;
    result->header = whole_header ? tcp : NULL;
    result->payload = (struct text){(const char *)tcp + header, left - header};
    result->missing = (uint32_t)missing;
    result->source_mac = memcmp(link->source_mac, no_mac, sizeof no_mac) == 0 ? NULL : link->source_mac;
    result->vlan = link->vlan;
    result->port = frame->port;
    result->direction = frame->direction;
    result->overlapped = packet->overlapped;
    result->odd = (uint8_t)(packet->odd | (link->odd ? ODD_TAGS : 0));
    return IP_SEGMENT;
}

static enum ip_outcome decode_tcp(const struct packet *packet)
{
    return read_segment(packet, packet->bytes.at, cursor_left(&packet->bytes), packet->missing, packet->result);
}

/* Keep at most `length` of what comes: padding goes, and what was cut off is counted. False: the header claims more
 * than was on the wire. */
static bool bound(struct packet *packet, size_t length)
{
    size_t left = cursor_left(&packet->bytes);
    if (length > left + packet->missing)
        return false;
    packet->missing = length > left ? (uint32_t)(length - left) : 0;
    packet->bytes = cursor_cut_most(&packet->bytes, length);
    return true;
}

static enum ip_outcome follow_headers(struct packet *packet, uint8_t next);

/* A fragment's bytes go to its datagram; the one that completes it is read on in there. */
static enum ip_outcome add_fragment(struct packet *packet, uint8_t protocol, uint32_t identification, uint16_t field,
                                    bool more)
{
    if (packet->missing != 0) {
        fragments_count_cut(packet->fragments);
        return IP_FRAGMENT;
    }
    struct fragment_key key = {.family = packet->family, .identification = identification, .port = packet->frame->port};
    if (packet->family == 4)
        key.protocol = protocol;
    size_t size = packet->family == 4 ? 4 : 16;
    memcpy(key.source, packet->source, size);
    memcpy(key.target, packet->target, size);
    struct fragment fragment = {
        .time = packet->frame->time,
        .offset = field,
        .more = more,
        .protocol = protocol,
        .bytes = cursor_rest(&packet->bytes),
    };
    struct text whole;
    uint8_t next;
    if (!fragments_add(packet->fragments, &key, &fragment, &whole, &next))
        return IP_FRAGMENT;
    packet->bytes = cursor_of(whole.bytes, whole.length);
    packet->was_fragment = true;
    packet->overlapped = fragments_overlapped(packet->fragments);
    if (packet->overlapped || fragments_tiny(packet->fragments))
        packet->odd |= ODD_FRAGMENTS;
    return follow_headers(packet, next);
}

static enum ip_outcome decode_fragment_header(struct packet *packet, uint8_t *next, bool *kept)
{
    const uint8_t *header = cursor_bytes(&packet->bytes, 8);
    if (!header || packet->was_fragment)
        return IP_MALFORMED;
    uint16_t field = load_u16(header + 2);
    *next = header[0];
    packet->was_fragment = true;
    /* An atomic fragment is the whole datagram (RFC 6946). */
    *kept = (field & 0xfff9) != 0;
    if (!*kept)
        packet->odd |= ODD_OPTIONS;
    return *kept ? add_fragment(packet, *next, load_u32(header + 4), field & 0xfff8, field & 1) : IP_SEGMENT;
}

/* Extension headers of IPv6, and the authentication header of both, until TCP or something else. */
static enum ip_outcome follow_headers(struct packet *packet, uint8_t next)
{
    for (unsigned count = 0; count < EXTENSIONS_MOST; count++) {
        const uint8_t *header;
        size_t length;
        bool kept;
        enum ip_outcome outcome;

        if (next == PROTOCOL_TCP)
            return decode_tcp(packet);
        if (next != PROTOCOL_AUTHENTICATION && packet->family == 4)
            return IP_OTHER;
        switch (next) {
        case PROTOCOL_FRAGMENT:
            outcome = decode_fragment_header(packet, &next, &kept);
            if (outcome == IP_MALFORMED || kept)
                return outcome;
            continue;
        case PROTOCOL_HOP_OPTIONS: /* read by decode_ipv6 at the one place where receivers take it */
            return IP_MALFORMED;
        case PROTOCOL_ROUTING:
        case PROTOCOL_TARGET_OPTIONS:
        case PROTOCOL_AUTHENTICATION:
            header = cursor_bytes(&packet->bytes, 8);
            if (!header)
                return IP_MALFORMED;
            if (next != PROTOCOL_AUTHENTICATION)
                packet->odd |= ODD_OPTIONS;
            length = next == PROTOCOL_AUTHENTICATION ? (header[1] + 2u) * 4 : (header[1] + 1u) * 8;
            if (length < 8 || !cursor_skip(&packet->bytes, length - 8))
                return IP_MALFORMED;
            next = header[0];
            continue;
        default:
            return IP_OTHER;
        }
    }
    return IP_MALFORMED;
}

static enum ip_outcome decode_ipv4(struct packet *packet)
{
    const uint8_t *header = cursor_bytes(&packet->bytes, IPV4_HEADER);
    if (!header)
        return IP_MALFORMED;
    size_t options = (size_t)(header[0] & 15) * 4;
    if (options < IPV4_HEADER)
        return IP_MALFORMED;
    options -= IPV4_HEADER;
    size_t length = load_u16(header + 2);
    if (length == 0) /* a super-segment before the card cuts it up */
        length = IPV4_HEADER + cursor_left(&packet->bytes) + packet->missing;
    if (length < IPV4_HEADER + options || !bound(packet, length - IPV4_HEADER))
        return IP_MALFORMED;
    uint8_t protocol = header[9];
    if (protocol != PROTOCOL_TCP && protocol != PROTOCOL_AUTHENTICATION)
        return IP_OTHER;
    if (options != 0 && !cursor_skip(&packet->bytes, options))
        return IP_MALFORMED;
    if (options != 0)
        packet->odd |= ODD_OPTIONS;
    packet->time_to_live = header[8];
    packet->source = header + 12;
    packet->target = header + 16;
    uint16_t field = load_u16(header + 6);
    if ((field & 0x3fff) != 0)
        return add_fragment(packet, protocol, load_u16(header + 4), (uint16_t)(field << 3), field & 0x2000);
    return protocol == PROTOCOL_TCP ? decode_tcp(packet) : follow_headers(packet, protocol);
}

/* Hop-by-hop options; *jumbo is the length that a jumbogram's option gives (RFC 2675), else unchanged. */
static bool decode_hop_options(struct packet *packet, uint8_t *next, uint32_t *jumbo)
{
    const uint8_t *header = cursor_bytes(&packet->bytes, 8);
    if (!header)
        return false;
    struct cursor options = cursor_of(header + 2, 6);
    size_t more = header[1] * 8u;
    if (more != 0) {
        if (!cursor_skip(&packet->bytes, more))
            return false;
        options = cursor_of(header + 2, 6 + more);
    }
    while (cursor_left(&options) > 0) {
        uint8_t type = cursor_u8(&options);
        if (type == 0)
            continue;
        struct cursor value = cursor_cut(&options, cursor_u8(&options));
        if (cursor_failed(&options))
            return false;
        if (type == 0xc2)
            *jumbo = cursor_u32(&value);
    }
    *next = header[0];
    return true;
}

static enum ip_outcome decode_ipv6(struct packet *packet)
{
    const uint8_t *header = cursor_bytes(&packet->bytes, IPV6_HEADER);
    if (!header)
        return IP_MALFORMED;
    uint8_t next = header[6];
    size_t length = load_u16(header + 4);
    size_t on_the_wire = cursor_left(&packet->bytes) + packet->missing;
    bool to_the_end = length == 0 && next != PROTOCOL_NONE;
    if (!bound(packet, to_the_end ? on_the_wire : length))
        return IP_MALFORMED;
    packet->time_to_live = header[7];
    packet->source = header + 8;
    packet->target = header + 24;
    if (next == PROTOCOL_TCP)
        return decode_tcp(packet);
    if (next == PROTOCOL_HOP_OPTIONS) {
        uint32_t jumbo = 0;
        size_t before = cursor_left(&packet->bytes);
        if (!decode_hop_options(packet, &next, &jumbo))
            return IP_MALFORMED;
        size_t options = before - cursor_left(&packet->bytes);
        if (jumbo == 0) /* large super-segments have one inside the machine */
            packet->odd |= ODD_OPTIONS;
        if (jumbo != 0 && (length != 0 || jumbo < JUMBO_LEAST || !bound(packet, jumbo - options)))
            return IP_MALFORMED;
    }
    return follow_headers(packet, next);
}

/* IPv4 without options or fragments, IPv6 without extensions, TCP behind, nothing cut off: all but a few packets.
 * False: not such a packet; the full readers say what it is. (The packet stays in registers: copying it through memory
 * took longer than reading it.) */
static inline bool decode_usual(const struct frame *frame, const struct link_layer *link, struct segment *result,
                                enum ip_outcome *outcome)
{
    const uint8_t *ip = link->ip.at;
    size_t left = cursor_left(&link->ip), header, length;
    struct packet packet = {.frame = frame, .link = link};

    if (left < IPV6_HEADER || link->missing != 0)
        return false;
    if (ip[0] == 0x45 && ip[9] == PROTOCOL_TCP && (load_u16(ip + 6) & 0x3fff) == 0) {
        header = IPV4_HEADER;
        length = load_u16(ip + 2);
        packet.family = 4;
        packet.time_to_live = ip[8];
        packet.source = ip + 12;
        packet.target = ip + 16;
    } else if (ip[0] >> 4 == 6 && ip[6] == PROTOCOL_TCP) {
        header = IPV6_HEADER;
        length = header + load_u16(ip + 4);
        packet.family = 6;
        packet.time_to_live = ip[7];
        packet.source = ip + 8;
        packet.target = ip + 24;
    } else {
        return false;
    }
    if (length <= header || length > left)
        return false;
    *outcome = read_segment(&packet, ip + header, length - header, 0, result);
    return true;
}

enum ip_outcome ip_decode(const struct frame *frame, const struct link_layer *link, struct fragments *fragments,
                          struct segment *result)
{
    enum ip_outcome outcome;
    if (decode_usual(frame, link, result, &outcome))
        return outcome;
    struct packet packet = {
        .frame = frame,
        .link = link,
        .fragments = fragments,
        .result = result,
        .bytes = link->ip,
        .missing = link->missing,
    };
    if (cursor_left(&packet.bytes) == 0)
        return IP_MALFORMED;
    switch (packet.bytes.at[0] >> 4) {
    case 4:
        packet.family = 4;
        return decode_ipv4(&packet);
    case 6:
        packet.family = 6;
        return decode_ipv6(&packet);
    default:
        return IP_MALFORMED;
    }
}
