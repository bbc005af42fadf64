/* The list is short (one row a guest) and changes rarely, so it is searched from end to end. */
#include "agent/warden/positions.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "agent/warden/filter.h"
#include "common/cleanup.h"

#define POSITIONS_MOST 8192
#define DEPARTED_MOST  1024
#define OPEN_AT_ONCE   16 /* the kernel takes some twenty milliseconds for each */
#define LINK_ETHERNET  1  /* as pcap numbers them; agent/packet/frame.h is not ours to include */
#define LINK_RAW       101

/* A guest's port that is gone, to know it again when its name comes back. */
struct departed {
    char name[16];
    bool mac_known;
    uint8_t mac[6];
};

struct positions {
    struct positions_listener listener;
    struct places_rules rules;
    uint16_t ports[16];
    uint64_t ring;
    struct sock_fprog ethernet, raw;
    struct position *items;
    size_t count, room;
    uint32_t last_number;
    struct departed departed[DEPARTED_MOST]; /* a ring: the oldest gives way */
    size_t departed_next;
    bool bridged, watched; /* watched: there is, or was, someone to hand sockets to */
};

int positions_create(const struct positions_listener *listener, struct positions **result, struct error *error)
{
    struct positions *positions = calloc(1, sizeof(*positions));
    if (!positions)
        return error_set(error, ENOMEM, "no memory for the capture positions");
    positions->listener = *listener;
    *result = positions;
    return 0;
}

void positions_destroy(struct positions **owner)
{
    struct positions *positions = *owner;
    *owner = NULL;
    if (!positions)
        return;
    for (size_t i = 0; i < positions->count; i++)
        if (positions->items[i].descriptor >= 0)
            close(positions->items[i].descriptor);
    free(positions->ethernet.filter);
    free(positions->raw.filter);
    free(positions->items);
    free(positions);
}

int positions_configure(struct positions *positions, const struct capture_settings *settings, struct error *error)
{
    struct sock_fprog ethernet = {0}, raw = {0};
    uint16_t ports[16];
    settings_ports(settings, ports);
    int code = filter_compile(ports, true, &ethernet, error);
    if (code == 0)
        code = filter_compile(ports, false, &raw, error);
    if (code != 0) {
        free(ethernet.filter);
        return code;
    }
    free(positions->ethernet.filter);
    free(positions->raw.filter);
    positions->ethernet = ethernet;
    positions->raw = raw;
    memcpy(positions->ports, ports, sizeof(ports));
    positions->ring = settings->ring;
    positions->rules = (struct places_rules){
        .machine = (enum capture_role)settings->role, .interfaces = settings->interfaces, .uplinks = settings->uplinks};
    return 0;
}

/* Whether the link has Ethernet headers, bare IP, or something that we cannot read. */
static bool link_type_of(const struct link *link, uint16_t *result)
{
    switch (link->hardware) {
    case ARPHRD_ETHER:
    case ARPHRD_LOOPBACK:
        *result = LINK_ETHERNET;
        return true;
    case ARPHRD_NONE:
    case ARPHRD_RAWIP:
    case ARPHRD_TUNNEL:
    case ARPHRD_SIT:
        *result = LINK_RAW;
        return true;
    default:
        return false;
    }
}

static void say(struct positions *positions, uint8_t severity, const char *name, const char *what)
{
    char text[240];
    snprintf(text, sizeof(text), "%s: %.200s", name, what);
    positions->listener.event(positions->listener.context, severity, "port", text);
}

static bool is_captured(const struct position *position)
{
    return position->place == PLACE_GUEST || position->place == PLACE_OWN;
}

static size_t captured(const struct positions *positions)
{
    size_t number = 0;
    for (size_t i = 0; i < positions->count; i++)
        number += is_captured(&positions->items[i]);
    return number;
}

static void hand_over(struct positions *positions, struct position *position)
{
    union message message;
    struct message_port_opened *opened = &message.port_opened;
    uint16_t type = LINK_ETHERNET;
    link_type_of(&position->link, &type);
    int copy = fcntl(position->descriptor, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) { /* it is hooked, and nobody looks: that must not go unsaid */
        char text[160];
        snprintf(text, sizeof(text), "is not watched, for want of a descriptor: %s; raise LimitNOFILE",
                 strerror(errno));
        say(positions, 2, position->link.name, text);
        return;
    }
    message_prepare(&message, MESSAGE_PORT_OPENED, 0);
    opened->number = position->number;
    opened->interface_index = (uint32_t)position->link.index;
    snprintf(opened->interface, sizeof(opened->interface), "%s", position->link.name);
    opened->guest = position->place == PLACE_GUEST;
    opened->mac_known = position->link.mac_known;
    memcpy(opened->mac, position->link.mac, 6);
    opened->link = type;
    opened->other_guest = position->other_guest;
    opened->taken_over = position->handed_over;
    opened->block_size = position->shape.block_size;
    opened->blocks = position->shape.blocks;
    position->other_guest = false;
    position->handed_over = true;
    positions->listener.opened(positions->listener.context, opened, copy);
}

static void open_one(struct positions *positions, struct position *position)
{
    struct error error = {0};
    uint16_t type;
    if (!is_captured(position))
        return;
    if (!link_type_of(&position->link, &type)) {
        say(positions, 1, position->link.name, "its frames are of a kind that we cannot read; it is not watched");
        return;
    }
    position->shape = capture_shape_for((uint32_t)captured(positions), positions->ring);
    bool promiscuous = strcmp(position->link.kind, "bridge") == 0;
    int code = capture_open(position->link.index, type == LINK_ETHERNET ? &positions->ethernet : &positions->raw,
                            &position->shape, promiscuous, &position->descriptor, &error);
    if (code == 0)
        hand_over(positions, position);
    else if (code != -ENODEV && code != -ENXIO) /* gone meanwhile: its news is on the way */
        say(positions, 2, position->link.name, error.text);
}

