/* A TCP segment (RFC 9293) with the addresses of the packet that brought it. Borrowed for the length of the call. */
#ifndef AGENT_PACKET_SEGMENT_H
#define AGENT_PACKET_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>
#include "common/address.h"
#include "common/moment.h"
#include "common/text.h"

enum segment_flag {
    SEGMENT_FIN = 1,
    SEGMENT_SYN = 2,
    SEGMENT_RST = 4,
    SEGMENT_PSH = 8,
    SEGMENT_ACK = 16,
    SEGMENT_URG = 32
};

struct segment {
    moment time;
    uint8_t family;                 /* 4 or 6 */
    const uint8_t *source, *target; /* 4 or 16 bytes each, in the packet */
    uint16_t source_port, target_port;
    uint32_t sequence, acknowledged;
    uint16_t window;
    uint8_t flags;
    uint8_t time_to_live;
    uint8_t checksum;          /* enum frame_checksum */
    const uint8_t *header;     /* TCP's, options up to the payload where all of it was captured; NULL: not looked at */
    struct text payload;       /* what was captured of it */
    uint32_t missing;          /* payload bytes that the snap length cut off behind it */
    const uint8_t *source_mac; /* 6 bytes, or NULL */
    uint16_t vlan;
    uint32_t port;
    uint8_t direction; /* enum frame_direction */
    uint8_t odd;       /* enum origin_odd */
    bool overlapped;   /* came in fragments that did: many receivers refuse it */
};

#endif
