/* A frame as it came from a capture: bytes, time and where it was seen. Borrowed for the length of the call. */
#ifndef AGENT_PACKET_FRAME_H
#define AGENT_PACKET_FRAME_H

#include <stdint.h>
#include "common/moment.h"

/* Link types as in pcap files (the LINKTYPE_ registry). */
enum link_type {
    LINK_NULL = 0, /* BSD loopback: 4 bytes of address family, in either byte order */
    LINK_ETHERNET = 1,
    LINK_RAW_BSD12 = 12, /* raw IP, as some systems number it */
    LINK_RAW_BSD14 = 14,
    LINK_RAW = 101,       /* IPv4 or IPv6 at once */
    LINK_LOOP = 108,      /* OpenBSD loopback: family in network order */
    LINK_LINUX_SLL = 113, /* Linux cooked */
    LINK_IPV4 = 228,
    LINK_IPV6 = 229,
    LINK_LINUX_SLL2 = 276
};

/* How it passed the capture position: on a guest's port, FRAME_FROM_GUEST is what the guest sent. */
enum frame_direction { FRAME_UNKNOWN, FRAME_FROM_GUEST, FRAME_TO_GUEST };

/* What is known of the TCP checksum. Before a card fills it in, the field holds the sum of the addresses alone: a file
 * does not tell whether a card will, the kernel does. */
enum frame_checksum { FRAME_CHECKSUM_UNKNOWN, FRAME_CHECKSUM_OPEN, FRAME_CHECKSUM_WRITTEN };

struct frame {
    moment time;
    const uint8_t *bytes;
    uint32_t captured; /* bytes that are here */
    uint32_t length;   /* bytes that were on the wire, at least `captured` */
    uint32_t port;     /* capture position's number, 0 in replay */
    uint16_t link;     /* enum link_type */
    uint16_t vlan;     /* a tag that the kernel took off before we saw the frame, else 0 */
    uint8_t direction; /* enum frame_direction */
    uint8_t checksum;  /* enum frame_checksum */
};

#endif
