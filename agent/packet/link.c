/* What a frame says before its IP header. Every capture position and every file ends here first, so the usual case,
 * Ethernet without a tag, is one check of length and two loads. */
#include "agent/packet/link.h"

#include <string.h>

enum { ETHER_IPV4 = 0x0800, ETHER_IPV6 = 0x86dd };

/* A sender that stacks tags is followed as far as its gateway may strip them; beyond, no gateway answered. */
enum { TAGS_MOST = 8 };

enum { ETHERNET_HEADER = 14, COOKED_HEADER = 16, COOKED2_HEADER = 20 };

static uint16_t load_u16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static bool ether_type_is_tag(uint16_t type)
{
    return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

/* Pass the tags in front of the IP header over. The number of the outermost stays, wherever the kernel put it. */
static bool pass_tags(struct link_layer *link, uint16_t *type)
{
    bool empty = false;
    while (ether_type_is_tag(*type)) {
        const uint8_t *tag = cursor_bytes(&link->ip, 4);
        if (!tag || link->tags == TAGS_MOST)
            return false;
        if (link->tags++ == 0)
            link->vlan = load_u16(tag) & 0x0fff;
        empty |= (load_u16(tag) & 0x0fff) == 0;
        *type = load_u16(tag + 2);
    }
    link->odd = link->tags > 2 || (link->tags == 2 && empty);
    return true;
}

/* The receiver believes the type field and drops a header of another version; so do we. */
static bool version_is(const struct link_layer *link, uint8_t version)
{
    return cursor_left(&link->ip) > 0 && link->ip.at[0] >> 4 == version;
}

static bool decode_ether_type(struct link_layer *link, uint16_t type)
{
    if (type != ETHER_IPV4 && type != ETHER_IPV6 && !pass_tags(link, &type))
        return false;
    return (type == ETHER_IPV4 && version_is(link, 4)) || (type == ETHER_IPV6 && version_is(link, 6));
}

static bool decode_ethernet(struct link_layer *link)
{
    const uint8_t *header = cursor_bytes(&link->ip, ETHERNET_HEADER);
    if (!header)
        return false;
    memcpy(link->target_mac, header, 6);
    memcpy(link->source_mac, header + 6, 6);
    return decode_ether_type(link, load_u16(header + 12));
}

/* Cooked headers know the sender's address only, and only when its length says that it is a MAC address. */
static bool decode_cooked(struct link_layer *link)
{
    const uint8_t *header = cursor_bytes(&link->ip, COOKED_HEADER);
    if (!header)
        return false;
    if (load_u16(header + 4) == 6)
        memcpy(link->source_mac, header + 6, 6);
    return decode_ether_type(link, load_u16(header + 14));
}

static bool decode_cooked2(struct link_layer *link)
{
    const uint8_t *header = cursor_bytes(&link->ip, COOKED2_HEADER);
    if (!header)
        return false;
    if (header[11] == 6)
        memcpy(link->source_mac, header + 12, 6);
    return decode_ether_type(link, load_u16(header));
}

/* The number of IPv6's address family depends on the system that captured, and its byte order on the machine. */
static bool decode_loopback(struct link_layer *link)
{
    const uint8_t *header = cursor_bytes(&link->ip, 4);
    if (!header)
        return false;
    uint8_t family = header[0] ? header[0] : header[3];
    if ((header[0] && header[3]) || header[1] || header[2])
        return false;
    switch (family) {
    case 2:
        return version_is(link, 4);
    case 10: /* Linux */
    case 23: /* Windows */
    case 24: /* NetBSD, OpenBSD */
    case 28: /* FreeBSD */
    case 30: /* Darwin */
        return version_is(link, 6);
    default:
        return false;
    }
}

bool link_decode(const struct frame *frame, struct link_layer *result)
{
    *result = (struct link_layer){
        .vlan = frame->vlan & 0x0fff,
        .tags = frame->vlan != 0,
        .ip = cursor_of(frame->bytes, frame->captured),
        .missing = frame->length > frame->captured ? frame->length - frame->captured : 0,
    };
    switch (frame->link) {
    case LINK_ETHERNET:
        return decode_ethernet(result);
    case LINK_LINUX_SLL:
        return decode_cooked(result);
    case LINK_LINUX_SLL2:
        return decode_cooked2(result);
    case LINK_NULL:
    case LINK_LOOP:
        return decode_loopback(result);
    case LINK_RAW:
    case LINK_RAW_BSD12:
    case LINK_RAW_BSD14:
        return version_is(result, 4) || version_is(result, 6);
    case LINK_IPV4:
        return version_is(result, 4);
    case LINK_IPV6:
        return version_is(result, 6);
    default:
        return false;
    }
}

bool link_type_is_known(uint16_t type)
{
    switch (type) {
    case LINK_NULL:
    case LINK_ETHERNET:
    case LINK_RAW_BSD12:
    case LINK_RAW_BSD14:
    case LINK_RAW:
    case LINK_LOOP:
    case LINK_LINUX_SLL:
    case LINK_IPV4:
    case LINK_IPV6:
    case LINK_LINUX_SLL2:
        return true;
    default:
        return false;
    }
}
