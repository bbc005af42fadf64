/* Reading a packet socket's ring (TPACKET_V3) that another process opened for us. */
#ifndef AGENT_WATCHER_RING_H
#define AGENT_WATCHER_RING_H

#include <stdbool.h>
#include <stdint.h>
#include "agent/message/message.h"
#include "agent/packet/frame.h"
#include "common/error.h"

struct ring;

/* Maps the ring as the message describes it. Takes the descriptor, on failure too. */
int ring_open(const struct message_port_opened *, int descriptor, struct ring **, struct error *) MUST_CHECK;
void ring_close(struct ring **);
int ring_descriptor(const struct ring *);

/* Hand over the frames of at most `blocks` blocks that are full or due, in order, up to RING_FRAMES at once. Returns
 * how many frames; they are borrowed for the length of the call. */
#define RING_FRAMES 32
uint32_t ring_read(struct ring *, uint32_t blocks, void (*take)(void *context, const struct frame *, size_t count),
                   void *context);
/* After an error on the descriptor (the interface went down): take it away, so that the loop is not woken for ever. */
void ring_forgive(struct ring *);
/* Packets that the kernel could not place, or that were passed over with a dead watcher's last block, since the last
 * call. */
uint64_t ring_drops(struct ring *);

#endif
