/* Messages of RFC 3549 through libmnl. The socket for events and the one for questions are two: an answer is never
 * mixed up with news. */
#include "agent/warden/links.h"

#include <errno.h>
#include <ifaddrs.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include "common/cleanup.h"

#define RECEIVE_BUFFER (4 << 20) /* a hypervisor that starts all its guests at once sends thousands of messages */

struct links {
    struct mnl_socket *news, *questions;
    struct link *items;
    size_t count, room;
    uint32_t sequence;
    bool changed;
};

static void close_socket(struct mnl_socket **socket)
{
    if (*socket)
        mnl_socket_close(*socket);
    *socket = NULL;
}

void links_close(struct links **owner)
{
    struct links *links = *owner;
    *owner = NULL;
    if (!links)
        return;
    close_socket(&links->news);
    close_socket(&links->questions);
    free(links->items);
    free(links);
}

static struct link *find(struct links *links, int index)
{
    for (size_t i = 0; i < links->count; i++)
        if (links->items[i].index == index)
            return &links->items[i];
    return NULL;
}

static struct link *find_or_add(struct links *links, int index)
{
    struct link *link = find(links, index);
    if (link)
        return link;
    if (links->count == links->room) {
        size_t room = links->room ? links->room * 2 : 64;
        struct link *items = realloc(links->items, room * sizeof(*items));
        if (!items)
            return NULL;
        links->items = items;
        links->room = room;
    }
    link = &links->items[links->count++];
    memset(link, 0, sizeof(*link));
    link->index = index;
    return link;
}

static void copy_name(char result[16], const struct nlattr *attribute)
{
    size_t length = strnlen(mnl_attr_get_payload(attribute), mnl_attr_get_payload_len(attribute));
    memset(result, 0, 16);
    memcpy(result, mnl_attr_get_payload(attribute), length < 15 ? length : 15);
}

static void read_kind(struct link *link, const struct nlattr *information)
{
    const struct nlattr *inner;
    mnl_attr_for_each_nested(inner, information) if (mnl_attr_get_type(inner) == IFLA_INFO_KIND)
        copy_name(link->kind, inner);
}

static void read_attribute(struct link *link, const struct nlattr *attribute)
{
    uint16_t length = mnl_attr_get_payload_len(attribute);
    switch (mnl_attr_get_type(attribute)) {
    case IFLA_IFNAME:
        copy_name(link->name, attribute);
        break;
    case IFLA_MASTER:
        link->master = length == 4 ? (int)mnl_attr_get_u32(attribute) : 0;
        break;
    case IFLA_LINK:
        link->peer = length == 4 ? (int)mnl_attr_get_u32(attribute) : 0;
        break;
    case IFLA_LINK_NETNSID:
        link->peer_elsewhere = true;
        break;
    case IFLA_ADDRESS:
        link->mac_known = length == 6;
        if (length == 6)
            memcpy(link->mac, mnl_attr_get_payload(attribute), 6);
        break;
    case IFLA_LINKINFO:
        read_kind(link, attribute);
        break;
    default:
        break;
    }
}

static void take_away(struct links *links, int index)
{
    struct link *link = find(links, index);
    if (!link)
        return;
    *link = links->items[--links->count];
    links->changed = true;
}

static int on_message(const struct nlmsghdr *header, void *context)
{
    struct links *links = context;
    if ((header->nlmsg_type != RTM_NEWLINK && header->nlmsg_type != RTM_DELLINK) ||
        mnl_nlmsg_get_payload_len(header) < sizeof(struct ifinfomsg))
        return MNL_CB_OK;
    const struct ifinfomsg *information = mnl_nlmsg_get_payload(header);
    if (information->ifi_family != AF_UNSPEC) /* a bridge's news about its member, under the same message type */
        return MNL_CB_OK;
    if (header->nlmsg_type == RTM_DELLINK) {
        take_away(links, information->ifi_index);
        return MNL_CB_OK;
    }
    struct link now = {
        .index = information->ifi_index, .flags = information->ifi_flags, .hardware = information->ifi_type};
    const struct nlattr *attribute;
    mnl_attr_for_each(attribute, header, sizeof(*information)) read_attribute(&now, attribute);
    struct link *link = find_or_add(links, now.index);
    if (link && memcmp(link, &now, sizeof(now)) != 0) {
        *link = now;
        links->changed = true;
    }
    return MNL_CB_OK;
}

static int ask(struct links *links, struct nlmsghdr *request, mnl_cb_t callback, void *context)
{
    char buffer[32768] __attribute__((aligned(NLMSG_ALIGNTO)));
    request->nlmsg_seq = ++links->sequence;
    if (mnl_socket_sendto(links->questions, request, request->nlmsg_len) < 0)
        return -errno;
    for (;;) {
        ssize_t length = mnl_socket_recvfrom(links->questions, buffer, sizeof(buffer));
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            return -errno;
        if (((const struct nlmsghdr *)(const void *)buffer)->nlmsg_seq != request->nlmsg_seq)
            continue; /* the rest of a list that was given up */
        int code = mnl_cb_run(buffer, (size_t)length, request->nlmsg_seq, mnl_socket_get_portid(links->questions),
                              callback, context);
        if (code <= MNL_CB_STOP)
            return code < 0 ? -errno : 0;
        if (!(request->nlmsg_flags & NLM_F_DUMP))
            return 0;
    }
}

