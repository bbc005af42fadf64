/* From a frame's first byte to its IP header: Ethernet with 802.1Q and 802.1ad tags, Linux cooked, loopback, raw IP. */
#ifndef AGENT_PACKET_LINK_H
#define AGENT_PACKET_LINK_H

#include <stdbool.h>
#include <stdint.h>
#include "agent/packet/frame.h"
#include "common/cursor.h"

struct link_layer {
    uint8_t source_mac[6]; /* zero where the link has none */
    uint8_t target_mac[6];
    uint16_t vlan;    /* number of the outermost tag, 0: none (also a priority tag) */
    uint8_t tags;     /* tags seen, the one that the kernel took off included */
    bool odd;         /* more than two tags, or several with one that says nothing */
    struct cursor ip; /* from the IP header to the end of what was captured */
    uint32_t missing; /* bytes of the frame that the snap length cut off */
};

/* False: not IPv4 or IPv6, or cut too short to say. At most eight tags are followed. */
bool link_decode(const struct frame *, struct link_layer *result);
bool link_type_is_known(uint16_t);

#endif
