/* Bridged: a frame given to the bridge finds its way by the bridge's own table, to the uplink or to another guest, and
 * needs neither an address nor a route on the hypervisor. Routed: a raw IP packet takes the machine's own route. Which
 * of the two holds is seen from the frame: a guest whose packets are routed here sends them to one of our own MAC
 * addresses. */
#include "agent/warden/cut.h"

#include <errno.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include "agent/warden/resets.h"

#define RESETS_A_SECOND 5000

struct cut {
    struct cut_means means;
    struct resets *resets;
    uint16_t ports[16];
    uint32_t sent, sent_now;
};

int cut_open(const struct cut_means *means, struct cut **result, struct error *error)
{
    struct cut *cut = calloc(1, sizeof(*cut));
    if (!cut)
        return error_set(error, ENOMEM, "no memory for resets");
    cut->means = *means;
    int code = resets_open(&cut->resets, error);
    if (code != 0) {
        cut_close(&cut);
        return code;
    }
    *result = cut;
    return 0;
}

void cut_close(struct cut **owner)
{
    struct cut *cut = *owner;
    *owner = NULL;
    if (!cut)
        return;
    resets_close(&cut->resets);
    free(cut);
}

void cut_ports(struct cut *cut, const uint16_t ports[16])
{
    memcpy(cut->ports, ports, sizeof(cut->ports));
}

static bool is_mail_port(const struct cut *cut, uint16_t port)
{
    for (size_t i = 0; i < 16 && cut->ports[i]; i++)
        if (cut->ports[i] == port)
            return true;
    return false;
}

static struct address address_of(uint8_t family, const uint8_t bytes[16])
{
    return family == 4 ? address_from_ipv4(bytes) : address_from_ipv6(bytes);
}

/* Blocked as a port, as an address or as a MAC. */
static bool is_blocked(const struct cut *cut, const struct position *position, const struct message_reset *reset)
{
    struct address client = address_of(reset->family, reset->client);
    struct sender by_address = sender_from_address(&client);
    struct sender by_port = sender_from_port(position->link.name);
    struct sender by_mac = sender_from_mac(reset->client_mac);
    return (position->place == PLACE_GUEST && enforcement_blocks(cut->means.enforcement, &by_port)) ||
           enforcement_blocks(cut->means.enforcement, &by_address) ||
           (reset->client_mac_known && enforcement_blocks(cut->means.enforcement, &by_mac));
}

static bool is_our_mac(const struct links *links, const uint8_t mac[6])
{
    size_t count;
    const struct link *all = links_all(links, &count);
    for (size_t i = 0; i < count; i++)
        if (all[i].mac_known && memcmp(all[i].mac, mac, 6) == 0)
            return true;
    return false;
}

/* What the watcher was told by frames that a guest can forge, held against what is known here. libvirt gives a port its
 * guest's MAC with another first byte: a frame under the MAC of another port's guest is not this one's. Nor is one
 * under an address or a MAC of this machine. */
static bool is_anothers(const struct cut *cut, const struct position *position, const struct message_reset *reset)
{
    size_t count;
    const struct position *all = positions_all(cut->means.positions, &count);
    const struct address client = address_of(reset->family, reset->client);
    const uint8_t *mac = reset->client_mac;
    if (position->place != PLACE_GUEST)
        return false;
    if (address_is_special(&client) || address_list_contains(cut->means.own, &client))
        return true;
    if (!reset->client_mac_known || (position->link.mac_known && memcmp(position->link.mac + 1, mac + 1, 5) == 0))
        return false;
    for (size_t i = 0; i < count; i++)
        if (all[i].link.mac_known && memcmp(all[i].link.mac + 1, mac + 1, 5) == 0)
            return true;
    return is_our_mac(cut->means.links, mac);
}

static int to_server(struct cut *cut, const struct position *position, const struct message_reset *reset,
                     struct error *error)
{
    size_t count;
    const struct link *all = links_all(cut->means.links, &count);
    const struct link *link = links_find(cut->means.links, position->link.index);
    int bridge = link ? places_bridge(all, count, link) : 0;
    bool framed = position->place == PLACE_GUEST && reset->client_mac_known && reset->server_mac_known && link &&
                  link->master && !is_our_mac(cut->means.links, reset->server_mac);
    /* A raw packet of this machine's own would be stopped by our own table. */
    if (position->place == PLACE_OWN && position->link.hardware == ARPHRD_ETHER && reset->client_mac_known &&
        reset->server_mac_known)
        return resets_send_frame(cut->resets, reset, RESET_TO_SERVER, position->link.index, true, error);
    if (!framed)
        return resets_send_routed(cut->resets, reset, RESET_TO_SERVER, error);
    if (bridge)
        return resets_send_frame(cut->resets, reset, RESET_TO_SERVER, bridge, true, error);
    /* A switch that is no bridge (Open vSwitch): every uplink, one of them is right. */
    const struct position *positions = positions_all(cut->means.positions, &count);
    int code = 0;
    for (size_t i = 0; i < count; i++)
        if (positions[i].place == PLACE_UPLINK)
            code = resets_send_frame(cut->resets, reset, RESET_TO_SERVER, positions[i].link.index, true, error);
    return code;
}

static int to_client(struct cut *cut, const struct position *position, const struct message_reset *reset,
                     struct error *error)
{
    if (position->place != PLACE_GUEST) /* a program of this machine: over the loopback device */
        return resets_send_routed(cut->resets, reset, RESET_TO_CLIENT, error);
    bool ethernet = position->link.hardware == ARPHRD_ETHER;
    if (ethernet && !(reset->client_mac_known && reset->server_mac_known))
        return resets_send_routed(cut->resets, reset, RESET_TO_CLIENT, error);
    return resets_send_frame(cut->resets, reset, RESET_TO_CLIENT, position->link.index, ethernet, error);
}

int cut_connection(struct cut *cut, const struct message_reset *reset, struct error *error)
{
    const struct position *position = positions_find(cut->means.positions, reset->port);
    if (!position)
        return error_set(error, ENODEV, "a reset for a port that is gone");
    if (!is_mail_port(cut, reset->server_port))
        return error_set(error, EPERM, "a reset for a connection that is no mail");
    if (!is_blocked(cut, position, reset))
        return error_set(error, EPERM, "a reset for a sender that is not blocked");
    if (is_anothers(cut, position, reset))
        return error_set(error, EPERM, "a reset for a connection under another's address");
    if (cut->sent_now >= RESETS_A_SECOND)
        return error_set(error, EAGAIN, "too many resets in one second");
    struct error first = {0};
    int code = to_server(cut, position, reset, &first);
    int second = to_client(cut, position, reset, error);
    cut->sent++;
    cut->sent_now++;
    if (code == 0)
        return second;
    *error = first;
    return code;
}

void cut_tick(struct cut *cut)
{
    cut->sent_now = 0;
}

uint32_t cut_sent(const struct cut *cut)
{
    return cut->sent;
}
