/* A reset is believed only when its sequence number is exactly the next one that its receiver waits for (RFC
 * 5961, 3.2); that is the receiver's own latest acknowledgement, which the watcher saw. */
#include "agent/warden/resets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TCP_LENGTH 20
#define TCP_RST    0x04
#define TCP_ACK    0x10
#define HOPS       64

struct resets {
    int packets, ipv4, ipv6; /* -1: not to be had here */
};

static void put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, (uint16_t)(value >> 16));
    put16(at + 2, (uint16_t)value);
}

/* RFC 1071. `length` is even wherever this is used. */
static uint32_t sum16(const uint8_t *bytes, size_t length, uint32_t sum)
{
    for (size_t i = 0; i + 1 < length; i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    return sum;
}

static uint16_t fold(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static size_t put_ethernet(const struct message_reset *reset, bool to_client, uint8_t *at)
{
    memcpy(at, to_client ? reset->client_mac : reset->server_mac, 6);
    memcpy(at + 6, to_client ? reset->server_mac : reset->client_mac, 6);
    size_t length = 12;
    if (reset->vlan) {
        put16(at + length, ETH_P_8021Q);
        put16(at + length + 2, reset->vlan);
        length += 4;
    }
    put16(at + length, reset->family == 4 ? ETH_P_IP : ETH_P_IPV6);
    return length + 2;
}

static size_t put_ip(const struct message_reset *reset, const uint8_t *source, const uint8_t *target, uint8_t *at)
{
    if (reset->family == 4) {
        memset(at, 0, 20);
        at[0] = 0x45;
        put16(at + 2, 20 + TCP_LENGTH);
        put16(at + 6, 0x4000); /* not to be fragmented: so the identification may be 0 (RFC 6864) */
        at[8] = HOPS;
        at[9] = IPPROTO_TCP;
        memcpy(at + 12, source, 4);
        memcpy(at + 16, target, 4);
        put16(at + 10, fold(sum16(at, 20, 0)));
        return 20;
    }
    memset(at, 0, 40);
    at[0] = 0x60;
    put16(at + 4, TCP_LENGTH);
    at[6] = IPPROTO_TCP;
    at[7] = HOPS;
    memcpy(at + 8, source, 16);
    memcpy(at + 24, target, 16);
    return 40;
}

size_t reset_build(const struct message_reset *reset, enum reset_end end, bool ethernet,
                   uint8_t frame[RESET_FRAME_MOST])
{
    bool to_client = end == RESET_TO_CLIENT;
    const uint8_t *source = to_client ? reset->server : reset->client;
    const uint8_t *target = to_client ? reset->client : reset->server;
    size_t length = ethernet ? put_ethernet(reset, to_client, frame) : 0;
    length += put_ip(reset, source, target, frame + length);
    uint8_t *tcp = frame + length;
    memset(tcp, 0, TCP_LENGTH);
    put16(tcp, to_client ? reset->server_port : reset->client_port);
    put16(tcp + 2, to_client ? reset->client_port : reset->server_port);
    put32(tcp + 4, to_client ? reset->to_client_sequence : reset->to_server_sequence);
    put32(tcp + 8, to_client ? reset->to_server_sequence : reset->to_client_sequence);
    tcp[12] = TCP_LENGTH / 4 << 4;
    tcp[13] = TCP_RST | TCP_ACK;
    size_t address = reset->family == 4 ? 4 : 16;
    uint32_t sum = sum16(source, address, 0);
    sum = sum16(target, address, sum) + IPPROTO_TCP + TCP_LENGTH;
    put16(tcp + 16, fold(sum16(tcp, TCP_LENGTH, sum)));
    return length + TCP_LENGTH;
}

int resets_open(struct resets **result, struct error *error)
{
    struct resets *resets = calloc(1, sizeof(*resets));
    if (!resets)
        return error_set(error, ENOMEM, "no memory for the reset sockets");
    resets->packets = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    resets->ipv4 = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
    resets->ipv6 = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW); /* may be switched off */
    if (resets->packets < 0 || resets->ipv4 < 0) {
        int code = error_set(error, errno, "cannot open a raw socket: %s", strerror(errno));
        resets_close(&resets);
        return code;
    }
    *result = resets;
    return 0;
}

void resets_close(struct resets **owner)
{
    struct resets *resets = *owner;
    *owner = NULL;
    if (!resets)
        return;
    if (resets->packets >= 0)
        close(resets->packets);
    if (resets->ipv4 >= 0)
        close(resets->ipv4);
    if (resets->ipv6 >= 0)
        close(resets->ipv6);
    free(resets);
}

static int send_to(int socket, const void *bytes, size_t length, const void *where, socklen_t size, struct error *error)
{
    if (sendto(socket, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL, where, size) < 0)
        return error_set(error, errno, "cannot send a reset: %s", strerror(errno));
    return 0;
}

int resets_send_frame(struct resets *resets, const struct message_reset *reset, enum reset_end end, int interface,
                      bool ethernet, struct error *error)
{
    uint8_t frame[RESET_FRAME_MOST];
    size_t length = reset_build(reset, end, ethernet, frame);
    struct sockaddr_ll where = {.sll_family = AF_PACKET,
                                .sll_ifindex = interface,
                                .sll_protocol = htons(reset->family == 4 ? ETH_P_IP : ETH_P_IPV6),
                                .sll_halen = 6};
    if (ethernet)
        memcpy(where.sll_addr, frame, 6);
    return send_to(resets->packets, frame, length, &where, sizeof(where), error);
}

int resets_send_routed(struct resets *resets, const struct message_reset *reset, enum reset_end end,
                       struct error *error)
{
    uint8_t packet[RESET_FRAME_MOST];
    size_t length = reset_build(reset, end, false, packet);
    const uint8_t *target = end == RESET_TO_CLIENT ? reset->client : reset->server;
    if (reset->family == 4) {
        struct sockaddr_in where = {.sin_family = AF_INET};
        memcpy(&where.sin_addr, target, 4);
        return send_to(resets->ipv4, packet, length, &where, sizeof(where), error);
    }
    if (resets->ipv6 < 0)
        return error_set(error, EAFNOSUPPORT, "cannot send a reset: this machine has no IPv6");
    struct sockaddr_in6 where = {.sin6_family = AF_INET6};
    memcpy(&where.sin6_addr, target, 16);
    return send_to(resets->ipv6, packet, length, &where, sizeof(where), error);
}