/* Ask for all links. Those that are not in the answer are gone. */
static int dump(struct links *links, struct error *error)
{
    char buffer[256];
    struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
    request->nlmsg_type = RTM_GETLINK;
    request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    struct ifinfomsg *which = mnl_nlmsg_put_extra_header(request, sizeof(*which));
    which->ifi_family = AF_UNSPEC;
    for (int tries = 0; tries < 5; tries++) {
        links->count = 0;
        int code = ask(links, request, on_message, links);
        if (code == 0) {
            links->changed = true;
            return 0;
        }
        if (code != -EINTR) /* the kernel's word for "it changed while I told you" */
            return error_set(error, -code, "cannot list the network links: %s", strerror(-code));
    }
    return error_set(error, EINTR, "cannot list the network links: they change all the time");
}

static int open_sockets(struct links *links, struct error *error)
{
    links->questions = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    links->news = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (!links->news || !links->questions || mnl_socket_bind(links->questions, 0, MNL_SOCKET_AUTOPID) < 0 ||
        mnl_socket_bind(links->news, RTMGRP_LINK, MNL_SOCKET_AUTOPID) < 0)
        return error_set(error, errno, "cannot open rtnetlink: %s", strerror(errno));
    int size = RECEIVE_BUFFER, descriptor = mnl_socket_get_fd(links->news);
    if (setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    struct timeval patience = {.tv_sec = 2};
    setsockopt(mnl_socket_get_fd(links->questions), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return 0;
}

int links_open(struct links **result, struct error *error)
{
    CLEANUP(links_close) struct links *links = calloc(1, sizeof(*links));
    if (!links)
        return error_set(error, ENOMEM, "no memory for the network links");
    links->sequence = (uint32_t)time(NULL);
    int code = open_sockets(links, error);
    if (code == 0)
        code = dump(links, error);
    if (code == 0)
        *result = TAKE(links);
    return code;
}

int links_descriptor(const struct links *links)
{
    return mnl_socket_get_fd(links->news);
}

int links_read(struct links *links, bool *changed, struct error *error)
{
    char buffer[32768];
    int code = 0;
    links->changed = false;
    for (;;) {
        ssize_t length = mnl_socket_recvfrom(links->news, buffer, sizeof(buffer));
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (length < 0 && errno != ENOBUFS && errno != ENOSPC)
            return error_set(error, errno, "cannot read rtnetlink: %s", strerror(errno));
        if (length < 0) /* some were lost: nothing that we hold is certain */
            code = dump(links, error);
        else
            mnl_cb_run(buffer, (size_t)length, 0, 0, on_message, links);
        if (code != 0)
            return code;
    }
    *changed = links->changed;
    return 0;
}

const struct link *links_all(const struct links *links, size_t *count)
{
    *count = links->count;
    return links->items;
}

const struct link *links_find(const struct links *links, int index)
{
    return index ? find((struct links *)(uintptr_t)links, index) : NULL;
}

const struct link *links_named(const struct links *links, const char *name)
{
    for (size_t i = 0; i < links->count; i++)
        if (strcmp(links->items[i].name, name) == 0)
            return &links->items[i];
    return NULL;
}

static int on_route(const struct nlmsghdr *header, void *context)
{
    int *interface = context;
    const struct nlattr *attribute;
    if (header->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(header) < sizeof(struct rtmsg))
        return MNL_CB_OK;
    mnl_attr_for_each(attribute, header, sizeof(struct rtmsg)) if (mnl_attr_get_type(attribute) == RTA_OIF &&
                                                                   mnl_attr_get_payload_len(attribute) ==
                                                                       4) *interface = (int)mnl_attr_get_u32(attribute);
    return MNL_CB_OK;
}

/* One address is looked up, not the table listed: that may hold a million routes. Addresses far from anyone's own. */
void links_default_routes(struct links *links, int result[2])
{
    static const uint8_t far4[4] = {9, 9, 9, 9};
    static const uint8_t far6[16] = {0x26, 0x20, 0, 0xfe, [15] = 0xfe};
    for (int i = 0; i < 2; i++) {
        char buffer[256];
        struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
        request->nlmsg_type = RTM_GETROUTE;
        request->nlmsg_flags = NLM_F_REQUEST;
        struct rtmsg *route = mnl_nlmsg_put_extra_header(request, sizeof(*route));
        route->rtm_family = i ? AF_INET6 : AF_INET;
        route->rtm_dst_len = i ? 128 : 32;
        mnl_attr_put(request, RTA_DST, i ? 16 : 4, i ? far6 : far4);
        result[i] = 0;
        if (ask(links, request, on_route, &result[i]) != 0)
            result[i] = 0; /* no route, or no such family: that is the answer */
    }
}

int links_own_addresses(struct address_list *result, struct error *error)
{
    struct ifaddrs *all = NULL;
    if (getifaddrs(&all) != 0)
        return error_set(error, errno, "cannot list our own addresses: %s", strerror(errno));
    bool fine = true;
    for (struct ifaddrs *one = all; one && fine; one = one->ifa_next) {
        struct address address;
        if (one->ifa_addr && one->ifa_addr->sa_family == AF_INET)
            address = address_from_ipv4((void *)&((struct sockaddr_in *)(void *)one->ifa_addr)->sin_addr);
        else if (one->ifa_addr && one->ifa_addr->sa_family == AF_INET6)
            address = address_from_ipv6((void *)&((struct sockaddr_in6 *)(void *)one->ifa_addr)->sin6_addr);
        else
            continue;
        fine = address_list_add(result, &address);
    }
    freeifaddrs(all);
    if (fine)
        return 0;
    address_list_clear(result);
    return error_set(error, ENOMEM, "no memory for our own addresses");
}
