/* IPv4 (RFC 791) with options, IPv6 (RFC 8200) with extension headers, and the TCP header behind them. Checksums are
 * not looked at: with offloading they are unfinished in most captures on the sending side. */
#ifndef AGENT_PACKET_IP_H
#define AGENT_PACKET_IP_H

#include "agent/packet/fragment.h"
#include "agent/packet/link.h"
#include "agent/packet/segment.h"

enum ip_outcome {
    IP_SEGMENT,   /* *result is a TCP segment */
    IP_FRAGMENT,  /* kept until its datagram is whole */
    IP_OTHER,     /* another protocol */
    IP_MALFORMED, /* counted and left */
    IP_OUTCOMES
};

/* `fragments` may complete a datagram; *result then borrows from it until the next call. */
enum ip_outcome ip_decode(const struct frame *, const struct link_layer *, struct fragments *, struct segment *result);

#endif
