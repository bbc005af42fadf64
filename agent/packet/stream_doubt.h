/* Segments that their receiver may well ignore (RFC 9293 3.10.7.4, RFC 7323 5, RFC 5961 5). */
#ifndef AGENT_PACKET_STREAM_DOUBT_H
#define AGENT_PACKET_STREAM_DOUBT_H

#include "agent/packet/stream_state.h"

/* Why; of two copies the one with the smaller number is the likelier to be taken. */
enum stream_doubt {
    DOUBT_TIME_TO_LIVE = 0xff, /* less than usual: 255 minus it */
    DOUBT_WINDOW = 0x100,      /* sent into a window that is shut */
    DOUBT_BEHIND = 0x200,      /* acknowledges less than the segment before */
    DOUBT_OPENING = 0x400,     /* data with the SYN (RFC 7413), which most servers do not take */
    DOUBT_BEYOND = 0x800,      /* acknowledges what the server has not sent */
    DOUBT_STAMP = 0x1000,      /* older than the one before, or missing where all others have one */
    DOUBT_OPTION = 0x2000,     /* a signature (RFC 2385, RFC 5925) */
    DOUBT_CHECKSUM = 0x4000,
    DOUBT_FRAGMENTS = 0x8000, /* that overlapped */
};

/* 0: none. Only what clients send is doubted, and only where the server is seen, whose acknowledgement will tell. */
uint16_t stream_doubt_of(const struct streams *, struct stream *, const struct segment *);

/* The same for nearly all that clients send, and faster. The segment acknowledges nothing that the server has not sent,
 * and none of its bytes were cut off. False: not known yet. */
bool stream_is_beyond_doubt(const struct streams *, struct stream *, const struct segment *);

/* The same of a client's reset, which needs to acknowledge nothing. */
bool stream_doubt_of_reset(const struct stream *, const struct segment *);

/* The SYN is the connection's: what it says is usual. */
void stream_doubt_begins(struct stream *, const struct segment *syn);

/* The SYN-ACK: there are time stamps only where both ends want them. */
void stream_doubt_answered(struct stream *, const struct segment *syn_ack);

/* Its data were taken: what it was doubted for is usual from now on. */
void stream_doubt_ends(struct stream *, uint16_t doubt);

/* True: what stands in the checksums' fields is what belongs there, or what belongs there before a card completes it;
 * also where nobody can tell. `header` of the segment is set. */
bool stream_checksum_is_right(const struct segment *);

#endif
