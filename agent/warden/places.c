/* Names and kinds as libvirt, Proxmox, LXC, Incus, Xen, SolusVM and systemd-nspawn give them. Where this guesses wrong,
 * [capture] interfaces and uplinks say it. */
#include "agent/warden/places.h"

#include <ctype.h>
#include <fnmatch.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>

/* Parts of the plumbing between a guest's port and the world: each frame was, or will be, seen on the port itself. */
static const char *const plumbing[] = {"fwpr*", "fwln*", "fwbr*", "docker*", "ovs-system", NULL};

/* A veth whose other end is in another namespace is a container's port only under a name of that kind: a machine that
 * is a container itself has an eth0 of just that sort. */
static const char *const containers[] = {"veth*", "vnet*", "tap*", "lxc*", "vif*",
                                         "viif*", "kvm*",  "ve-*", "vb-*", NULL};

/* Bridges that hide their members behind the machine's own address: what is in them is the machine's, not a customer's.
 */
static const char *const inner_bridges[] = {"docker*", "br-????????????", "podman*", "cni*", NULL};

static bool one_of(const char *name, const char *const *patterns)
{
    for (; *patterns; patterns++)
        if (fnmatch(*patterns, name, 0) == 0)
            return true;
    return false;
}

static const struct link *by_index(const struct link *links, size_t count, int index)
{
    for (size_t i = 0; index && i < count; i++)
        if (links[i].index == index)
            return &links[i];
    return NULL;
}

static bool is_bridge(const struct link *link)
{
    return link && strcmp(link->kind, "bridge") == 0;
}

static bool leads_out(const struct link *link, const struct places_rules *rules)
{
    return link->index == rules->default_routes[0] || link->index == rules->default_routes[1];
}

static bool looks_like_guest(const struct link *links, size_t count, const struct link *link,
                             const struct places_rules *rules)
{
    const struct link *master = by_index(links, count, link->master);
    if (one_of(link->name, plumbing) || leads_out(link, rules) || link->hardware != ARPHRD_ETHER ||
        (master && one_of(master->name, inner_bridges)))
        return false;
    if (strcmp(link->kind, "tun") == 0)
        return true;
    return strcmp(link->kind, "veth") == 0 && link->peer_elsewhere && one_of(link->name, containers);
}

static bool looks_like_uplink(const struct link *links, size_t count, const struct link *link,
                              const struct places_rules *rules)
{
    const struct link *master = by_index(links, count, link->master);
    if (is_bridge(link) || one_of(link->name, plumbing) || (link->flags & IFF_LOOPBACK))
        return false;
    if (leads_out(link, rules))
        return true;
    return !one_of(link->name, containers) && /* a container's port that is being taken down looks like any veth */
           is_bridge(master) && !one_of(master->name, plumbing) && !one_of(master->name, inner_bridges);
}

static bool looks_like_own(const struct link *link, const struct places_rules *rules)
{
    if (link->flags & IFF_LOOPBACK) /* where its users and their programs submit to its own mail server */
        return true;
    if (rules->default_routes[0] || rules->default_routes[1])
        return leads_out(link, rules);
    return link->flags & IFF_UP && !link->master && strcmp(link->kind, "vlan") != 0 && strcmp(link->kind, "ifb") != 0 &&
           strcmp(link->kind, "dummy") != 0;
}

static bool is_guest(const struct link *links, size_t count, const struct link *link, const struct places_rules *rules)
{
    if (settings_name_fits(&rules->uplinks, link->name))
        return false;
    return rules->interfaces.count ? settings_name_fits(&rules->interfaces, link->name)
                                   : looks_like_guest(links, count, link, rules);
}

static enum capture_role find_machine(const struct link *links, size_t count, const struct places_rules *rules)
{
    if (rules->machine != CAPTURE_AUTO)
        return rules->machine;
    for (size_t i = 0; i < count; i++)
        if (is_guest(links, count, &links[i], rules) && looks_like_guest(links, count, &links[i], rules))
            return CAPTURE_HYPERVISOR;
    return CAPTURE_HOST;
}

enum capture_role places_decide(const struct link *links, size_t count, const struct places_rules *rules,
                                enum place *places)
{
    enum capture_role machine = find_machine(links, count, rules);
    for (size_t i = 0; i < count; i++) {
        const struct link *link = &links[i];
        bool named_uplink = settings_name_fits(&rules->uplinks, link->name);
        places[i] = PLACE_NONE;
        if (machine == CAPTURE_HOST) {
            bool own = rules->interfaces.count ? settings_name_fits(&rules->interfaces, link->name)
                                               : looks_like_own(link, rules);
            places[i] = own ? PLACE_OWN : PLACE_NONE;
        } else if (is_guest(links, count, link, rules)) {
            /* A port comes into being under a MAC of its own and is given its guest's before it goes up: only then can
             * be said whose it is. */
            places[i] = link->flags & IFF_UP ? PLACE_GUEST : PLACE_NONE;
        } else if (rules->uplinks.count ? named_uplink : looks_like_uplink(links, count, link, rules)) {
            places[i] = PLACE_UPLINK;
        }
    }
    return machine;
}

int places_bridge(const struct link *links, size_t count, const struct link *port)
{
    const struct link *master = by_index(links, count, port->master);
    return is_bridge(master) ? master->index : 0;
}

bool places_are_bridged(const struct link *links, const enum place *places, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (places[i] == PLACE_UPLINK && links[i].master)
            return true;
    return false;
}

bool places_name_is_lasting(const char *name)
{
    if (strncmp(name, "tap", 3) == 0)
        name += 3;
    else if (strncmp(name, "veth", 4) == 0)
        name += 4;
    else
        return false;
    const char *digits = name;
    while (isdigit((unsigned char)*name))
        name++;
    if (name == digits || *name++ != 'i')
        return false;
    digits = name;
    while (isdigit((unsigned char)*name))
        name++;
    return name > digits && *name == 0;
}
