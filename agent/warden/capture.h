/* Opening packet sockets with their rings, for a process that could not open them itself. */
#ifndef AGENT_WARDEN_CAPTURE_H
#define AGENT_WARDEN_CAPTURE_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>
#include "common/error.h"

/* The ring of one socket. Frames of up to 64 kB (super-segments) must fit into a block whole. */
struct capture_shape {
    uint32_t block_size, blocks;
    uint32_t retire_milliseconds; /* a block with frames in it is handed over after this long, full or not */
};

/* Large rings and quick hand-over while there are few positions, small ones when there are many: with 300 positions
 * large rings would take gigabytes. `bytes` 0: by the number of positions; else that much for each, within bounds. */
struct capture_shape capture_shape_for(uint32_t positions, uint64_t bytes);

/* A packet socket on that interface with filter and ring, the filter locked. The caller owns the descriptor.
 * Nothing can be sent through it: one page that bars that lies behind the ring and is to be mapped with it.
 * `promiscuous` is for interfaces that carry others' frames (a bridge); a guest's port gives all anyway. */
int capture_open(int interface, const struct sock_fprog *, const struct capture_shape *, bool promiscuous, int *result,
                 struct error *) MUST_CHECK;

#endif
