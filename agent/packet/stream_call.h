/* Which ports have been called: the ends of the clients' side that have answered somebody's SYN. */
#ifndef AGENT_PACKET_STREAM_CALL_H
#define AGENT_PACKET_STREAM_CALL_H

#include "agent/packet/stream_state.h"

/* Returns 0, or ENOMEM. */
int stream_call_create(struct streams *, struct error *) MUST_CHECK;
void stream_call_destroy(struct streams *);

/* A SYN-ACK to a mail port, or any other segment, which is passed over: its sender has been called on its own port. */
void stream_call_note(struct streams *, const struct segment *);

/* Whether the client's end of the segment, whose sender stands on `side`, has been called in the last days, so that
 * what is said there without a SYN of its own is no connection of its own. */
bool stream_call_was_answered(struct streams *, const struct segment *, enum stream_side);

#endif
