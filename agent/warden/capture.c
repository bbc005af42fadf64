/* TPACKET_V3: the kernel fills blocks of memory that it shares with the reader and hands them over whole, so that the
 * reader makes no system call for a packet. The socket is opened without a protocol, so that it receives nothing until
 * filter and ring stand: no frame slips past the filter. */
#include "agent/warden/capture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BLOCK_SIZE (128U * 1024)
#define FRAME_SIZE 2048U /* only the unit in which the kernel checks the geometry */
/* The least that the kernel allows: its own head of 48 bytes, and 32 of a frame. */
#define SENDING_FRAME_SIZE TPACKET_ALIGN(TPACKET3_HDRLEN)

/* Each ring's timer fires when nothing is to be handed over as well, and takes the kernel some microseconds: with a
 * thousand ports at ten milliseconds it took most of a core, and the watcher came too late to its rings. So all timers
 * together fire no more than some thirty thousand times a second, however many ports there are. */
struct capture_shape capture_shape_for(uint32_t positions, uint64_t bytes)
{
    static const struct {
        uint32_t positions, blocks, retire;
    } steps[] = {{4, 64, 1},  {16, 32, 1},  {32, 16, 1},   {64, 16, 2},
                 {256, 4, 8}, {512, 2, 16}, {1024, 2, 32}, {UINT32_MAX, 2, 64}};
    size_t i = 0;
    while (positions > steps[i].positions)
        i++;
    struct capture_shape shape = {BLOCK_SIZE, steps[i].blocks, steps[i].retire};
    if (bytes) {
        uint64_t blocks = bytes / BLOCK_SIZE;
        shape.blocks = blocks < 2 ? 2 : blocks > 1024 ? 1024 : (uint32_t)blocks;
    }
    return shape;
}

static int set(int socket, int option, const void *value, socklen_t size, const char *what, struct error *error)
{
    if (setsockopt(socket, SOL_PACKET, option, value, size) != 0)
        return error_set(error, errno, "cannot set %s: %s", what, strerror(errno));
    return 0;
}

/* Whoever holds a packet socket may send through it, with or without rights; and the process that gets ours is the one
 * that strangers' bytes may take over. There is no way to close that side, but a socket with a ring for sending sends
 * from there alone, and frames that have no room in it are refused: 32 bytes are too few for TCP. */
static int bar_sending(int socket, struct error *error)
{
    unsigned page = (unsigned)sysconf(_SC_PAGESIZE);
    struct tpacket_req3 ring = {.tp_block_size = page,
                                .tp_block_nr = 1,
                                .tp_frame_size = SENDING_FRAME_SIZE,
                                .tp_frame_nr = page / SENDING_FRAME_SIZE};
    return set(socket, PACKET_TX_RING, &ring, sizeof(ring), "the bar against sending", error);
}

static int prepare(int socket, int interface, const struct sock_fprog *filter, const struct capture_shape *shape,
                   bool promiscuous, struct error *error)
{
    int version = TPACKET_V3, on = 1;
    if (setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, filter, sizeof(*filter)) != 0)
        return error_set(error, errno, "cannot attach the packet filter: %s", strerror(errno));
    if (setsockopt(socket, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)) != 0)
        return error_set(error, errno, "cannot lock the packet filter: %s", strerror(errno));
    int code = set(socket, PACKET_VERSION, &version, sizeof(version), "TPACKET_V3", error);
    struct tpacket_req3 ring = {.tp_block_size = shape->block_size,
                                .tp_block_nr = shape->blocks,
                                .tp_frame_size = FRAME_SIZE,
                                .tp_frame_nr = shape->block_size / FRAME_SIZE * shape->blocks,
                                .tp_retire_blk_tov = shape->retire_milliseconds};
    if (code == 0)
        code = set(socket, PACKET_RX_RING, &ring, sizeof(ring), "the packet ring", error);
    if (code == 0)
        code = bar_sending(socket, error);
    struct packet_mreq membership = {.mr_ifindex = interface, .mr_type = PACKET_MR_PROMISC};
    if (code == 0 && promiscuous)
        code = set(socket, PACKET_ADD_MEMBERSHIP, &membership, sizeof(membership), "promiscuous mode", error);
    struct sockaddr_ll where = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = interface};
    if (code == 0 && bind(socket, (struct sockaddr *)&where, sizeof(where)) != 0)
        code = error_set(error, errno, "cannot bind the packet socket: %s", strerror(errno));
    return code;
}

int capture_open(int interface, const struct sock_fprog *filter, const struct capture_shape *shape, bool promiscuous,
                 int *result, struct error *error)
{
    int descriptor = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0)
        return error_set(error, errno, "cannot open a packet socket: %s", strerror(errno));
    int code = prepare(descriptor, interface, filter, shape, promiscuous, error);
    if (code != 0) {
        close(descriptor);
        return code;
    }
    *result = descriptor;
    return 0;
}
