/* The kernel owns a block until its status says "user"; we own it until we write "kernel". Nothing else is shared. What
 * the kernel wrote into a block is believed within the block: offsets are held against its size all the same, so that a
 * kernel of another mind leads to a lost block and not to a crash. */
#include "agent/watcher/ring.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define BLOCKS_MOST     4096
#define BLOCK_SIZE_MOST (16U << 20)

struct ring {
    int descriptor;
    uint8_t *memory;
    uint32_t block_size, blocks, next;
    uint32_t port;
    uint16_t link;
    bool guest;
    uint64_t passed_over; /* packets, not said yet */
};

static struct tpacket_hdr_v1 *block_head(const struct ring *ring, uint32_t block)
{
    return &((struct tpacket_block_desc *)(void *)(ring->memory + (size_t)block * ring->block_size))->hdr.bh1;
}

static bool is_ours(const struct tpacket_hdr_v1 *head)
{
    return atomic_load_explicit((const _Atomic uint32_t *)&head->block_status, memory_order_acquire) & TP_STATUS_USER;
}

static void give_back(struct tpacket_hdr_v1 *head)
{
    atomic_store_explicit((_Atomic uint32_t *)&head->block_status, TP_STATUS_KERNEL, memory_order_release);
}

/* Where another process stopped reading: blocks are numbered in the order of their filling. The oldest that is ours is
 * the one that it was reading when it died, perhaps of what stands there: that one is passed over. Where none is ours,
 * the newest is being filled now and comes next. */
static void find_place(struct ring *ring)
{
    uint32_t oldest = UINT32_MAX, newest = 0;
    for (uint32_t i = 0; i < ring->blocks; i++) {
        if (is_ours(block_head(ring, i)) &&
            (oldest == UINT32_MAX || block_head(ring, i)->seq_num < block_head(ring, oldest)->seq_num))
            oldest = i;
        if (block_head(ring, i)->seq_num > block_head(ring, newest)->seq_num)
            newest = i;
    }
    ring->next = newest;
    if (oldest == UINT32_MAX)
        return;
    ring->passed_over = block_head(ring, oldest)->num_pkts;
    ring->next = (oldest + 1) % ring->blocks;
    give_back(block_head(ring, oldest));
}

/* The kernel maps all that belongs to the socket or nothing: behind the blocks lies the page that bars sending. */
static size_t ring_bytes(uint32_t blocks, uint32_t block_size)
{
    return (size_t)blocks * block_size + (size_t)sysconf(_SC_PAGESIZE);
}

int ring_open(const struct message_port_opened *opened, int descriptor, struct ring **result, struct error *error)
{
    struct ring *ring = calloc(1, sizeof(*ring));
    if (!ring || !opened->blocks || opened->blocks > BLOCKS_MOST || opened->block_size < 4096 ||
        opened->block_size > BLOCK_SIZE_MOST) {
        free(ring);
        close(descriptor);
        return error_set(error, EINVAL, "%s: a ring of no sound size", opened->interface);
    }
    size_t size = ring_bytes(opened->blocks, opened->block_size);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (memory == MAP_FAILED) {
        int code = errno;
        free(ring);
        close(descriptor);
        return error_set(error, code, "%s: cannot map the packet ring: %s", opened->interface, strerror(code));
    }
    *ring = (struct ring){.descriptor = descriptor,
                          .memory = memory,
                          .block_size = opened->block_size,
                          .blocks = opened->blocks,
                          .port = opened->number,
                          .link = opened->link,
                          .guest = opened->guest};
    if (opened->taken_over)
        find_place(ring);
    *result = ring;
    return 0;
}

void ring_close(struct ring **owner)
{
    struct ring *ring = *owner;
    *owner = NULL;
    if (!ring)
        return;
    munmap(ring->memory, ring_bytes(ring->blocks, ring->block_size));
    close(ring->descriptor);
    free(ring);
}

int ring_descriptor(const struct ring *ring)
{
    return ring->descriptor;
}

/* On a guest's port the kernel receives what the guest sends; on the machine's own interface it is the other way round.
 */
static uint8_t direction_of(const struct ring *ring, uint8_t packet_type)
{
    bool outgoing = packet_type == PACKET_OUTGOING;
    return outgoing == ring->guest ? FRAME_TO_GUEST : FRAME_FROM_GUEST;
}

static uint32_t read_block(const struct ring *ring, const uint8_t *block,
                           void (*take)(void *context, const struct frame *, size_t count), void *context)
{
    struct frame frames[RING_FRAMES];
    size_t waiting = 0;
    const struct tpacket_hdr_v1 *head = &((const struct tpacket_block_desc *)(const void *)block)->hdr.bh1;
    uint32_t at = head->offset_to_first_pkt, number = head->num_pkts, done = 0;
    const size_t whole = TPACKET_ALIGN(sizeof(struct tpacket3_hdr)) + sizeof(struct sockaddr_ll);
    while (done < number && at + whole <= ring->block_size) {
        const struct tpacket3_hdr *packet = (const void *)(block + at);
        const struct sockaddr_ll *seen = (const void *)(block + at + TPACKET_ALIGN(sizeof(struct tpacket3_hdr)));
        if ((uint64_t)at + packet->tp_mac + packet->tp_snaplen > ring->block_size)
            break;
        struct frame *one = &frames[waiting++];
        *one = (struct frame){.time = (moment)packet->tp_sec * SECOND + packet->tp_nsec,
                              .bytes = block + at + packet->tp_mac,
                              .captured = packet->tp_snaplen,
                              .length = packet->tp_len,
                              .port = ring->port,
                              .link = ring->link,
                              .direction = direction_of(ring, seen->sll_pkttype),
                              .checksum = packet->tp_status & TP_STATUS_CSUMNOTREADY ? FRAME_CHECKSUM_OPEN
                                                                                     : FRAME_CHECKSUM_WRITTEN};
        if (packet->tp_status & TP_STATUS_VLAN_VALID)
            one->vlan = packet->hv1.tp_vlan_tci & 0xfff;
        if (waiting == RING_FRAMES) {
            take(context, frames, waiting);
            waiting = 0;
        }
        done++;
        if (!packet->tp_next_offset)
            break;
        at += packet->tp_next_offset;
    }
    if (waiting > 0)
        take(context, frames, waiting);
    return done;
}

uint32_t ring_read(struct ring *ring, uint32_t blocks, void (*take)(void *context, const struct frame *, size_t count),
                   void *context)
{
    uint32_t frames = 0;
    for (uint32_t i = 0; i < blocks; i++) {
        struct tpacket_hdr_v1 *head = block_head(ring, ring->next);
        if (!is_ours(head))
            break;
        frames += read_block(ring, ring->memory + (size_t)ring->next * ring->block_size, take, context);
        give_back(head);
        ring->next = (ring->next + 1) % ring->blocks;
    }
    return frames;
}

void ring_forgive(struct ring *ring)
{
    int code;
    socklen_t size = sizeof(code);
    getsockopt(ring->descriptor, SOL_SOCKET, SO_ERROR, &code, &size);
}

uint64_t ring_drops(struct ring *ring)
{
    struct tpacket_stats_v3 statistics = {0};
    socklen_t size = sizeof(statistics);
    uint64_t drops = ring->passed_over;
    ring->passed_over = 0;
    if (getsockopt(ring->descriptor, SOL_PACKET, PACKET_STATISTICS, &statistics, &size) == 0)
        drops += statistics.tp_drops;
    return drops;
}