static struct position *add(struct positions *positions)
{
    if (positions->count == positions->room) {
        size_t room = positions->room ? positions->room * 2 : 32;
        struct position *items = room <= POSITIONS_MOST ? realloc(positions->items, room * sizeof(*items)) : NULL;
        if (!items)
            return NULL;
        positions->items = items;
        positions->room = room;
    }
    return &positions->items[positions->count++];
}

static void remember(struct positions *positions, const struct link *link)
{
    struct departed *departed = &positions->departed[positions->departed_next++ % DEPARTED_MOST];
    *departed = (struct departed){.mac_known = link->mac_known};
    memcpy(departed->name, link->name, sizeof(departed->name));
    memcpy(departed->mac, link->mac, sizeof(departed->mac));
}

/* Whether that name stood for another guest when it was here last. Where names last, or nothing tells guests apart, it
 * did not. */
static bool is_other_guest(struct positions *positions, const struct link *link)
{
    bool other = false;
    for (size_t i = 0; i < DEPARTED_MOST; i++) {
        struct departed *departed = &positions->departed[i];
        if (strcmp(departed->name, link->name) != 0)
            continue;
        other = other || (departed->mac_known && link->mac_known && memcmp(departed->mac, link->mac, 6) != 0);
        departed->name[0] = 0;
    }
    return other && !places_name_is_lasting(link->name);
}

/* Still the same port: index, name and place; a renamed port is another sender. */
static bool is_same(const struct position *position, const struct link *link, enum place place)
{
    return position->link.index == link->index && strcmp(position->link.name, link->name) == 0 &&
           position->place == place;
}

static void close_gone(struct positions *positions, const struct link *links, const enum place *places, size_t count)
{
    for (size_t i = 0; i < positions->count;) {
        struct position *position = &positions->items[i];
        bool stays = false;
        for (size_t k = 0; k < count && !stays; k++)
            stays = is_same(position, &links[k], places[k]);
        if (stays) {
            i++;
            continue;
        }
        struct position gone = *position;
        memmove(position, position + 1, (positions->count - i - 1) * sizeof(*position));
        positions->count--;
        if (gone.descriptor >= 0)
            close(gone.descriptor);
        if (gone.place == PLACE_GUEST)
            remember(positions, &gone.link);
        positions->listener.closed(positions->listener.context, &gone);
    }
}

static void open_new(struct positions *positions, const struct link *links, const enum place *places, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        struct position *position = NULL;
        for (size_t i = 0; i < positions->count && !position; i++)
            if (is_same(&positions->items[i], &links[k], places[k]))
                position = &positions->items[i];
        if (position)
            position->link = links[k];
        if (position || places[k] == PLACE_NONE)
            continue;
        position = add(positions);
        if (!position) {
            say(positions, 2, links[k].name, "there are too many ports; it is not watched");
            continue;
        }
        *position = (struct position){.link = links[k], .place = places[k], .descriptor = -1};
        if (is_captured(position))
            position->number = ++positions->last_number;
        if (places[k] == PLACE_GUEST)
            position->other_guest = is_other_guest(positions, &links[k]);
    }
}

/* Sockets are opened when all new positions are known, so that their rings are sized by the number that there will be.
 */
bool positions_open_some(struct positions *positions)
{
    uint32_t opened = 0;
    for (size_t i = 0; positions->watched && i < positions->count; i++) {
        struct position *position = &positions->items[i];
        if (position->descriptor >= 0 || position->tried || !is_captured(position))
            continue;
        if (opened++ == OPEN_AT_ONCE)
            return true;
        position->tried = true;
        open_one(positions, position);
    }
    return false;
}

enum capture_role positions_update(struct positions *positions, struct links *links)
{
    size_t count;
    const struct link *all = links_all(links, &count);
    enum place *places = calloc(count + 1, sizeof(*places));
    if (!places)
        return CAPTURE_HOST;
    links_default_routes(links, positions->rules.default_routes);
    enum capture_role machine = places_decide(all, count, &positions->rules, places);
    positions->bridged = places_are_bridged(all, places, count);
    close_gone(positions, all, places, count);
    size_t before = positions->count;
    open_new(positions, all, places, count);
    for (size_t i = 0; i < positions->count; i++)
        positions->items[i].tried = false;
    /* First the eye, then the hand: a port that is seen to be hooked is watched, from its first packet on. But for the
     * ports beyond the first OPEN_AT_ONCE, and for all before the first watcher is there. */
    (void)positions_open_some(positions);
    for (size_t i = before; i < positions->count; i++)
        if (positions->items[i].place != PLACE_OWN)
            positions->listener.device(positions->listener.context, &positions->items[i]);
    free(places);
    return machine;
}

void positions_hand_over(struct positions *positions)
{
    positions->watched = true;
    for (size_t i = 0; i < positions->count; i++)
        if (positions->items[i].descriptor >= 0)
            hand_over(positions, &positions->items[i]);
}

const struct position *positions_find(const struct positions *positions, uint32_t number)
{
    for (size_t i = 0; number && i < positions->count; i++)
        if (positions->items[i].number == number)
            return &positions->items[i];
    return NULL;
}

const struct position *positions_all(const struct positions *positions, size_t *count)
{
    *count = positions->count;
    return positions->items;
}

bool positions_are_bridged(const struct positions *positions)
{
    return positions->bridged;
}
